//! The directory of all receipts: how many there may be, and which of their contents have to go.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use paracrine_model::protocol::Failure;
use paracrine_model::receipt::{self, LARGEST_BODY, Record};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::Bounds;
use crate::reason::{io_reason, reason};

/// Where receipts are, below the directory of the journal.
pub(super) const RUNS: &str = "runs";
pub(super) const RECORDS: &str = "records";
pub(super) const CONTENTS: &str = "contents";
pub(super) const SECRETS: &str = "secrets";

/// Copies of replaced files that earlier versions kept.
const BACKUP: &str = "backup";

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The directory of all receipts, open.
pub(super) struct Store {
    state: OwnedFd,
    runs: OwnedFd,
    path: PathBuf,
}

/// What is known of the runs before.
pub(super) struct Earlier {
    /// The highest number that one has.
    pub(super) last_number: u64,
    /// Paths where their plans put secrets, or those of runs before them.
    pub(super) held_secrets: BTreeSet<String>,
}

/// A run whose receipt is here.
struct Run {
    name: String,
    /// `None` where the receipt cannot be read: it counts as the oldest.
    number: Option<u64>,
    bytes: u64,
}

impl Store {
    /// Opens it, and makes it if it is not there.
    pub(super) fn open(state: &Path) -> Result<Self, Failure> {
        let path = state.join(RUNS);
        let wrong = |error: io::Error| {
            Failure::new(format!("cannot open the receipts in {}: {}", path.display(), io_reason(&error)))
                .help("what cannot be recorded is not changed")
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(state).map_err(wrong)?;
        let directory =
            rustix::fs::open(state, DIRECTORY, Mode::empty()).map_err(|error| wrong(error.into()))?;
        match rustix::fs::mkdirat(&directory, RUNS, Mode::from_raw_mode(0o700)) {
            Ok(()) => rustix::fs::fsync(&directory).map_err(|error| wrong(error.into()))?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(wrong(error.into())),
        }
        let runs = open_runs(&directory).map_err(|error| wrong(error.into()))?;
        for (fd, at) in [(&directory, state), (&runs, path.as_path())] {
            only_ours(fd, at, rustix::process::geteuid().as_raw())?;
        }
        Ok(Self { state: directory, runs, path })
    }

    /// Where it is.
    pub(super) fn path(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    /// The open directory, when nothing else is wanted of it.
    pub(super) fn into_runs(self) -> OwnedFd {
        self.runs
    }

    /// Removes what may be secret from all receipts, then receipts until one more fits in.
    ///
    /// # Errors
    /// Something secret is still there. Receipts that cannot be removed are in nobody's way.
    pub(super) fn make_room(&self, bounds: Bounds) -> Result<Earlier, Failure> {
        self.drop_backup()?;
        let mut earlier = Earlier { last_number: 0, held_secrets: BTreeSet::new() };
        let mut runs = Vec::new();
        for name in names(&self.runs).map_err(|error| self.wrong(RUNS, error))? {
            let Ok(directory) = rustix::fs::openat(&self.runs, name.as_str(), DIRECTORY, Mode::empty())
            else {
                continue;
            };
            self.drop_secrets(&directory, &name)?;
            match head(&directory) {
                Head::Receipt { number, secrets } => {
                    earlier.last_number = earlier.last_number.max(number);
                    earlier.held_secrets.extend(secrets);
                    runs.push(Run { bytes: size(&directory), number: Some(number), name });
                }
                Head::Unreadable => runs.push(Run { bytes: size(&directory), number: None, name }),
                Head::Remnant => self.remove(&name),
            }
        }
        runs.sort_by_key(|run| std::cmp::Reverse(run.number));
        let (mut kept, mut bytes) = (0, 0_u64);
        for run in &runs {
            bytes = bytes.saturating_add(run.bytes);
            // Nothing that is older than one that has to go stays.
            if kept + 1 < bounds.runs && bytes <= bounds.bytes / 2 {
                kept += 1;
            } else {
                kept = bounds.runs;
                self.remove(&run.name);
            }
        }
        Ok(earlier)
    }

    /// Makes the directory of a run. Two hosts of one run can be one machine: then the second gets a number behind its name.
    pub(super) fn make_run(&self, run: &str) -> Result<OwnedFd, Failure> {
        if !is_name(run) {
            return Err(Failure::new(format!("`{run}` is no name for a run")));
        }
        for again in 1..100 {
            let name = if again == 1 { run.to_owned() } else { format!("{run}.{again}") };
            match rustix::fs::mkdirat(&self.runs, name.as_str(), Mode::from_raw_mode(0o700)) {
                Ok(()) => {
                    return rustix::fs::openat(&self.runs, name.as_str(), DIRECTORY, Mode::empty())
                        .map_err(|error| self.wrong(&name, error));
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(self.wrong(&name, error)),
            }
        }
        Err(self.wrong(run, Errno::EXIST))
    }

    /// Removes a run. Its records first: without them it is no receipt, so one that is half removed is not taken for one.
    fn remove(&self, name: &str) {
        let Ok(directory) = rustix::fs::openat(&self.runs, name, DIRECTORY, Mode::empty()) else {
            return;
        };
        let _ = rustix::fs::unlinkat(&directory, RECORDS, AtFlags::empty());
        for name in names(&directory).unwrap_or_default() {
            let _ = rustix::fs::unlinkat(&directory, name.as_str(), AtFlags::empty());
        }
        let _ = rustix::fs::unlinkat(&self.runs, name, AtFlags::REMOVEDIR);
    }

    fn drop_secrets(&self, directory: &OwnedFd, name: &str) -> Result<(), Failure> {
        // Looked for first, because a file system that is read-only would refuse to remove what is not there.
        let there = rustix::fs::statat(directory, SECRETS, AtFlags::SYMLINK_NOFOLLOW);
        if matches!(there, Err(Errno::NOENT)) {
            return Ok(());
        }
        match rustix::fs::unlinkat(directory, SECRETS, AtFlags::empty()) {
            Ok(()) => rustix::fs::fsync(directory).map_err(|error| self.wrong(name, error)),
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.wrong(&format!("{name}/{SECRETS}"), error)),
        }
    }

    /// Removes the copies that earlier versions kept.
    fn drop_backup(&self) -> Result<(), Failure> {
        let wrong = |error: Errno| {
            let path = self.path.with_file_name(BACKUP);
            Failure::new(format!("cannot remove the old copies in {}: {}", path.display(), reason(error)))
                .help("they may hold secrets: remove the directory by hand")
        };
        let backup = match rustix::fs::openat(&self.state, BACKUP, DIRECTORY, Mode::empty()) {
            Ok(backup) => backup,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(wrong(error)),
        };
        for name in names(&backup).map_err(wrong)? {
            rustix::fs::unlinkat(&backup, name.as_str(), AtFlags::empty()).map_err(wrong)?;
        }
        rustix::fs::unlinkat(&self.state, BACKUP, AtFlags::REMOVEDIR).map_err(wrong)
    }

    fn wrong(&self, name: &str, error: Errno) -> Failure {
        let path = if name == RUNS { self.path.clone() } else { self.path.join(name) };
        Failure::new(format!("cannot make room for a receipt in {}: {}", path.display(), reason(error)))
            .help("what cannot be recorded is not changed")
    }
}

/// Removes what may be secret from all receipts, if there are any. Nothing is made.
///
/// # Errors
/// Something secret is still there.
pub(super) fn forget_secrets(state: &Path) -> Result<(), Failure> {
    let path = state.join(RUNS);
    let opened = rustix::fs::open(state, DIRECTORY, Mode::empty())
        .and_then(|directory| Ok((open_runs(&directory)?, directory)));
    let store = match opened {
        Ok((runs, state)) => Store { state, runs, path },
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => {
            return Err(Failure::new(format!(
                "cannot open the receipts in {}: {}",
                path.display(),
                reason(error)
            ))
            .help("they may hold secrets of earlier runs"));
        }
    };
    store.drop_backup()?;
    for name in names(&store.runs).map_err(|error| store.wrong(RUNS, error))? {
        if let Ok(directory) = rustix::fs::openat(&store.runs, name.as_str(), DIRECTORY, Mode::empty()) {
            store.drop_secrets(&directory, &name)?;
        }
    }
    Ok(())
}

/// Opens the directory of all receipts, for those who only read.
pub(super) fn open_runs(state: &OwnedFd) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(state, RUNS, DIRECTORY, Mode::empty())
}

/// The names of what lies there, but for what is no text: nothing of that is ours.
pub(super) fn names(directory: &OwnedFd) -> Result<Vec<String>, Errno> {
    let listed = rustix::fs::openat(directory, ".", DIRECTORY, Mode::empty())?;
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::new(listed)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().to_str()
            && !matches!(name, "." | "..")
        {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Opens a regular file of a run, to read.
pub(super) fn open_file(directory: &OwnedFd, name: &str) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let fd = rustix::fs::openat(directory, name, flags, Mode::empty())?;
    match FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) {
        FileType::RegularFile => Ok(fd.into()),
        _ => Err(Errno::INVAL),
    }
}

/// Whether a run may be called so: it is the name of a directory.
pub(super) fn is_name(run: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&run.len()) && !run.starts_with('.') && run.bytes().all(plain)
}

/// Others could put there what a rollback would believe, or read what is secret.
fn only_ours(fd: &OwnedFd, path: &Path, user: u32) -> Result<(), Failure> {
    let stat = rustix::fs::fstat(fd)
        .map_err(|error| Failure::new(format!("cannot look at {}: {}", path.display(), reason(error))))?;
    if stat.st_uid == user && stat.st_mode & 0o022 == 0 {
        return Ok(());
    }
    Err(Failure::new(format!(
        "others than user {user} can write to {}, where receipts are kept",
        path.display()
    ))
    .help(format!("take it from them: `chown {user} {0} && chmod 0700 {0}`", path.display())))
}

enum Head {
    Receipt {
        number: u64,
        secrets: Vec<String>,
    },
    /// One of another version, or damaged.
    Unreadable,
    /// What a run left that was killed before its first record, or while it removed this.
    Remnant,
}

/// What stands at the beginning of a receipt.
fn head(directory: &OwnedFd) -> Head {
    let mut file = match open_file(directory, RECORDS) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Head::Remnant,
        Err(_) => return Head::Unreadable,
    };
    let mut bytes = Vec::new();
    // Each of the first three records can be as large as they may be.
    if (&mut file).take(3 * LARGEST_BODY as u64).read_to_end(&mut bytes).is_err() {
        return Head::Unreadable;
    }
    let Some(read) = receipt::read_some(&bytes, 3) else {
        return if receipt::MAGIC.starts_with(&bytes) { Head::Remnant } else { Head::Unreadable };
    };
    let mut records = read.records.into_iter();
    match records.next() {
        Some(Record::Begun(about)) => {
            let mut secrets = Vec::new();
            for record in records {
                match record {
                    Record::Declared(declared) => {
                        secrets.extend(declared.into_iter().flat_map(|declared| declared.secrets));
                    }
                    Record::HeldSecrets(paths) => secrets.extend(paths),
                    _ => {}
                }
            }
            Head::Receipt { number: about.number, secrets }
        }
        None if read.tail == receipt::Tail::Cut || bytes == receipt::MAGIC => Head::Remnant,
        _ => Head::Unreadable,
    }
}

/// What a run takes on the disk.
fn size(directory: &OwnedFd) -> u64 {
    let files = names(directory).unwrap_or_default();
    files
        .iter()
        .filter_map(|name| rustix::fs::statat(directory, name.as_str(), AtFlags::SYMLINK_NOFOLLOW).ok())
        .fold(0, |sum, stat| sum.saturating_add(u64::try_from(stat.st_size).unwrap_or_default()))
}
