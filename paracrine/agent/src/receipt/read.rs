//! Reading receipts: which runs there were, what they changed, and how that was before.
//!
//! Nothing here trusts what it reads: receipts may be cut off, damaged, or of another version, and may go away meanwhile.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use paracrine_model::hash::Hash;
use paracrine_model::protocol::Failure;
use paracrine_model::receipt::{self, About, Declared, Ended, Kept, PathBefore, Record, Tail, TaskBefore};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::store::{self, CONTENTS, RECORDS, RUNS, SECRETS};
use crate::reason::{io_reason, reason};

/// No receipt is larger; one that is was not written by a run.
const LARGEST: u64 = 512 * 1024 * 1024;

/// The receipts of a machine.
pub struct Receipts {
    runs: Option<OwnedFd>,
    path: PathBuf,
}

/// A run that has a receipt.
#[derive(Debug)]
pub struct Listed {
    /// What its directory is called: the id of the run, perhaps with a number behind it.
    pub run: String,
    /// What it tells, or why that is not known.
    pub told: Result<Told, Failure>,
}

/// One receipt, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which run it was.
    pub about: About,
    /// What its plan declared.
    pub declared: Vec<Declared>,
    /// What it changed or was about to change, in order: to undo it, begin at the end.
    pub steps: Vec<Step>,
    /// Paths that it may have changed as well: the run, or the machine, died, and the last notes of it may be lost.
    pub perhaps: Vec<PathBefore>,
    /// Its end, if it came to it.
    pub ended: Option<Ended>,
    /// Records that this version does not know. With any, what the run did is not wholly known.
    pub unknown: u32,
    /// Whether the end of the receipt is damaged: what the run did is not wholly known either.
    pub damaged: bool,
}

/// Something that a run was about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It began with a task; paths that follow are changed by it.
    Task(TaskBefore),
    /// It was about to change a path.
    Path(PathBefore),
}

/// What became of a content that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// It is here, whole.
    Here,
    /// It may have been secret, and another run has changed something since.
    Dropped,
}

impl Receipts {
    /// Opens the receipts in `state` (`/var/lib/paracrine`). There may be none.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn open(state: &Path) -> Result<Self, Failure> {
        let path = state.join(RUNS);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::open(state, flags, Mode::empty()).and_then(|state| store::open_runs(&state));
        match opened {
            Ok(runs) => Ok(Self { runs: Some(runs), path }),
            Err(Errno::NOENT) => Ok(Self { runs: None, path }),
            Err(error) => Err(Failure::new(format!("cannot read {}: {}", path.display(), reason(error)))),
        }
    }

    /// The runs that have a receipt, newest first; those whose receipt cannot be read come last, with the reason.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn runs(&self) -> Result<Vec<Listed>, Failure> {
        let Some(runs) = &self.runs else {
            return Ok(Vec::new());
        };
        let names = store::names(runs).map_err(|error| self.wrong("", error.into()))?;
        let mut told: Vec<Listed> = names
            .into_iter()
            .filter(|name| store::is_name(name))
            .filter_map(|run| self.read(&run).transpose().map(|told| Listed { run, told }))
            .collect();
        told.sort_by_key(|listed| std::cmp::Reverse(listed.told.as_ref().ok().map(|told| told.about.number)));
        Ok(told)
    }

    /// The receipt of a run; `None` where there is none, or only what a run left that was killed before it changed anything.
    ///
    /// # Errors
    /// It cannot be read, or not be understood.
    pub fn read(&self, run: &str) -> Result<Option<Told>, Failure> {
        let Some(directory) = self.directory(run)? else {
            return Ok(None);
        };
        let file = match store::open_file(&directory, RECORDS) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(self.wrong(&format!("{run}/{RECORDS}"), error.into())),
        };
        let mut bytes = Vec::new();
        file.take(LARGEST)
            .read_to_end(&mut bytes)
            .map_err(|error| self.wrong(&format!("{run}/{RECORDS}"), error))?;
        let Some(read) = receipt::read(&bytes) else {
            if receipt::MAGIC.starts_with(&bytes) {
                return Ok(None);
            }
            return Err(Failure::new(format!(
                "the receipt {} is damaged, or of another version",
                self.path.join(run).display()
            )));
        };
        let mut records = read.records.into_iter();
        let about = match (records.next(), read.tail) {
            (Some(Record::Begun(about)), _) => about,
            (None, Tail::Whole | Tail::Cut) if read.unknown == 0 => return Ok(None),
            _ => {
                return Err(Failure::new(format!(
                    "the receipt {} is damaged, or of another version",
                    self.path.join(run).display()
                )));
            }
        };
        Ok(Some(told(about, records, read.unknown, read.tail)))
    }

    /// Writes a content that was kept to `to`. What was written is to be thrown away if this fails or says that it is dropped.
    ///
    /// # Errors
    /// It is not there as it was kept, or `to` does not take it. What was never kept is no content, which is an error too.
    pub fn content(&self, run: &str, kept: &Kept, to: &mut impl Write) -> Result<Content, Failure> {
        let Kept::At { secret, offset, length, hash } = kept else {
            return Err(Failure::new(format!("the receipt of {run} has no such content")));
        };
        let name = if *secret { SECRETS } else { CONTENTS };
        let at = format!("{run}/{name}");
        let file = match self.directory(run)?.map(|directory| store::open_file(&directory, name)) {
            Some(Ok(file)) => file,
            Some(Err(Errno::NOENT)) if *secret => return Ok(Content::Dropped),
            Some(Err(error)) => return Err(self.wrong(&at, error.into())),
            None => return Err(self.wrong(&at, Errno::NOENT.into())),
        };
        let found = copy(file, *offset, *length, to).map_err(|error| self.wrong(&at, error))?;
        match found == (*length, *hash) {
            true => Ok(Content::Here),
            false => Err(Failure::new(format!("{} is damaged", self.path.join(&at).display()))),
        }
    }

    /// Paths at which runs that did not come to their end may have left something half made.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) fn left_beside(&self) -> Result<Vec<String>, Failure> {
        let Some(runs) = &self.runs else {
            return Ok(Vec::new());
        };
        let mut left = Vec::new();
        for run in store::names(runs).map_err(|error| self.wrong("", error.into()))? {
            let file = self.directory(&run)?.map(|directory| store::open_file(&directory, RECORDS));
            let mut bytes = Vec::new();
            // What cannot be read tells nothing.
            let read = match file {
                Some(Ok(file)) => {
                    file.take(LARGEST).read_to_end(&mut bytes).ok().and_then(|_| receipt::read(&bytes))
                }
                _ => None,
            };
            let records = read.map(|read| read.records).unwrap_or_default();
            if records.iter().any(|record| matches!(record, Record::Ended(_))) {
                continue;
            }
            left.extend(records.into_iter().filter_map(|record| match record {
                Record::Beside(path) => String::from_utf8(path).ok(),
                _ => None,
            }));
        }
        Ok(left)
    }

    fn directory(&self, run: &str) -> Result<Option<OwnedFd>, Failure> {
        let (Some(runs), true) = (&self.runs, store::is_name(run)) else {
            return Ok(None);
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(runs, run, flags, Mode::empty()) {
            Ok(directory) => Ok(Some(directory)),
            // Something that is no directory is no run of ours.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(error) => Err(self.wrong(run, error.into())),
        }
    }

    fn wrong(&self, name: &str, error: io::Error) -> Failure {
        Failure::new(format!("cannot read {}: {}", self.path.join(name).display(), io_reason(&error)))
    }
}

fn copy(mut file: std::fs::File, offset: u64, length: u64, to: &mut impl Write) -> io::Result<(u64, Hash)> {
    file.seek(SeekFrom::Start(offset))?;
    super::copy(&mut file, to, length)
}

fn told(about: About, records: impl Iterator<Item = Record>, unknown: u32, tail: Tail) -> Told {
    let damaged = tail == Tail::Damaged;
    let mut told = Told {
        about,
        declared: Vec::new(),
        steps: Vec::new(),
        perhaps: Vec::new(),
        ended: None,
        unknown,
        damaged,
    };
    // Taken when they are due.
    let mut ahead: Vec<Option<PathBefore>> = Vec::new();
    for record in records {
        match record {
            // Another beginning is none.
            Record::Begun(_) => told.unknown = told.unknown.saturating_add(1),
            Record::Declared(declared) => told.declared = declared,
            // For the next run, not for those who read.
            Record::HeldSecrets(_) | Record::Beside(_) => {}
            Record::Task(task) => told.steps.push(Step::Task(task)),
            Record::Path(path) => told.steps.push(Step::Path(path)),
            Record::Ahead(path) => ahead.push(Some(path)),
            Record::Due(place) => {
                match usize::try_from(place).ok().and_then(|place| ahead.get_mut(place)?.take()) {
                    Some(path) => told.steps.push(Step::Path(path)),
                    None => told.unknown = told.unknown.saturating_add(1),
                }
            }
            Record::Ended(ended) => told.ended = Some(ended),
        }
    }
    if told.ended.is_none() || told.unknown > 0 {
        told.perhaps = ahead.into_iter().flatten().collect();
    }
    told
}
