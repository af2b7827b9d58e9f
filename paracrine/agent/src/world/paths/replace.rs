//! New files, links and directories, and owners and modes of those that are there.
//!
//! A file is written under a hidden name in its own directory, so that it gets the security label it should have, and
//! renamed when all of it is on the disk: whoever looks sees the old or the new one, whole.

use std::collections::hash_map::{Entry, RandomState};
use std::fs::File;
use std::hash::BuildHasher;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use paracrine_model::hash::Hash;
use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::Failure;
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;

use super::extended::{Extended, bequeath, remove_acl};
use super::record::{Touch, look};
use super::walk::{Found, Place, join};
use super::{DIRECTORY, PathKind, Paths, Stamp, entries, failed, kind_of, missing_directory, open_at};
use crate::receipt::Recorded;

/// Whom something belongs to and what they may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mode: u32,
}

/// Something new beside the place it is meant for; gone when it is dropped before it was put there.
pub(crate) struct Staged {
    parent: Rc<Place>,
    temporary: String,
    name: String,
    path: AbsolutePath,
    /// As programs find it.
    seen: PathBuf,
    /// Of what was written, if it is known.
    hash: Option<Hash>,
    placed: bool,
}

/// A file as it was when it had been written.
pub(crate) struct Written(Stamp);

impl Written {
    pub(crate) fn of(file: &File) -> Option<Self> {
        rustix::fs::fstat(file).ok().map(|stat| Self(Stamp::of(&stat)))
    }
}

impl Staged {
    /// The path that it is meant for.
    pub(crate) fn meant_for(&self) -> &AbsolutePath {
        &self.path
    }

    /// Says what was written, so that it need not be read again.
    #[must_use]
    pub(crate) fn holding(mut self, hash: Hash) -> Self {
        self.hash = Some(hash);
        self
    }

    /// Where programs find it.
    pub(crate) fn path(&self) -> &Path {
        &self.seen
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let (false, Some(parent)) = (self.placed, self.parent.fd()) {
            // What is left is swept by the next run that writes there.
            let _ = rustix::fs::unlinkat(parent, self.temporary.as_str(), AtFlags::empty());
        }
    }
}

impl Paths {
    /// Writes a new file beside the place it is meant for, with all its attributes.
    ///
    /// # Errors
    /// It cannot be written; nothing has changed then.
    pub(crate) fn stage_file(
        &mut self,
        path: &AbsolutePath,
        content: &[u8],
        attributes: Attributes,
        extended: &Extended,
    ) -> Result<Staged, Failure> {
        let (staged, mut file) = self.begin_file(path)?;
        write_to(&mut file, path, content)?;
        finish_file(file, path, attributes, extended)?;
        Ok(staged)
    }

    /// Begins a new file beside the place it is meant for; nobody but its owner can read it until [`finish_file`].
    ///
    /// # Errors
    /// It cannot be made; nothing has changed then.
    pub(crate) fn begin_file(&mut self, path: &AbsolutePath) -> Result<(Staged, File), Failure> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut made = None;
        let staged = self.stage(path, |parent, temporary| {
            made = Some(rustix::fs::openat(parent, temporary, flags, Mode::from_raw_mode(0o600))?);
            Ok(())
        })?;
        let Some(fd) = made else {
            return Err(failed("write", path, Errno::IO));
        };
        Ok((staged, File::from(fd)))
    }

    /// Makes a new link beside the place it is meant for.
    ///
    /// # Errors
    /// It cannot be made; nothing has changed then.
    pub(crate) fn stage_link(&mut self, path: &AbsolutePath, target: &str) -> Result<Staged, Failure> {
        self.stage(path, |parent, temporary| rustix::fs::symlinkat(target, parent, temporary))
    }

    fn stage(
        &mut self,
        path: &AbsolutePath,
        mut make: impl FnMut(&OwnedFd, &str) -> Result<(), Errno>,
    ) -> Result<Staged, Failure> {
        let found = self.find(path)?;
        let parent = self.existing(&found, path)?;
        self.sweep(&found.parent);
        for _ in 0..16 {
            let temporary = temporary_name(&found.name);
            let inside = join(found.parent.canonical(), &temporary);
            // Before it is made, so that the next run finds it, should this one be killed.
            if let Some(receipt) = &mut self.receipt {
                receipt.beside(&inside)?;
            }
            match make(parent, &temporary) {
                Ok(()) => {
                    return Ok(Staged {
                        parent: found.parent.clone(),
                        temporary,
                        name: found.name,
                        path: path.clone(),
                        seen: self.root.join(inside.trim_start_matches('/')),
                        hash: None,
                        placed: false,
                    });
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(failed("write", path, error)),
            }
        }
        Err(failed("write", path, Errno::EXIST))
    }

    /// Puts it in its place. What was there is in the receipt before.
    ///
    /// # Errors
    /// The old state cannot be recorded, or the new one not be put there; the old one is still there then.
    pub(crate) fn place(&mut self, mut staged: Staged) -> Result<(), Failure> {
        let place = staged.parent.clone();
        let path = staged.path.clone();
        let Some(parent) = place.fd() else {
            return Err(failed("write", &path, Errno::NOENT));
        };
        let found = Found {
            key: join(place.canonical(), &staged.name),
            parent: place.clone(),
            name: staged.name.clone(),
        };
        let recorded = self.record(&found, &path, Touch::Replace)?;
        let is_link = look(&found).ok().flatten().is_some_and(|stat| kind_of(&stat) == FileType::Symlink);
        rename(parent, &staged.temporary, &staged.name, &recorded)
            .map_err(|error| failed("replace", &path, error))?;
        staged.placed = true;
        self.placed.clear();
        if let Some(hash) = staged.hash {
            let stat = look(&found).ok().flatten();
            self.placed.extend(stat.map(|stat| (Stamp::of(&stat), hash)));
        }
        // A link may have been replaced, or put there, that is on the way to somewhere.
        if is_link || staged.hash.is_none() {
            self.forget();
        }
        self.settle_soon(parent).map_err(|error| failed("write the directory of", &path, error))
    }

    /// Writes a new file beside the place it is meant for; it is to be brought to disk before it is put there. `None` where that
    /// cannot be done now.
    pub(crate) fn write_beside(
        &mut self,
        path: &AbsolutePath,
        content: &[u8],
        attributes: Attributes,
        extended: &Extended,
    ) -> Option<(Staged, File)> {
        let (staged, mut file) = self.begin_file(path).ok()?;
        file.write_all(content).ok()?;
        set_new(file.as_fd(), attributes, extended).ok()?;
        Some((staged, file))
    }

    /// Whether what was written ahead is as it was then, and still beside its place.
    pub(crate) fn is_as_written(&mut self, staged: &Staged, written: &Written) -> bool {
        let Ok(found) = self.find(&staged.path) else { return false };
        let (Some(now), Some(then)) = (found.parent.fd(), staged.parent.fd()) else { return false };
        let identity = |fd: &OwnedFd| rustix::fs::fstat(fd).map(|stat| super::identity(&stat)).ok();
        let stat = rustix::fs::statat(then, staged.temporary.as_str(), AtFlags::SYMLINK_NOFOLLOW);
        found.name == staged.name
            && identity(now).is_some_and(|now| identity(then) == Some(now))
            && stat.is_ok_and(|stat| Stamp::of(&stat) == written.0)
    }

    /// Brings files to disk one by one.
    pub(crate) fn sync_each(&mut self, files: &[&File]) -> Result<(), Errno> {
        files.iter().try_for_each(rustix::fs::fsync)
    }

    /// Brings files to disk with all that their file systems have to write.
    pub(crate) fn sync_all(&mut self, files: &[&File]) -> Result<(), Errno> {
        let mut done = Vec::new();
        for file in files {
            let device = rustix::fs::fstat(file)?.st_dev;
            if !done.contains(&device) {
                rustix::fs::syncfs(file)?;
                // Names that were changed before are on disk as well.
                self.unsettled.remove(&device);
                done.push(device);
            }
        }
        Ok(())
    }

    /// Has a directory on disk in which a name was changed: now, or where many are changed, with the others.
    fn settle_soon(&mut self, parent: &OwnedFd) -> Result<(), Errno> {
        if !self.changes_many() {
            return sync_directory(parent);
        }
        let device = rustix::fs::fstat(parent)?.st_dev;
        if let Entry::Vacant(none) = self.unsettled.entry(device) {
            match open_at(parent, ".", DIRECTORY) {
                Ok(fd) => drop(none.insert(fd)),
                // One that may be written to but not read.
                Err(Errno::ACCESS) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Brings to disk all names that were changed.
    ///
    /// # Errors
    /// They may not last.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        for (_, fd) in std::mem::take(&mut self.unsettled) {
            rustix::fs::syncfs(&fd).map_err(|error| failed("bring to disk", &"what was changed", error))?;
        }
        Ok(())
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// It cannot be made, or not get its attributes.
    pub(crate) fn make_directory(
        &mut self,
        path: &AbsolutePath,
        attributes: Attributes,
    ) -> Result<(), Failure> {
        let found = self.find(path)?;
        let parent = self.existing(&found, path)?;
        let recorded = self.record(&found, path, Touch::Replace)?;
        make_directory(parent, &found.name, &recorded)
            .map_err(|error| failed("make the directory", path, error))?;
        self.forget();
        self.set_attributes_of(path, &PathKind::Directory, attributes, Some(recorded))?;
        self.settle_soon(parent).map_err(|error| failed("write the directory of", path, error))
    }

    /// Sets the owner and mode of what is there, which has to be of that kind.
    ///
    /// # Errors
    /// It is something else by now, or may not be changed.
    pub(crate) fn set_attributes(
        &mut self,
        path: &AbsolutePath,
        kind: &PathKind,
        attributes: Attributes,
    ) -> Result<(), Failure> {
        self.set_attributes_of(path, kind, attributes, None)
    }

    /// The same of what may just have been made, and recorded before.
    fn set_attributes_of(
        &mut self,
        path: &AbsolutePath,
        kind: &PathKind,
        attributes: Attributes,
        recorded: Option<Recorded>,
    ) -> Result<(), Failure> {
        let found = self.find(path)?;
        let parent = self.existing(&found, path)?;
        let failure = |error| failed("set owner and mode of", path, error);
        let wanted = if *kind == PathKind::Directory { FileType::Directory } else { FileType::RegularFile };
        // A descriptor, so that what is changed is what was looked at; to read if possible, as changing the mode
        // through one that is good for nothing else needs `/proc`.
        let fd = match open_at(parent, &found.name, OFlags::RDONLY) {
            Err(Errno::ACCESS) => open_at(parent, &found.name, OFlags::PATH),
            opened => opened,
        }
        .map_err(failure)?;
        let stat = rustix::fs::fstat(&fd).map_err(failure)?;
        if kind_of(&stat) != wanted || (wanted == FileType::RegularFile && stat.st_nlink > 1) {
            return Err(Failure::new(format!("{path} changed while it was looked at")));
        }
        let made = recorded.is_some();
        let recorded = match recorded {
            Some(recorded) => recorded,
            None => self.record(&found, path, Touch::Attributes)?,
        };
        if made {
            remove_acl(&fd).map_err(failure)?;
        }
        set_open(&fd, &stat, attributes, &recorded).map_err(failure)?;
        self.forget();
        if *kind == PathKind::Directory && self.changes_many() {
            return self.settle_soon(parent).map_err(failure);
        }
        match rustix::fs::fsync(&fd) {
            // Not opened to read, so it cannot be waited for.
            Err(Errno::BADF) => Ok(()),
            synced => synced.map_err(failure),
        }
    }

    /// The directory a path lies in.
    pub(super) fn existing<'a>(&self, found: &'a Found, path: &AbsolutePath) -> Result<&'a OwnedFd, Failure> {
        match (found.parent.fd(), found.parent.missing()) {
            (Some(parent), _) => Ok(parent),
            (None, Some(missing)) => Err(missing_directory(missing)),
            (None, None) => Err(failed("write", path, Errno::NOENT)),
        }
    }

    /// Removes what a killed run has left beside its place, under this path; says whether it was there.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(crate) fn remove_left(&mut self, path: &str) -> Result<bool, Failure> {
        let Ok(path) = AbsolutePath::parse(path) else {
            return Ok(false);
        };
        if !is_temporary(path.file_name()) {
            return Ok(false);
        }
        let found = self.find(&path)?;
        let Some(parent) = found.parent.fd() else {
            return Ok(false);
        };
        match rustix::fs::unlinkat(parent, found.name.as_str(), AtFlags::empty()) {
            Ok(()) => Ok(true),
            // A directory is nothing that a run makes under such a name.
            Err(Errno::NOENT | Errno::ISDIR) => Ok(false),
            Err(error) => Err(failed("remove", &path, error)
                .help("a run that was killed has left it, and it may hold secrets")),
        }
    }

    /// Removes from a directory what killed runs have left there.
    fn sweep(&mut self, place: &Rc<Place>) {
        let Some(fd) = place.fd() else { return };
        if !self.swept.insert(place.canonical().to_owned()) {
            return;
        }
        let Ok(listed) = open_at(fd, ".", DIRECTORY).and_then(entries) else {
            return;
        };
        for (name, _) in listed {
            if name.to_str().is_ok_and(is_temporary) {
                // Whatever cannot be removed is in nobody's way.
                let _ = rustix::fs::unlinkat(fd, name.as_c_str(), AtFlags::empty());
            }
        }
    }
}

/// Writes a piece of a file that was begun.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write_to(file: &mut File, path: &AbsolutePath, piece: &[u8]) -> Result<(), Failure> {
    file.write_all(piece)
        .map_err(|error| failed("write", path, Errno::from_io_error(&error).unwrap_or(Errno::IO)))
}

/// Gives a file that was begun and written its attributes, and brings it to disk.
///
/// # Errors
/// It cannot be written.
pub(crate) fn finish_file(
    file: File,
    path: &AbsolutePath,
    attributes: Attributes,
    extended: &Extended,
) -> Result<(), Failure> {
    let fd = OwnedFd::from(file);
    set_new(fd.as_fd(), attributes, extended)
        .map_err(|error| failed("set owner and mode of", path, error))?;
    rustix::fs::fsync(&fd).map_err(|error| failed("write", path, error))
}

/// Sets the owner and mode of an open file that is nobody's yet.
///
/// # Errors
/// The system refuses.
pub(crate) fn set_file(file: &File, path: &AbsolutePath, attributes: Attributes) -> Result<(), Failure> {
    let failure = |error| failed("set owner and mode of", path, error);
    set_new_owners(file.as_fd(), attributes).map_err(failure)?;
    rustix::fs::fchmod(file, Mode::from_raw_mode(attributes.mode)).map_err(failure)
}

/// What stands between the name of a file and the random end of the name of its successor.
const MARK: &str = ".paracrine-";

/// `.app.conf.paracrine-0123456789abcdef`; long names are cut so that it fits.
fn temporary_name(name: &str) -> String {
    let mut end = name.len().min(255 - 1 - MARK.len() - 16);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    // The standard library seeds this from the system's randomness.
    let random = RandomState::new().hash_one(name);
    format!(".{}{MARK}{random:016x}", &name[..end])
}

pub(super) fn is_temporary(name: &str) -> bool {
    name.starts_with('.')
        && name.rsplit_once(MARK).is_some_and(|(_, random)| {
            random.len() == 16
                && random.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        })
}

/// Puts a new file or link in its place.
fn rename(parent: &OwnedFd, from: &str, to: &str, _recorded: &Recorded) -> Result<(), Errno> {
    rustix::fs::renameat(parent, from, parent, to)
}

fn make_directory(parent: &OwnedFd, name: &str, _recorded: &Recorded) -> Result<(), Errno> {
    rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o700))
}

/// Sets owner and mode of what is in use.
fn set_open(fd: &OwnedFd, stat: &Stat, attributes: Attributes, _recorded: &Recorded) -> Result<(), Errno> {
    let old = stat.st_mode & 0o7777;
    if (stat.st_uid, stat.st_gid) != (attributes.uid, attributes.gid) {
        // Neither the old owners nor the new ones may do meanwhile what only the others may.
        let both = old & attributes.mode & 0o777;
        if both != old {
            set_mode(fd, both)?;
        }
        set_owners(fd.as_fd(), attributes)?;
        set_mode(fd, attributes.mode)?;
    } else if old != attributes.mode {
        set_mode(fd, attributes.mode)?;
    }
    Ok(())
}

/// Gives a file all its attributes that is in nobody's use yet.
fn set_new(fd: BorrowedFd<'_>, attributes: Attributes, extended: &Extended) -> Result<(), Errno> {
    set_new_owners(fd, attributes)?;
    bequeath(fd, extended, attributes.mode)?;
    // Last, as the others take setuid bits away.
    rustix::fs::fchmod(fd, Mode::from_raw_mode(attributes.mode))
}

/// Sets the owner of what is in nobody's use yet.
fn set_new_owners(fd: BorrowedFd<'_>, attributes: Attributes) -> Result<(), Errno> {
    let stat = rustix::fs::fstat(fd)?;
    if (stat.st_uid, stat.st_gid) != (attributes.uid, attributes.gid) {
        set_owners(fd, attributes)?;
    }
    Ok(())
}

fn set_owners(fd: BorrowedFd<'_>, attributes: Attributes) -> Result<(), Errno> {
    let (uid, gid) = (Uid::from_raw(attributes.uid), Gid::from_raw(attributes.gid));
    rustix::fs::chownat(fd, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH)
}

fn set_mode(fd: &OwnedFd, mode: u32) -> Result<(), Errno> {
    match rustix::fs::fchmod(fd, Mode::from_raw_mode(mode)) {
        Err(Errno::BADF) => {
            let own = format!("/proc/self/fd/{}", fd.as_raw_fd());
            rustix::fs::chmod(own, Mode::from_raw_mode(mode))
        }
        done => done,
    }
}

pub(super) fn sync_directory(parent: &OwnedFd) -> Result<(), Errno> {
    match open_at(parent, ".", DIRECTORY) {
        Ok(fd) => match rustix::fs::fsync(&fd) {
            // Not every file system can.
            Err(Errno::INVAL) => Ok(()),
            synced => synced,
        },
        // One that may be written to but not read.
        Err(Errno::ACCESS) => Ok(()),
        Err(error) => Err(error),
    }
}
