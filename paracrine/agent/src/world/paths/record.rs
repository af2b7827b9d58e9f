//! How a path is before it is changed, for the receipt of the run.
//!
//! Every change of a path wants a [`Recorded`], which only the receipt gives, when what was there is on disk. Without a
//! receipt nothing can be changed: a check has none.

use std::collections::{HashMap, HashSet};
use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::Failure;
use paracrine_model::receipt::{Access, Kept, PathBefore, Was};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::replace::is_temporary;
use super::walk::Found;
use super::{DIRECTORY, Paths, Stamp, entries, failed, identity, kind_of};
use crate::receipt::{Receipt, Recorded, Untaken};

/// What is about to be done to what is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// It is replaced, so its content is kept.
    Replace,
    /// Its owner, group and mode are set, and its content stays.
    Attributes,
}

/// Paths whose states are brought to disk at once; more would be in vain too often when a run fails.
const AHEAD: usize = 256;

/// So many paths are many.
const MANY: usize = 8;

/// Longer files are not copied before it is their turn.
const AHEAD_LENGTH: u64 = 64 * 1024;

/// Entries of a directory that is removed, which are recorded.
const ENTRIES: usize = 10_000;

/// Directories below each other of which it is recorded what they hold.
const DEPTH: usize = 64;

/// What the receipt knows of paths that are still to be changed.
#[derive(Default)]
pub(super) struct Agenda {
    /// In the order of their tasks, each with whether its file is certain to be replaced.
    paths: Vec<(AbsolutePath, bool)>,
    places: HashMap<String, usize>,
    /// How what was recorded ahead was then, with its place in the receipt. By paths free of links.
    ahead: HashMap<String, (Seen, u32)>,
    /// Of those in `paths`, which have had their turn, or will have it for themselves.
    passed: HashSet<usize>,
}

/// Enough of a state to know whether it still is the same.
#[derive(PartialEq, Eq)]
enum Seen {
    Missing,
    There(Stamp),
}

impl Paths {
    /// Gives the run's receipt: from now on paths can be changed.
    pub(crate) fn keep_receipt(&mut self, receipt: Receipt) {
        self.receipt = Some(receipt);
    }

    /// The run's receipt, if it has one.
    pub(crate) fn receipt(&mut self) -> Option<&mut Receipt> {
        self.receipt.as_mut()
    }

    /// Tells which paths will be changed later, in this order, so that many of them can be brought to disk at once. With each
    /// whether its file is certain to be replaced; where nothing is yet, something will be made.
    pub(crate) fn announce_changes(&mut self, paths: Vec<(AbsolutePath, bool)>) {
        let places = paths.iter().enumerate().map(|(place, (path, _))| (path.as_str().to_owned(), place));
        self.agenda = Agenda { places: places.collect(), paths, ..Agenda::default() };
    }

    /// Whether so many paths are changed that each by itself need not be waited for.
    pub(super) fn changes_many(&self) -> bool {
        self.agenda.paths.len() >= MANY
    }

    /// Brings to disk how a path is, which is about to be changed.
    ///
    /// # Errors
    /// It cannot be recorded: then it must not be changed.
    pub(super) fn record(
        &mut self,
        found: &Found,
        path: &AbsolutePath,
        touch: Touch,
    ) -> Result<Recorded, Failure> {
        self.record_ahead(path);
        if let Some((seen, place)) = self.agenda.ahead.remove(&found.key)
            && look(found).is_ok_and(|stat| seen == Seen::of(stat.as_ref()))
        {
            return wanted(&mut self.receipt)?.due(place);
        }
        let stat = look(found).map_err(|error| failed("keep the old content of", path, error))?;
        let before = self.before(found, path, stat, touch)?;
        wanted(&mut self.receipt)?.path(before)
    }

    /// Records paths whose turn will come soon, if this is one of those that were announced.
    fn record_ahead(&mut self, path: &AbsolutePath) {
        let Some(first) = self.agenda.places.get(path.as_str()).copied() else {
            return;
        };
        if self.agenda.passed.contains(&first) {
            return;
        }
        let window = first..self.agenda.paths.len().min(first + AHEAD);
        let mut recorded = false;
        for place in window {
            if !self.agenda.passed.insert(place) {
                continue;
            }
            let (path, replaced) = self.agenda.paths[place].clone();
            // One that fails now is recorded, and fails, at its turn.
            recorded |= self.record_one_ahead(&path, replaced).is_ok_and(|recorded| recorded);
        }
        if let (true, Some(receipt)) = (recorded, &mut self.receipt) {
            // If this fails, each is tried again at its turn.
            let _ = receipt.sync();
        }
    }

    fn record_one_ahead(&mut self, path: &AbsolutePath, replaced: bool) -> Result<bool, Failure> {
        let found = self.find(path)?;
        if self.agenda.ahead.contains_key(&found.key) {
            return Ok(false);
        }
        let stat = look(&found).map_err(|error| failed("look at", path, error))?;
        match &stat {
            None => {}
            Some(stat) => {
                let small = stat.st_size.max(0) as u64 <= AHEAD_LENGTH;
                let file = kind_of(stat) == FileType::RegularFile && Stamp::of(stat).is_settled();
                if !(replaced && file && small) {
                    return Ok(false);
                }
            }
        }
        let seen = Seen::of(stat.as_ref());
        let before = self.before(&found, path, stat, Touch::Replace)?;
        let place = wanted(&mut self.receipt)?.ahead(before)?;
        self.agenda.ahead.insert(found.key, (seen, place));
        Ok(true)
    }

    /// How a path is. The content of a file that is to be replaced is kept.
    fn before(
        &mut self,
        found: &Found,
        path: &AbsolutePath,
        stat: Option<Stat>,
        touch: Touch,
    ) -> Result<PathBefore, Failure> {
        let key = found.key.as_bytes().to_vec();
        let (Some(stat), Some(parent)) = (stat, found.parent.fd()) else {
            return Ok(PathBefore { path: key, was: Was::Missing });
        };
        let name = std::ffi::CString::new(found.name.as_str())
            .map_err(|_| failed("keep the old content of", path, Errno::INVAL))?;
        let receipt = wanted(&mut self.receipt)?;
        let secret = found.parent.private()
            || receipt.holds_secrets(path.as_str())?
            || receipt.holds_secrets(&found.key)?;
        let was = match was(receipt, parent, &name, &stat, touch, secret) {
            Ok(was) => was,
            Err(Untaken::Receipt(failure)) => return Err(failure),
            Err(Untaken::Content(error)) => return Err(not_kept(path, &error)),
        };
        Ok(PathBefore { path: key, was })
    }

    /// Brings to disk how a path is that is about to be removed, with all that is below it.
    ///
    /// # Errors
    /// It cannot be recorded: then it must not be removed.
    pub(super) fn record_removal(&mut self, found: &Found, path: &AbsolutePath) -> Result<Recorded, Failure> {
        let failure = |error| failed("keep the old content of", path, error);
        let stat = look(found).map_err(failure)?;
        let (Some(stat), Some(parent)) = (stat, found.parent.fd()) else {
            return self.record(found, path, Touch::Replace);
        };
        let name = std::ffi::CString::new(found.name.as_str()).map_err(|_| failure(Errno::INVAL))?;
        let receipt = wanted(&mut self.receipt)?;
        let mut tree = Tree { receipt, device: identity(&stat).0, entries: 0 };
        let at = At {
            parent,
            name: &name,
            key: found.key.clone().into_bytes(),
            private: found.parent.private() || tree.receipt.holds_secrets(path.as_str())?,
            depth: 0,
        };
        match tree.record(&at) {
            Ok(()) => receipt.sync(),
            Err(Stop::Failure(failure)) => Err(failure),
            Err(Stop::Error(Errno::XDEV)) => Err(super::remove::mounted_below(path)),
            Err(Stop::Error(error)) => Err(failure(error)),
        }
    }
}

/// The receipt, without which nothing is changed.
fn wanted(receipt: &mut Option<Receipt>) -> Result<&mut Receipt, Failure> {
    receipt.as_mut().ok_or_else(|| Failure::new("a run without a receipt changes nothing"))
}

fn not_kept(path: &AbsolutePath, error: &io::Error) -> Failure {
    failed("keep the old content of", path, Errno::from_io_error(error).unwrap_or(Errno::IO))
}

impl Seen {
    fn of(stat: Option<&Stat>) -> Self {
        stat.map_or(Self::Missing, |stat| Self::There(Stamp::of(stat)))
    }
}

/// What is there now; `None` for nothing.
pub(super) fn look(found: &Found) -> Result<Option<Stat>, Errno> {
    let Some(parent) = found.parent.fd() else {
        return Ok(None);
    };
    match rustix::fs::statat(parent, found.name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What was seen, in the words of a receipt.
fn was(
    receipt: &mut Receipt,
    parent: &OwnedFd,
    name: &CStr,
    stat: &Stat,
    touch: Touch,
    secret: bool,
) -> Result<Was, Untaken> {
    let access = access(stat);
    let lost = |what: &str, why: &str| Was::Lost { what: what.to_owned(), why: why.to_owned() };
    Ok(match kind_of(stat) {
        FileType::RegularFile if touch == Touch::Attributes => Was::File(access, Kept::InPlace),
        FileType::RegularFile => {
            let secret = secret || stat.st_mode & 0o004 == 0;
            Was::File(access, keep(receipt, parent, name, stat, secret)?)
        }
        FileType::Directory => Was::Directory(access),
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(parent, name, Vec::new())
                .map_err(|error| Untaken::Content(error.into()))?;
            Was::Link(access, target.into_bytes())
        }
        FileType::Fifo => lost("fifo", "what was in it is gone"),
        FileType::Socket => lost("socket", "only the program that listens can make it"),
        _ => lost("device", "devices are made by the kernel"),
    })
}

fn keep(
    receipt: &mut Receipt,
    parent: &OwnedFd,
    name: &CStr,
    stat: &Stat,
    secret: bool,
) -> Result<Kept, Untaken> {
    let file = match open_file(parent, name) {
        Ok(file) => file,
        // An agent that is not root can replace what it cannot read.
        Err(Errno::ACCESS) => return Ok(Kept::Not("it cannot be read".to_owned())),
        Err(error) => return Err(Untaken::Content(error.into())),
    };
    let opened = rustix::fs::fstat(&file).map_err(|error| Untaken::Content(error.into()))?;
    if kind_of(&opened) != FileType::RegularFile || identity(&opened) != identity(stat) {
        return Err(Untaken::Content(Errno::STALE.into()));
    }
    receipt.keep(&mut File::from(file), opened.st_size.max(0) as u64, secret)
}

fn open_file(parent: &OwnedFd, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    match rustix::fs::openat(parent, name, flags | OFlags::NOATIME, Mode::empty()) {
        // Only the owner and root may.
        Err(Errno::PERM) => rustix::fs::openat(parent, name, flags, Mode::empty()),
        opened => opened,
    }
}

fn access(stat: &Stat) -> Access {
    Access { owner: stat.st_uid, group: stat.st_gid, mode: stat.st_mode & 0o7777 }
}

/// Something that is about to be removed, with all that is below.
struct Tree<'r> {
    receipt: &'r mut Receipt,
    device: u64,
    entries: usize,
}

/// Where something of it is.
struct At<'a> {
    parent: &'a OwnedFd,
    name: &'a CStr,
    key: Vec<u8>,
    private: bool,
    depth: usize,
}

/// Why a tree cannot be recorded, so that it is not removed.
enum Stop {
    Error(Errno),
    Failure(Failure),
}

impl Tree<'_> {
    /// What is below first: whoever undoes the receipt begins at its end, and needs directories before what is in them.
    fn record(&mut self, at: &At<'_>) -> Result<(), Stop> {
        self.entries += 1;
        let stat = match rustix::fs::statat(at.parent, at.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // Somebody else was faster.
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(Stop::Error(error)),
        };
        let mut lost = None;
        if kind_of(&stat) == FileType::Directory {
            lost = self.below(at, &stat)?;
        }
        let secret = at.private
            || match std::str::from_utf8(&at.key) {
                Ok(key) => self.receipt.holds_secrets(key).map_err(Stop::Failure)?,
                // Plans know no such paths.
                Err(_) => false,
            };
        let was = match lost {
            Some(why) => Was::Lost { what: "directory".to_owned(), why },
            None => match was(self.receipt, at.parent, at.name, &stat, Touch::Replace, secret) {
                Ok(was) => was,
                Err(Untaken::Receipt(failure)) => return Err(Stop::Failure(failure)),
                // Something may be removed to make room.
                Err(Untaken::Content(error)) if Errno::from_io_error(&error) == Some(Errno::NOSPC) => {
                    Was::File(access(&stat), Kept::Not("the disk was full".to_owned()))
                }
                Err(Untaken::Content(error)) => {
                    return Err(Stop::Error(Errno::from_io_error(&error).unwrap_or(Errno::IO)));
                }
            },
        };
        self.receipt.path_of_several(PathBefore { path: at.key.clone(), was }).map_err(Stop::Failure)
    }

    /// Records what is in a directory; says why not, where that is too much.
    fn below(&mut self, at: &At<'_>, stat: &Stat) -> Result<Option<String>, Stop> {
        if at.depth == DEPTH {
            return Ok(Some(format!("more than {DEPTH} directories lie in each other there")));
        }
        let flags = DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(at.parent, at.name, flags, Mode::empty()).map_err(Stop::Error)?;
        if super::remove::is_other_file_system(&fd, self.device).map_err(Stop::Error)? {
            return Err(Stop::Error(Errno::XDEV));
        }
        let listed = rustix::fs::openat(&fd, ".", flags, Mode::empty()).map_err(Stop::Error)?;
        for (name, kind) in entries(listed).map_err(Stop::Error)? {
            // What a killed run has left half-written was nobody's, and may be secret whatever its mode.
            if kind == FileType::RegularFile && name.to_str().is_ok_and(is_temporary) {
                continue;
            }
            if self.entries >= ENTRIES {
                return Ok(Some(format!("more than {ENTRIES} things were in it")));
            }
            let mut key = at.key.clone();
            key.push(b'/');
            key.extend(name.to_bytes());
            let private = at.private || stat.st_mode & 0o001 == 0;
            self.record(&At { parent: &fd, name: &name, key, private, depth: at.depth + 1 })?;
        }
        Ok(None)
    }
}
