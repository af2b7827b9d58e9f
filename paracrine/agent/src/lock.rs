//! One run at a time: a kernel lock, gone when the agent is.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use paracrine_model::protocol::Failure;

/// The lock of a machine, held as long as this lives. Its file says who holds it and what they are at.
pub struct Lock {
    file: File,
    /// The first lines of its file: who holds it, and for what.
    holder: String,
}

/// How the line begins that names the run and the host that the lock is held for.
const RUN: &str = "run ";

/// A check that looks who holds the lock holds it itself for an instant: such a moment is waited out.
const GRACE: Duration = Duration::from_millis(200);

/// What the lock's file said when it was taken: the task that the last run was at.
pub struct Before {
    /// `None` where the last run came to its end.
    pub task: Option<String>,
}

impl Lock {
    /// Takes the lock in `directory` (`/run/paracrine`) for a `run` on the host `identity`, waiting for it at most `wait`;
    /// `waiting` is told once who holds it, and asked between tries whether to go on.
    ///
    /// # Errors
    /// Somebody else holds it, or its file cannot be opened. Where the same run holds it, or has held it, for another host of
    /// its inventory, that is one machine by two names.
    pub fn take_for(
        directory: &Path,
        (run, identity): (&str, &str),
        holder: &str,
        wait: Duration,
        mut waiting: impl FnMut(&str) -> bool,
    ) -> Result<(Self, Before), Failure> {
        let mut file = open(directory).map_err(|error| wrong(directory, &error))?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(wrong(directory, &error)),
                Err(TryLockError::WouldBlock) => {}
            }
            if began.elapsed() < GRACE {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            }
            let other = content(&mut file).unwrap_or_default();
            if let Some(twin) = twin_in(&other, run, identity) {
                return Err(twin);
            }
            let other = other.lines().next().unwrap_or("somebody").to_owned();
            if began.elapsed() >= wait || !waiting(&other) {
                return Err(Failure::new(format!("another run holds the lock: {other}"))
                    .help("wait for it with `--lock-wait SECONDS`; the lock goes when that run ends, however it ends"));
            }
            // The kernel has no lock with a time limit.
            std::thread::sleep(Duration::from_millis(100));
        }
        let before = content(&mut file).unwrap_or_default();
        if let Some(twin) = twin_in(&before, run, identity) {
            return Err(twin);
        }
        let task = task_in(&before);
        let mut lock = Self { file, holder: format!("{}\n{RUN}{run} {identity}", holder.replace('\n', " ")) };
        lock.say(None);
        Ok((lock, Before { task }))
    }

    /// Who holds the lock now, if anybody does.
    pub fn held_by(directory: &Path) -> Option<String> {
        let mut file = File::open(directory.join("lock")).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => content(&mut file).ok()?.lines().next().map(str::to_owned),
            _ => None,
        }
    }

    /// The task at which the last run was cut off, if it was.
    pub fn cut_off_at(directory: &Path) -> Option<String> {
        let mut file = File::open(directory.join("lock")).ok()?;
        task_in(&content(&mut file).ok()?)
    }

    /// Notes the task at hand, for those who find the lock taken and for the next run. Not synced: it is for people.
    pub fn at(&mut self, task: &str) {
        self.say(Some(task));
    }

    /// Notes that the run has come to its end.
    pub fn done(&mut self) {
        self.say(None);
    }

    fn say(&mut self, task: Option<&str>) {
        let mut text = format!("{}\n", self.holder);
        text.extend(task.map(|task| format!("{task}\n")));
        // A line for people that cannot be written costs nobody anything.
        let _ = self
            .file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(text.as_bytes()));
    }
}

fn open(directory: &Path) -> io::Result<File> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(directory.join("lock"))
}

fn content(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    file.rewind()?;
    file.take(4096).read_to_string(&mut text)?;
    Ok(text)
}

/// The last line: the first says who, this one at what.
fn task_in(text: &str) -> Option<String> {
    text.lines().skip(1).find(|line| !line.starts_with(RUN)).map(str::to_owned)
}

/// That a lock is that of this run, for another host.
fn twin_in(text: &str, run: &str, identity: &str) -> Option<Failure> {
    let held = text.lines().nth(1)?.strip_prefix(RUN)?;
    let twin = held.strip_prefix(run)?.strip_prefix(' ').filter(|twin| *twin != identity)?;
    Some(
        Failure::new(format!("this machine is {twin} in the same run: two names for one machine"))
            .help("one of the two addresses in the inventory is wrong"),
    )
}

fn wrong(directory: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot take the lock {}/lock: {error}", directory.display()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    impl Lock {
        /// Takes the lock for some run on some host.
        pub(crate) fn take(
            directory: &Path,
            holder: &str,
            wait: Duration,
            waiting: impl FnMut(&str) -> bool,
        ) -> Result<(Self, Before), Failure> {
            Self::take_for(directory, (holder, "site/dev/host"), holder, wait, waiting)
        }
    }

    /// Waits until nobody holds the lock. What a test of another thread has just forked holds it until it starts its
    /// program.
    pub(crate) fn until_free(directory: &Path) {
        while Lock::held_by(directory).is_some() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_second_name_for_the_machine_meets_the_lock_of_its_own_run() {
        let directory = tempfile::tempdir().unwrap();
        let take = |run, identity, wait| {
            Lock::take_for(directory.path(), (run, identity), "ann@laptop", wait, |_| true)
        };
        let (first, _) = take("20261125-1", "shop/dev/web1", Duration::ZERO).unwrap();
        let told = |taken: Result<(Lock, Before), Failure>| {
            let failure = taken.err().unwrap();
            (failure.message, failure.help.unwrap())
        };
        let twins = (
            "this machine is shop/dev/web1 in the same run: two names for one machine".to_owned(),
            "one of the two addresses in the inventory is wrong".to_owned(),
        );
        // It does not wait for itself.
        assert_eq!(told(take("20261125-1", "shop/dev/web2", Duration::from_secs(600))), twins);
        assert_eq!(
            told(take("20261125-2", "shop/dev/web2", Duration::ZERO)).0,
            "another run holds the lock: ann@laptop"
        );
        drop(first);
        until_free(directory.path());
        // Nor is it deployed to by both names one after the other.
        assert_eq!(told(take("20261125-1", "shop/dev/web2", Duration::from_secs(60))), twins);
        drop(take("20261125-1", "shop/dev/web1", Duration::from_secs(60)).unwrap());
        drop(take("20261125-3", "shop/dev/web2", Duration::from_secs(60)).unwrap());
    }

    #[test]
    fn the_second_run_is_told_who_holds_the_lock() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run");
        let (mut first, before) = Lock::take(&path, "ann@laptop", Duration::ZERO, |_| true).unwrap();
        assert_eq!(before.task, None);
        first.at("package nginx");
        let failure = Lock::take(&path, "bob@ci", Duration::ZERO, |_| true).err().unwrap();
        assert_eq!(failure.message, "another run holds the lock: ann@laptop");
        assert_eq!(Lock::held_by(&path).as_deref(), Some("ann@laptop"));
    }

    #[test]
    fn the_lock_goes_with_its_holder_and_tells_what_was_cut() {
        let directory = tempfile::tempdir().unwrap();
        let (mut first, _) = Lock::take(directory.path(), "ann@laptop", Duration::ZERO, |_| true).unwrap();
        first.at("package nginx");
        drop(first);
        until_free(directory.path());
        let (_, before) = Lock::take(directory.path(), "bob@ci", Duration::from_secs(60), |_| true).unwrap();
        assert_eq!(before.task.as_deref(), Some("package nginx"));
    }

    #[test]
    fn a_run_that_waits_gets_the_lock_when_it_is_free() {
        let directory = tempfile::tempdir().unwrap();
        let (first, _) = Lock::take(directory.path(), "ann@laptop", Duration::ZERO, |_| true).unwrap();
        let mut first = Some(first);
        let mut told = Vec::new();
        let taken = Lock::take(directory.path(), "bob@ci", Duration::from_secs(60), |holder| {
            told.push(holder.to_owned());
            first = None;
            true
        });
        assert!(taken.is_ok());
        assert_eq!(told, ["ann@laptop"]);
    }
}
