//! Removing, with all that is below.

use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::Failure;
use rustix::fs::{AtFlags, FileType, StatxAttributes, StatxFlags};
use rustix::io::Errno;

use super::replace::sync_directory;
use super::{DIRECTORY, Paths, entries, failed, identity, open_at};
use crate::receipt::Recorded;

/// Directories below each other that are open at once; deeper ones are moved up before they are emptied.
const DEPTH: usize = 64;

impl Paths {
    /// Removes what is there: a directory with all that is in it, a link but not what it leads to.
    ///
    /// # Errors
    /// Something cannot be removed; what could be is gone then.
    pub(crate) fn remove(&mut self, path: &AbsolutePath) -> Result<(), Failure> {
        let found = self.find(path)?;
        let parent = self.existing(&found, path)?;
        let failure = |error| failed("remove", path, error);
        let name = CString::new(found.name.as_str()).map_err(|_| failure(Errno::INVAL))?;
        let recorded = self.record_removal(&found, path)?;
        self.forget();
        match unlink(parent, &name, &recorded) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR) => remove_tree(parent, &name, &recorded).map_err(|error| match error {
                Errno::XDEV => mounted_below(path),
                error => failure(error),
            })?,
            Err(error) => return Err(failure(error)),
        }
        sync_directory(parent).map_err(failure)
    }
}

pub(super) fn mounted_below(path: &AbsolutePath) -> Failure {
    Failure::new(format!("a file system is mounted below {path}, so not all of it is removed"))
        .help("unmount it first: see `findmnt`")
}

fn unlink(parent: &OwnedFd, name: &CStr, _recorded: &Recorded) -> Result<(), Errno> {
    rustix::fs::unlinkat(parent, name, AtFlags::empty())
}

/// A directory that is being emptied.
struct Emptied {
    fd: OwnedFd,
    name: CString,
    left: Vec<(CString, FileType)>,
    /// Times it was found not to be empty after all.
    again: u32,
}

/// Removes a directory. Never more than [`DEPTH`] descriptors are open, and never is the stack as deep as the tree.
fn remove_tree(parent: &OwnedFd, name: &CStr, recorded: &Recorded) -> Result<(), Errno> {
    let device = identity(&rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?).0;
    let mut open = vec![enter(parent, name, device)?];
    let mut moved = 0_u64;
    while let Some(mut top) = open.pop() {
        match top.left.pop() {
            Some((entry, _)) => {
                let removed = unlink(&top.fd, &entry, recorded);
                match removed {
                    Ok(()) | Err(Errno::NOENT) => open.push(top),
                    Err(Errno::ISDIR) if open.len() >= DEPTH => {
                        // Too deep: it is moved up and emptied from there, when its turn comes.
                        let Some(first) = open.first_mut() else {
                            return Err(Errno::LOOP);
                        };
                        let up = move_up(&top.fd, &entry, &first.fd, &mut moved)?;
                        first.left.push((up, FileType::Directory));
                        open.push(top);
                    }
                    Err(Errno::ISDIR) => {
                        let below = enter(&top.fd, &entry, device)?;
                        open.push(top);
                        open.push(below);
                    }
                    Err(error) => return Err(error),
                }
            }
            None => {
                let above = open.last().map_or(parent, |above| &above.fd);
                match rustix::fs::unlinkat(above, &top.name, AtFlags::REMOVEDIR) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    // Somebody has put something there meanwhile.
                    Err(Errno::NOTEMPTY) if top.again < 3 => {
                        let again = top.again + 1;
                        let name = top.name;
                        let fd = rustix::fs::openat(&top.fd, ".", DIRECTORY, rustix::fs::Mode::empty())?;
                        open.push(Emptied { left: entries(fd)?, fd: top.fd, name, again });
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(())
}

/// Opens a directory to empty it, if it is part of the same file system.
fn enter(parent: &OwnedFd, name: &CStr, device: u64) -> Result<Emptied, Errno> {
    let text = name.to_str().map_err(|_| Errno::ILSEQ);
    let fd = match text {
        Ok(text) => open_at(parent, text, DIRECTORY)?,
        Err(_) => rustix::fs::openat(
            parent,
            name,
            DIRECTORY | rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )?,
    };
    if is_other_file_system(&fd, device)? {
        return Err(Errno::XDEV);
    }
    let listed =
        rustix::fs::openat(&fd, ".", DIRECTORY | rustix::fs::OFlags::CLOEXEC, rustix::fs::Mode::empty())?;
    Ok(Emptied { fd, name: name.to_owned(), left: entries(listed)?, again: 0 })
}

/// Whether a directory is part of another file system, or of another place of the same.
pub(super) fn is_other_file_system(fd: &OwnedFd, device: u64) -> Result<bool, Errno> {
    let seen = rustix::fs::statx(fd, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS);
    let mounted = seen.is_ok_and(|seen| seen.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
    Ok(mounted || identity(&rustix::fs::fstat(fd)?).0 != device)
}

fn move_up(from: &OwnedFd, entry: &CStr, to: &OwnedFd, moved: &mut u64) -> Result<CString, Errno> {
    loop {
        *moved += 1;
        let name = CString::new(format!(".paracrine-removed-{moved}")).map_err(|_| Errno::INVAL)?;
        match rustix::fs::renameat_with(from, entry, to, &name, rustix::fs::RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(name),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
    }
}
