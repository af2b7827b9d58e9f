//! Removing, with all that is below.

use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::Failure;
use rustix::fs::{AtFlags, FileType, StatxAttributes, StatxFlags};
use rustix::io::Errno;

use super::replace::sync_directory;
use super::{DIRECTORY, PathKind, PathState, Paths, entries, failed, identity, open_at};

/// Why something is not removed, whatever a plan says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The system, or much of what others keep on it, would be gone.
    System,
    /// A file system is mounted there.
    Mount(String),
}

impl Obstacle {
    /// As a failure to remove `path`.
    pub(crate) fn failure(&self, path: &AbsolutePath) -> Failure {
        match self {
            Self::System => Failure::new(format!("{path} belongs to the system, so it is never removed"))
                .help("declare the paths below it that should be absent"),
            Self::Mount(at) if at == path.as_str() => {
                Failure::new(format!("{path} is a mount point, so it is not removed"))
                    .help(format!("unmount it first: `umount {at}`"))
            }
            Self::Mount(at) => {
                Failure::new(format!("{at} is a mount point below {path}, so {path} is not removed"))
                    .help(format!("unmount it first: `umount {at}`"))
            }
        }
    }
}

/// Directories in `/` are never removed; nor are these, be they directories or links to some.
const SYSTEM: [&str; 36] = [
    "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/media", "/mnt", "/opt", "/proc",
    "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64",
    "/usr/local", "/usr/sbin", "/usr/share", "/var", "/var/cache", "/var/lib", "/var/lib/dpkg", "/var/lib/paracrine",
    "/var/lib/systemd", "/var/log", "/var/spool", "/etc/systemd",
];

/// Directories below each other that are open at once; deeper ones are moved up before they are emptied.
const DEPTH: usize = 64;

impl Paths {
    /// Why what is there must not be removed, if so.
    ///
    /// # Errors
    /// It cannot be told.
    pub(crate) fn obstacle(&mut self, path: &AbsolutePath, state: &PathState) -> Result<Option<Obstacle>, Failure> {
        let found = self.find(path)?;
        let key = found.key.as_str();
        let top = !key.trim_start_matches('/').contains('/');
        if SYSTEM.contains(&key) || (top && state.kind == PathKind::Directory) {
            return Ok(Some(Obstacle::System));
        }
        if found.parent.fd().is_none() {
            return Ok(None);
        }
        let root = std::fs::canonicalize(&self.root).unwrap_or_else(|_| self.root.clone());
        let root = root.to_string_lossy();
        let inside = format!("{}{key}", root.trim_end_matches('/'));
        // Without `/proc` the look at each directory that is emptied remains.
        let mounts = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
        Ok(mount_points(&mounts)
            .find(|mount| mount.strip_prefix(&inside).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
            .map(|mount| Obstacle::Mount(mount[root.trim_end_matches('/').len()..].to_owned())))
    }

    /// Removes what is there: a directory with all that is in it, a link but not what it leads to.
    ///
    /// # Errors
    /// Something cannot be removed; what could be is gone then.
    pub(crate) fn remove(&mut self, path: &AbsolutePath) -> Result<(), Failure> {
        let found = self.find(path)?;
        let parent = self.existing(&found, path)?;
        let failure = |error| failed("remove", path, error);
        let name = CString::new(found.name.as_str()).map_err(|_| failure(Errno::INVAL))?;
        self.forget();
        match rustix::fs::unlinkat(parent, &name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR) => remove_tree(parent, &name).map_err(|error| match error {
                Errno::XDEV => Failure::new(format!("a file system is mounted below {path}, so not all of it is removed"))
                    .help("unmount it first: see `findmnt`"),
                error => failure(error),
            })?,
            Err(error) => return Err(failure(error)),
        }
        sync_directory(parent).map_err(failure)
    }
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
fn remove_tree(parent: &OwnedFd, name: &CStr) -> Result<(), Errno> {
    let device = identity(&rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?).0;
    let mut open = vec![enter(parent, name, device)?];
    let mut moved = 0_u64;
    while let Some(mut top) = open.pop() {
        match top.left.pop() {
            Some((entry, _)) => {
                let removed = rustix::fs::unlinkat(&top.fd, &entry, AtFlags::empty());
                match removed {
                    Ok(()) | Err(Errno::NOENT) => open.push(top),
                    Err(Errno::ISDIR) if open.len() >= DEPTH => {
                        // Too deep: it is moved up and emptied from there, when its turn comes.
                        let Some(first) = open.first_mut() else { return Err(Errno::LOOP) };
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
    let seen = rustix::fs::statx(&fd, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS);
    let mounted = seen.is_ok_and(|seen| seen.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
    if mounted || identity(&rustix::fs::fstat(&fd)?).0 != device {
        return Err(Errno::XDEV);
    }
    let listed = rustix::fs::openat(&fd, ".", DIRECTORY | rustix::fs::OFlags::CLOEXEC, rustix::fs::Mode::empty())?;
    Ok(Emptied { fd, name: name.to_owned(), left: entries(listed)?, again: 0 })
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

/// The mount points in `/proc/self/mountinfo`, whose fifth field has octal escapes.
fn mount_points(mounts: &[u8]) -> impl Iterator<Item = String> {
    mounts.split(|byte| *byte == b'\n').filter_map(|line| {
        let field = line.split(|byte| *byte == b' ').nth(4)?;
        let mut path = Vec::with_capacity(field.len());
        let mut rest = field;
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match (first, after) {
                (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                    path.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                    rest = after;
                }
                _ => path.push(*first),
            }
        }
        String::from_utf8(path).ok()
    })
}
