//! Receipts: how things were before a run changed them, brought to disk before it does.
//!
//! ```text
//! STATE/runs/ID/records    what was there before each change (`model/src/receipt.rs` says how it looks)
//!               contents   of files that were replaced or removed, one after the other
//!               secrets    the same of those that may be secret; gone as soon as another run changes something, or ends
//! ```
//!
//! STATE is `/var/lib/paracrine`, beside the journal; in the user's home on hosts without root. Nothing of it is made, read or
//! removed before a run has something to record. Writers hold the machine's lock.

pub mod read;
mod store;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use paracrine_model::hash::Hash;
use paracrine_model::protocol::Failure;
use paracrine_model::receipt::{About, Declared, Ended, Kept, MAGIC, PathBefore, Record, TaskBefore, frame};
use rustix::fs::{Mode, OFlags};

use crate::reason::io_reason;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Runs, with the one at hand.
    pub(crate) runs: usize,
    /// Bytes of all runs. A run may fill half of it; older ones go until they fit into the other half.
    pub(crate) bytes: u64,
    /// Bytes of one content.
    pub(crate) content: u64,
}

impl Bounds {
    pub(crate) const USUAL: Self = Self { runs: 20, bytes: 256 * 1024 * 1024, content: 64 * 1024 * 1024 };

    /// Contents up to this size find room even where larger ones came before them.
    const SMALL: u64 = 1024 * 1024;

    /// What larger ones leave to small ones.
    fn reserve(&self) -> u64 {
        self.bytes / 8
    }
}

/// That what is about to be changed is on disk as it was. Whatever changes a path wants one.
#[derive(Debug)]
#[must_use = "it allows a change"]
pub struct Recorded(());

/// The receipt of the run at hand. Its directory is made with the first record.
pub struct Receipt {
    state: PathBuf,
    about: About,
    declared: Vec<Declared>,
    bounds: Bounds,
    open: Option<Open>,
}

struct Open {
    /// The run's directory.
    directory: OwnedFd,
    /// The directory of all runs; taken when what is new in it is on disk.
    runs: Option<OwnedFd>,
    records: Part,
    contents: Option<Part>,
    secrets: Option<Part>,
    /// Bytes that this run may still keep.
    room: u64,
    /// Records of paths to be changed later: written, and of these on disk.
    ahead: (u32, u32),
    /// Paths that held secrets by the plans of earlier runs.
    held_secrets: BTreeSet<String>,
}

/// A file that only grows.
struct Part {
    file: File,
    length: u64,
    synced: u64,
}

impl Part {
    fn create(directory: &OwnedFd, name: &str) -> io::Result<Self> {
        let flags = OFlags::WRONLY
            | OFlags::APPEND
            | OFlags::CREATE
            | OFlags::EXCL
            | OFlags::NOFOLLOW
            | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(directory, name, flags, Mode::from_raw_mode(0o600))?;
        Ok(Self { file: fd.into(), length: 0, synced: 0 })
    }

    /// Adds what `write` does, or nothing.
    fn add<T>(&mut self, write: impl FnOnce(&mut File) -> io::Result<(u64, T)>) -> io::Result<T> {
        let added = write(&mut self.file);
        match added {
            Ok((length, value)) => {
                self.length += length;
                Ok(value)
            }
            Err(error) => {
                // Half a record in the middle would hide all that follow it.
                self.file.set_len(self.length)?;
                Err(error)
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.synced < self.length {
            self.file.sync_data()?;
            self.synced = self.length;
        }
        Ok(())
    }
}

impl Receipt {
    /// A receipt in `state` (`/var/lib/paracrine`), of which nothing is there yet. The run's number is given when it is.
    pub fn new(state: impl Into<PathBuf>, about: About) -> Self {
        Self { state: state.into(), about, declared: Vec::new(), bounds: Bounds::USUAL, open: None }
    }

    /// Says what the run's plan declares.
    pub fn declares(&mut self, declared: Vec<Declared>) {
        self.declared = declared;
    }

    #[cfg(test)]
    pub(crate) fn bounded(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Whether a file at this path held secrets, by this plan or by that of an earlier run.
    pub(crate) fn holds_secrets(&mut self, path: &str) -> Result<bool, Failure> {
        if self.declared.iter().any(|declared| declared.secrets.iter().any(|secret| secret == path)) {
            return Ok(true);
        }
        Ok(self.begun()?.held_secrets.contains(path))
    }

    /// Notes what a task is about to do. What cannot be undone by its paths is on disk afterwards.
    ///
    /// # Errors
    /// It cannot be written: nothing may be changed then.
    pub fn task(&mut self, task: TaskBefore) -> Result<(), Failure> {
        self.write(&Record::Task(task))
    }

    /// Notes a path that is about to be changed.
    pub(crate) fn path(&mut self, before: PathBefore) -> Result<Recorded, Failure> {
        self.write(&Record::Path(before))?;
        self.sync()
    }

    /// Notes one of several paths that are about to be changed at once; [`Self::sync`] is to follow.
    pub(crate) fn path_of_several(&mut self, before: PathBefore) -> Result<(), Failure> {
        self.write(&Record::Path(before))
    }

    /// Notes a path that will be changed later; [`Self::sync`] is to follow. Its place is for [`Self::due`].
    pub(crate) fn ahead(&mut self, before: PathBefore) -> Result<u32, Failure> {
        self.write(&Record::Ahead(before))?;
        let open = self.begun()?;
        let place = open.ahead.0;
        open.ahead.0 += 1;
        Ok(place)
    }

    /// Notes that a path is about to be changed that was noted ahead.
    pub(crate) fn due(&mut self, place: u32) -> Result<Recorded, Failure> {
        self.write(&Record::Due(place))?;
        match self.begun()?.ahead.1 > place {
            // How it was is on disk. A loss of power may take this last note: then it counts as perhaps changed.
            true => Ok(Recorded(())),
            false => self.sync(),
        }
    }

    /// Brings to disk what was noted, and the contents before that.
    ///
    /// # Errors
    /// That cannot be done: nothing may be changed then.
    pub fn sync(&mut self) -> Result<Recorded, Failure> {
        let synced = self.begun()?.sync();
        synced.map(|()| Recorded(())).map_err(|error| self.wrong(error))
    }

    /// Notes something that is about to be made beside its place. It is not synced: after a loss of power it may be there, and
    /// this note not.
    pub(crate) fn beside(&mut self, path: &str) -> Result<(), Failure> {
        self.write(&Record::Beside(path.as_bytes().to_vec()))
    }

    /// What earlier runs may have left beside its place that did not come to their end.
    pub(crate) fn left_beside(&self) -> Result<Vec<String>, Failure> {
        read::Receipts::open(&self.state)?.left_beside()
    }

    /// Notes that the run came to its end. One that has changed nothing has no receipt, and what the runs before it have kept
    /// of secrets goes all the same.
    ///
    /// # Errors
    /// It cannot be written, or something secret is still there.
    pub fn end(&mut self, ended: Ended) -> Result<(), Failure> {
        if self.open.is_none() {
            return store::forget_secrets(&self.state);
        }
        self.write(&Record::Ended(ended))?;
        self.sync().map(|Recorded(())| ())
    }

    /// Copies the content of a file, which has this length, to where a rollback finds it. Too large a file is not kept, which
    /// is no error.
    pub(crate) fn keep(&mut self, from: &mut impl Read, length: u64, secret: bool) -> Result<Kept, Untaken> {
        let bounds = self.bounds;
        let open = self.begun().map_err(Untaken::Receipt)?;
        if length > bounds.content {
            return Ok(Kept::Not(format!("its {length} bytes are more than is kept of one file")));
        }
        let reserve = if length <= Bounds::SMALL { 0 } else { bounds.reserve() };
        if length > open.room.saturating_sub(reserve) {
            return Ok(Kept::Not(format!("its {length} bytes are more than is left to keep of this run")));
        }
        let (part, name) = match secret {
            true => (&mut open.secrets, store::SECRETS),
            false => (&mut open.contents, store::CONTENTS),
        };
        let part = match part {
            Some(part) => part,
            none => none.insert(Part::create(&open.directory, name).map_err(Untaken::Content)?),
        };
        let offset = part.length;
        let (length, hash) = part
            .add(|to| copy(from, to, length).map(|(length, hash)| (length, (length, hash))))
            .map_err(Untaken::Content)?;
        open.room = open.room.saturating_sub(length);
        Ok(Kept::At { secret, offset, length, hash })
    }

    fn write(&mut self, record: &Record) -> Result<(), Failure> {
        let bytes = frame(record).map_err(|error| self.wrong(io::Error::other(error)))?;
        let added = self.begun()?.records.add(|file| {
            file.write_all(&bytes)?;
            Ok((bytes.len() as u64, ()))
        });
        added.map_err(|error| self.wrong(error))
    }

    /// Begins it, if that has not been done.
    fn begun(&mut self) -> Result<&mut Open, Failure> {
        match self.open {
            Some(ref mut open) => Ok(open),
            ref mut open => {
                let begun = begin(&self.state, &mut self.about, &self.declared, self.bounds)?;
                Ok(open.insert(begun))
            }
        }
    }

    fn wrong(&self, error: io::Error) -> Failure {
        let at = self.state.join(store::RUNS);
        Failure::new(format!(
            "cannot write the receipt of this run below {}: {}",
            at.display(),
            io_reason(&error)
        ))
        .help("what cannot be recorded is not changed")
    }
}

/// Why a content could not be kept.
#[derive(Debug)]
pub(crate) enum Untaken {
    /// The content itself: it cannot be read, or there is no room for it on the disk.
    Content(io::Error),
    /// There is no receipt that it could be kept in.
    Receipt(Failure),
}

impl Open {
    /// Contents first: no record on disk names one that is not.
    fn sync(&mut self) -> io::Result<()> {
        let new = self.contents.iter().chain(&self.secrets).any(|part| part.synced == 0 && part.length > 0);
        for part in self.contents.iter_mut().chain(&mut self.secrets).chain([&mut self.records]) {
            part.sync()?;
        }
        self.ahead.1 = self.ahead.0;
        if new || self.runs.is_some() {
            rustix::fs::fsync(&self.directory)?;
        }
        if let Some(runs) = self.runs.take() {
            rustix::fs::fsync(&runs)?;
        }
        Ok(())
    }
}

/// Makes room for the receipt, and begins it.
fn begin(state: &Path, about: &mut About, declared: &[Declared], bounds: Bounds) -> Result<Open, Failure> {
    let store = store::Store::open(state)?;
    let earlier = store.make_room(bounds)?;
    about.number = earlier.last_number.saturating_add(1);
    let directory = store.make_run(&about.run)?;
    let wrong = |error: io::Error| {
        Failure::new(format!(
            "cannot begin the receipt of this run in {}: {}",
            store.path(),
            io_reason(&error)
        ))
        .help("what cannot be recorded is not changed")
    };
    let mut first = MAGIC.to_vec();
    let held_secrets = Record::HeldSecrets(earlier.held_secrets.iter().cloned().collect());
    for record in [Record::Begun(about.clone()), Record::Declared(declared.to_vec()), held_secrets] {
        first.extend(frame(&record).map_err(|error| wrong(io::Error::other(error)))?);
    }
    let mut records = Part::create(&directory, store::RECORDS).map_err(wrong)?;
    records.add(|file| file.write_all(&first).map(|()| (first.len() as u64, ()))).map_err(wrong)?;
    Ok(Open {
        directory,
        runs: Some(store.into_runs()),
        records,
        contents: None,
        secrets: None,
        room: bounds.bytes / 2,
        ahead: (0, 0),
        held_secrets: earlier.held_secrets,
    })
}

/// Copies at most `length` bytes: a file that grows meanwhile would never end.
fn copy(from: &mut impl Read, to: &mut impl Write, length: u64) -> io::Result<(u64, Hash)> {
    let mut hashing = Hashing { from: from.take(length), to, length: 0 };
    let hash = Hash::of_reader(&mut hashing)?;
    Ok((hashing.length, hash))
}

/// Reads, and writes what it has read.
struct Hashing<'a, R, W> {
    from: R,
    to: &'a mut W,
    length: u64,
}

impl<R: Read, W: Write> Read for Hashing<'_, R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.to.write_all(&buffer[..read])?;
        self.length += read as u64;
        Ok(read)
    }
}
