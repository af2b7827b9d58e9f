//! What a run has left running that was killed together with the keeper of its command, as the keeper's note tells.
//!
//! The note lies beside the lock: who keeps (a process, with when it was started), of which start of the machine, in which
//! session; and on a second line the command's process. It is gone when the command has ended.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use paracrine_model::protocol::Failure;
use rustix::fs::OFlags;

use super::doomed::{Doomed, GRACE, Packages, Whose};
use super::table;

/// What the note is called.
pub(super) const NOTE: &str = "command";

/// What a keeper that was left alone may need to end what it kept, and some more.
const PATIENCE: Duration = Duration::from_secs(2 * GRACE.as_secs());

const TICK: Duration = Duration::from_millis(20);

/// A keeper's note, which goes with it.
pub(super) struct Note {
    path: PathBuf,
    file: Option<File>,
}

impl Note {
    /// One that cannot be written is missed only if the keeper is killed as well.
    pub(super) fn begin(path: &Path) -> Self {
        let own = table::one(std::process::id());
        let text = own.map(|own| format!("{} {} {} {}\n", table::boot(), own.id, own.started, own.session));
        let mut options = OpenOptions::new();
        options
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
        let file = text.and_then(|text| {
            let mut file = options.open(path).ok()?;
            file.write_all(text.as_bytes()).ok()?;
            Some(file)
        });
        Self { path: path.to_owned(), file }
    }

    /// Adds the command's process.
    pub(super) fn started(&self, command: u32) {
        if let Some(mut file) = self.file.as_ref() {
            let _ = writeln!(file, "{command}");
        }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// A note that was found.
struct Told {
    /// The keeper, and when it was started.
    keeper: (u32, u64),
    session: u32,
    command: Option<u32>,
}

impl Told {
    fn keeper_lives(&self) -> bool {
        table::one(self.keeper.0).is_some_and(|found| found.started == self.keeper.1 && !found.ended)
    }

    /// What the command has started, as far as it can be known.
    fn doomed(&self) -> Option<Doomed> {
        if self.keeper_lives() {
            return Some(Doomed::new(Whose::From(self.keeper.0), Packages::Finish));
        }
        let group = self.command?;
        // A number that was given to another process is no group of ours any more: a group's number is not given away.
        let other =
            table::one(group).is_some_and(|found| found.session != self.session || found.group != group);
        (!other).then(|| Doomed::new(Whose::Group(group, Some(self.session)), Packages::Finish))
    }
}

/// What there is to be known of a command that a killed run has left, for a run that only looks.
pub fn look(directory: &Path) -> Option<String> {
    let running = read(&directory.join(NOTE)).ok()??.doomed()?.told();
    (!running.is_empty()).then(|| {
        format!(
            "a command of a run that was cut off is still at work here: {}; apply ends it",
            list(&running)
        )
    })
}

/// Ends what a killed run has left running, and tells of it. `go_on` is asked from time to time.
///
/// # Errors
/// It does not end, or may not be ended.
pub fn end(directory: &Path, mut go_on: impl FnMut() -> bool) -> Result<Option<String>, Failure> {
    let path = directory.join(NOTE);
    let note = read(&path).map_err(|error| {
        Failure::new(format!(
            "cannot read {}, which tells what a killed run has left running: {error}",
            path.display()
        ))
    })?;
    let Some(note) = note else {
        return Ok(None);
    };
    // The keeper is at it, unless there is something that it lets come to its end.
    let began = Instant::now();
    while note.keeper_lives() && path.exists() {
        if began.elapsed() > PATIENCE || !go_on() {
            let running = note.doomed().map(|mut doomed| doomed.told()).unwrap_or_default();
            return Err(Failure::new(format!(
                "a command of a run that was cut off is still at work here: {}",
                list(&running)
            ))
            .help("wait until it has ended, or end it with `kill`, and run again"));
        }
        std::thread::sleep(TICK);
    }
    if !path.exists() {
        return Ok(None);
    }
    let ended = note.doomed().map(|doomed| doomed.end(std::thread::sleep));
    if let Some(ended) = &ended
        && !ended.hanging.is_empty()
    {
        return Err(Failure::new(format!(
            "what a command of a run that was cut off has started does not end: {}",
            list(&ended.hanging)
        ))
        .help("see with `ps` what it waits for; a restart of the machine ends it"));
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Failure::new(format!("cannot remove {}: {error}", path.display())));
        }
        _ => {}
    }
    let ended = ended.map(|ended| ended.ended).unwrap_or_default();
    Ok((!ended.is_empty()).then(|| {
        format!("ended what a command of the run that was cut off had left running: {}", list(&ended))
    }))
}

fn list(processes: &[String]) -> String {
    const MOST: usize = 5;
    let more = match processes.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let shown: Vec<&str> = processes.iter().take(MOST).map(String::as_str).collect();
    match shown.is_empty() {
        true => "its keeper".to_owned(),
        false => format!("{}{more}", shown.join(", ")),
    }
}

/// The note, if there is one that tells something of this start of the machine.
fn read(path: &Path) -> io::Result<Option<Told>> {
    let mut text = String::new();
    match File::open(path) {
        Ok(file) => file.take(4096).read_to_string(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(parse(&text, &table::boot()))
}

fn parse(text: &str, boot: &str) -> Option<Told> {
    let (first, second) = text.split_once('\n')?;
    let words: Vec<&str> = first.split(' ').collect();
    let [of, keeper, started, session] = words.as_slice() else { return None };
    if *of != boot {
        return None;
    }
    Some(Told {
        keeper: (keeper.parse().ok()?, started.parse().ok()?),
        session: session.parse().ok()?,
        // Half a line is none.
        command: second.split_once('\n').and_then(|(command, _)| command.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_wherever_it_is_cut() {
        let whole = "boot-1 10 2000 9\n11\n";
        let told = parse(whole, "boot-1").unwrap();
        assert_eq!((told.keeper, told.session, told.command), ((10, 2000), 9, Some(11)));
        assert!(parse(whole, "boot-2").is_none(), "the machine was started since");
        for cut in 0..whole.len() {
            let told = parse(&whole[..cut], "boot-1");
            assert_eq!(told.is_some(), cut >= "boot-1 10 2000 9\n".len(), "{cut}");
            assert_eq!(told.and_then(|told| told.command), None, "{cut}");
        }
        for garbage in ["\n", "a b c d\n", "boot-1 1 2\n", "boot-1 1 2 x\n", "boot-1 99999999999 2 3\n"] {
            assert!(parse(garbage, "boot-1").is_none(), "{garbage}");
        }
    }

    #[test]
    fn only_a_few_are_named() {
        let processes: Vec<String> = (1..=7).map(|number| format!("sh ({number})")).collect();
        assert_eq!(list(&processes), "sh (1), sh (2), sh (3), sh (4), sh (5), and 2 more");
        assert_eq!(list(&processes[..1]), "sh (1)");
    }

    #[test]
    fn without_a_note_nothing_is_left() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(end(directory.path(), || true), Ok(None));
        assert_eq!(look(directory.path()), None);
        // One of another start of the machine tells nothing.
        fs::write(directory.path().join(NOTE), "another 1 2 3\n4\n").unwrap();
        assert_eq!(end(directory.path(), || true), Ok(None));
    }
}
