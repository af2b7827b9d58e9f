//! Files, directories and links: looking at them and changing them without ever being led astray.
//!
//! ```text
//! walk      the directory a path lies in, as an open descriptor: component by component, other people's links refused
//! overlay   check only: what earlier tasks would have made, laid over what is there
//! replace   new files and links, put in place atomically; owners and modes
//! record    how a path is before it is changed, for the receipt of the run
//! extended  lists of access, which a new file has of the one it replaces
//! obstacle  what stands in the way of a change, known before anything is touched
//! remove    trees, never through a link or into another file system
//! ```
//!
//! No path is ever given to the kernel whole: what a path means could be changed by whoever may write to one of its
//! directories, between one look and the next.

mod extended;
mod obstacle;
mod overlay;
mod record;
mod remove;
mod replace;
mod walk;

#[cfg(test)]
pub(crate) mod suite;
#[cfg(test)]
mod tests;

pub(crate) use extended::Extended;
pub(crate) use replace::{Attributes, Staged, Written, finish_file, set_file, write_to};

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use paracrine_model::hash::Hash;
use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::Failure;
use rustix::fs::{AtFlags, FileType, OFlags, Stat};
use rustix::io::Errno;

use crate::reason::reason;
use crate::receipt::Receipt;
use overlay::Overlay;
use record::Agenda;
use walk::{Found, Place};

/// The paths of the machine.
pub struct Paths {
    /// What `/` is.
    root: PathBuf,
    /// Who the agent is: links of its own are followed, as those of root are.
    euid: u32,
    /// What was there before this run changed it. A check has none.
    receipt: Option<Receipt>,
    /// What is to be changed later in the run.
    agenda: Agenda,
    /// Directories that were walked to, so that neighbours need not walk again.
    places: HashMap<String, Rc<Place>>,
    /// Hashes of files that were read in this run.
    hashes: HashMap<Stamp, Hash>,
    /// Hashes of files that were just put in their places, each for the look that follows.
    placed: HashMap<Stamp, Hash>,
    /// By file system: one of its directories, as names were changed in some that are not on disk yet.
    unsettled: HashMap<u64, OwnedFd>,
    overlay: Overlay,
    /// Directories from which what killed runs have left was removed.
    swept: HashSet<String>,
    /// Check only: bytes of new files by file system, and whether something would make room for them.
    promised: HashMap<u64, u64>,
    frees: bool,
    /// Read into by every hash.
    buffer: Vec<u8>,
}

/// Who can get to a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visitors {
    /// Everybody.
    All,
    /// Its owner and this group.
    Group(u32),
    /// Its owner, at the most.
    Owner,
}

/// What there is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathState {
    pub(crate) kind: PathKind,
    /// Name of the owner; its number if it has no name. Empty if nothing is there.
    pub(crate) owner: String,
    /// Name of the group; its number if it has no name. Empty if nothing is there.
    pub(crate) group: String,
    /// The permission bits with setuid, setgid and sticky.
    pub(crate) mode: u32,
    /// Their numbers, unless this is only predicted.
    pub(crate) ids: Option<(u32, u32)>,
    /// Names that a file has.
    pub(crate) names: u64,
    /// Whether it can be read by some users only: by its own mode, or that of a directory on the way.
    pub(crate) private: bool,
    /// The first directory on the way that does not exist either.
    pub(crate) missing_parent: Option<String>,
}

/// Which kind of thing it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// Nothing.
    Missing,
    /// A regular file; its content is looked at by `Paths::hash` and `Paths::read`.
    File {
        /// In bytes.
        length: u64,
        /// What an earlier task would have put there (check only).
        predicted: Option<Hash>,
    },
    /// A directory; its entries are counted by `Paths::count`.
    Directory,
    /// A symbolic link.
    Link {
        /// What it says.
        target: String,
    },
    /// `fifo`, `socket`, `device`
    Other(&'static str),
}

impl PathKind {
    /// How it is spoken of: `file`, `link to /etc`.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Missing => "nothing".to_owned(),
            Self::File { .. } => "file".to_owned(),
            Self::Directory => "directory".to_owned(),
            Self::Link { target } => format!("link to {target}"),
            Self::Other(what) => (*what).to_owned(),
        }
    }
}

impl PathState {
    /// Nothing is there.
    pub(super) fn missing(missing_parent: Option<String>) -> Self {
        Self {
            kind: PathKind::Missing,
            owner: String::new(),
            group: String::new(),
            mode: 0,
            ids: None,
            names: 0,
            private: false,
            missing_parent,
        }
    }

    /// Whether it is something that others may read as a file.
    pub(super) fn is_file_or_link(&self) -> bool {
        matches!(self.kind, PathKind::File { .. } | PathKind::Link { .. })
    }

    /// Its mode as it is shown: `0644`.
    pub(crate) fn mode(&self) -> String {
        format!("{:04o}", self.mode)
    }

    /// What a task would have made there.
    pub(crate) fn made(kind: PathKind, owner: &str, group: &str, mode: u32) -> Self {
        Self { kind, owner: owner.to_owned(), group: group.to_owned(), mode, names: 1, ..Self::missing(None) }
    }
}

/// Changes when a file's content does.
#[derive(PartialEq, Eq, Hash)]
struct Stamp {
    file: (u64, u64),
    size: i64,
    modified: (i64, u64),
    changed: (i64, u64),
}

impl Stamp {
    // Some architectures have other types there.
    #[allow(clippy::unnecessary_cast)]
    fn of(stat: &Stat) -> Self {
        Self {
            file: identity(stat),
            size: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec as u64),
            changed: (stat.st_ctime, stat.st_ctime_nsec as u64),
        }
    }

    /// A file that was changed just now can be changed again without its times telling.
    fn is_settled(&self) -> bool {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        now.tv_sec.saturating_sub(self.changed.0) > 1 && now.tv_sec.saturating_sub(self.modified.0) > 1
    }
}

fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

fn kind_of(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

impl Paths {
    /// The paths below `root`.
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            euid: rustix::process::geteuid().as_raw(),
            receipt: None,
            agenda: Agenda::default(),
            places: HashMap::new(),
            hashes: HashMap::new(),
            placed: HashMap::new(),
            unsettled: HashMap::new(),
            overlay: Overlay::default(),
            swept: HashSet::new(),
            promised: HashMap::new(),
            frees: false,
            buffer: Vec::new(),
        }
    }

    /// Forgets where directories are; called after everything that may have moved, made or removed one.
    pub(crate) fn forget(&mut self) {
        self.places.clear();
    }

    /// The hash of a file's content.
    ///
    /// # Errors
    /// It is no file, or cannot be read.
    pub(crate) fn hash(&mut self, path: &AbsolutePath) -> Result<Hash, Failure> {
        let found = self.find(path)?;
        if let Some(PathState { kind: PathKind::File { predicted: Some(hash), .. }, .. }) =
            self.overlay.get(&found.key)
        {
            return Ok(*hash);
        }
        if let (false, Some(parent)) = (self.placed.is_empty(), found.parent.fd()) {
            let seen = rustix::fs::statat(parent, found.name.as_str(), AtFlags::SYMLINK_NOFOLLOW);
            let placed = seen.ok().and_then(|stat| self.placed.remove(&Stamp::of(&stat)));
            self.placed.clear();
            if let Some(hash) = placed {
                return Ok(hash);
            }
        }
        let (fd, stat) = open_file(&found, path)?;
        let stamp = Stamp::of(&stat);
        if let Some(hash) = self.hashes.get(&stamp) {
            return Ok(*hash);
        }
        let length = stat.st_size.max(0) as u64;
        let hash = if length <= SMALL {
            let read = read_up_to(&fd, &mut self.buffer, length as usize)
                .map_err(|error| failed("read", path, error))?;
            Hash::of(&self.buffer[..read])
        } else {
            let file = std::fs::File::from(fd);
            Hash::of_reader(file)
                .map_err(|error| failed("read", path, Errno::from_io_error(&error).unwrap_or(Errno::IO)))?
        };
        if stamp.is_settled() {
            self.hashes.insert(stamp, hash);
        }
        Ok(hash)
    }

    /// A file's content, if it is not longer than `limit`; what is only predicted has none.
    ///
    /// # Errors
    /// It is no file, or cannot be read.
    pub(crate) fn read(&mut self, path: &AbsolutePath, limit: u64) -> Result<Option<Vec<u8>>, Failure> {
        let found = self.find(path)?;
        if self
            .overlay
            .get(&found.key)
            .is_some_and(|state| matches!(state.kind, PathKind::File { predicted: Some(_), .. }))
        {
            return Ok(None);
        }
        let (fd, stat) = open_file(&found, path)?;
        if stat.st_size.max(0) as u64 > limit {
            return Ok(None);
        }
        let mut content = Vec::with_capacity(stat.st_size.max(0) as usize + 1);
        let read = std::fs::File::from(fd).take(limit + 1).read_to_end(&mut content);
        read.map_err(|error| failed("read", path, Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        Ok(Some(content).filter(|content| content.len() as u64 <= limit))
    }

    /// How many entries a directory has.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn count(&mut self, path: &AbsolutePath) -> Result<usize, Failure> {
        let found = self.find(path)?;
        let mut names = BTreeSet::new();
        if let Some(parent) = found.parent.fd()
            && !self.overlay.hides(&found.key)
        {
            let fd = open_at(parent, &found.name, DIRECTORY).map_err(|error| failed("read", path, error))?;
            for entry in entries(fd).map_err(|error| failed("read", path, error))? {
                names.insert(entry.0.to_string_lossy().into_owned());
            }
        }
        self.overlay.adjust(&found.key, &mut names);
        Ok(names.len())
    }

    /// What is at a path, with ids in place of names.
    ///
    /// # Errors
    /// There is no way to it.
    pub(crate) fn state(&mut self, path: &AbsolutePath) -> Result<PathState, Failure> {
        let found = self.find(path)?;
        self.stat(&found, path)
    }

    /// The path free of links but perhaps for itself, if there is a way to it: two paths are one where this is the same.
    pub(crate) fn key(&mut self, path: &AbsolutePath) -> Option<String> {
        self.find(path).ok().map(|found| found.key)
    }

    /// Check only: what a task would have made, or removed, at a path.
    pub(crate) fn predict(&mut self, path: &AbsolutePath, state: PathState) {
        // A path that cannot be walked to has failed already.
        let Ok(found) = self.find(path) else {
            return;
        };
        let was = self.stat(&found, path).map_or(PathKind::Missing, |state| state.kind);
        let file = matches!(state.kind, PathKind::File { .. });
        match state.kind {
            PathKind::File { length, .. } => self.promise(&found, length),
            _ => self.frees |= was != PathKind::Missing,
        }
        self.overlay.lay(&found.key, state, &was);
        // Where only a file takes the place of a file or of nothing, nothing leads elsewhere.
        let as_before = matches!(was, PathKind::Missing | PathKind::File { .. }) && file;
        if !as_before || found.parent.fd().is_none() {
            self.forget();
        }
    }

    /// Check only: the paths at which earlier tasks would have made, changed or removed something.
    pub(crate) fn predicted(&self) -> impl Iterator<Item = &str> {
        self.overlay.paths()
    }

    /// Who can get to the directory of a path.
    ///
    /// # Errors
    /// There is no way to it.
    pub(crate) fn visitors(&mut self, path: &AbsolutePath) -> Result<Visitors, Failure> {
        let parent = self.find(path)?.parent;
        if !parent.private() {
            return Ok(Visitors::All);
        }
        let above = parent.canonical().rsplit_once('/').map_or("/", |(above, _)| above);
        let above = self.directory(if above.is_empty() { "/" } else { above }, &mut 40)?;
        let stat = parent.fd().and_then(|fd| rustix::fs::fstat(fd).ok());
        Ok(match stat.filter(|stat| !above.private() && stat.st_mode & 0o010 != 0) {
            Some(stat) => Visitors::Group(stat.st_gid),
            None => Visitors::Owner,
        })
    }

    #[allow(clippy::unnecessary_cast)]
    fn stat(&mut self, found: &Found, path: &AbsolutePath) -> Result<PathState, Failure> {
        if let Some(state) = self.overlay.get(&found.key) {
            return Ok(PathState { private: state.private || found.parent.private(), ..state.clone() });
        }
        let Some(parent) = found.parent.fd() else {
            return Ok(PathState::missing(found.parent.missing().map(str::to_owned)));
        };
        let stat = match rustix::fs::statat(parent, found.name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(PathState::missing(None)),
            Err(error) => return Err(failed("look at", path, error)),
        };
        let kind = match kind_of(&stat) {
            FileType::RegularFile => PathKind::File { length: stat.st_size.max(0) as u64, predicted: None },
            FileType::Directory => PathKind::Directory,
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(parent, found.name.as_str(), Vec::new())
                    .map_err(|error| failed("read the link", path, error))?;
                PathKind::Link { target: target.to_string_lossy().into_owned() }
            }
            FileType::Fifo => PathKind::Other("fifo"),
            FileType::Socket => PathKind::Other("socket"),
            _ => PathKind::Other("device"),
        };
        let mode = stat.st_mode & 0o7777;
        Ok(PathState {
            kind,
            owner: String::new(),
            group: String::new(),
            mode,
            ids: Some((stat.st_uid, stat.st_gid)),
            names: stat.st_nlink as u64,
            private: mode & 0o004 == 0 || found.parent.private(),
            missing_parent: None,
        })
    }
}

/// Files up to this size are read at once.
const SMALL: u64 = 64 * 1024;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);

/// Opens without following a link at the end, and without leaving a trace in the times of what is only looked at.
fn open_at(parent: &OwnedFd, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    match rustix::fs::openat(parent, name, flags | OFlags::NOATIME, rustix::fs::Mode::empty()) {
        // Only the owner and root may.
        Err(Errno::PERM) => rustix::fs::openat(parent, name, flags, rustix::fs::Mode::empty()),
        opened => opened,
    }
}

fn open_file(found: &Found, path: &AbsolutePath) -> Result<(OwnedFd, Stat), Failure> {
    let Some(parent) = found.parent.fd() else {
        return Err(failed("read", path, Errno::NOENT));
    };
    let opened = open_at(parent, &found.name, OFlags::RDONLY).and_then(|fd| {
        let stat = rustix::fs::fstat(&fd)?;
        Ok((fd, stat))
    });
    match opened {
        Ok((fd, stat)) if kind_of(&stat) == FileType::RegularFile => Ok((fd, stat)),
        Ok(_) | Err(Errno::LOOP) => Err(Failure::new(format!("{path} changed while it was looked at"))),
        Err(error) => Err(failed("read", path, error)),
    }
}

fn read_up_to(fd: &OwnedFd, buffer: &mut Vec<u8>, length: usize) -> Result<usize, Errno> {
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
    let mut filled = 0;
    while filled < length {
        match rustix::io::read(fd, &mut buffer[filled..length]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The entries of a directory but `.` and `..`, with their kinds as far as the directory tells.
fn entries(fd: OwnedFd) -> Result<Vec<(std::ffi::CString, FileType)>, Errno> {
    let mut entries = Vec::new();
    for entry in rustix::fs::Dir::new(fd)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            entries.push((entry.file_name().to_owned(), entry.file_type()));
        }
    }
    Ok(entries)
}

/// `cannot read /etc/shadow: permission denied`
fn failed(doing: &str, path: &impl std::fmt::Display, error: Errno) -> Failure {
    let failure = Failure::new(format!("cannot {doing} {path}: {}", reason(error)));
    match error {
        Errno::BUSY => failure.help("something is mounted there: see `findmnt`"),
        Errno::PERM if rustix::process::geteuid().is_root() => {
            failure.help("its attributes may forbid changes: see `lsattr`")
        }
        _ => failure,
    }
}

pub(super) fn missing_directory(path: &str) -> Failure {
    Failure::new(format!("the directory {path} does not exist"))
        .help(format!("declare it before, with `plan.directory(\"{path}\")`"))
}
