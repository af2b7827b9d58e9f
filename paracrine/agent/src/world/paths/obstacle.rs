//! What is known to stand in the way of a change before anything is touched, so that a check can say it.

use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::Failure;
use rustix::fs::{Access, AtFlags, StatxAttributes, StatxFlags, accessat, statx};
use rustix::io::Errno;

use super::walk::Found;
use super::{PathKind, PathState, Paths, failed};

/// File systems of which it is known how much a new file takes: ext2 to 4, XFS, tmpfs.
const COUNTING: [u64; 3] = [0xef53, 0x5846_5342, 0x0102_1994];

/// Directories in `/` are never removed; nor are these, be they directories or links to some.
const SYSTEM: [&str; 36] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/lib/dpkg",
    "/var/lib/paracrine",
    "/var/lib/systemd",
    "/var/log",
    "/var/spool",
    "/etc/systemd",
];

impl Paths {
    /// What stands in the way of making, replacing or removing what is at `path`, if anything does.
    ///
    /// # Errors
    /// There is no way to `path`.
    pub(crate) fn obstacle(&mut self, path: &AbsolutePath) -> Result<Option<Failure>, Failure> {
        let found = self.find(path)?;
        let Some(parent) = found.parent.fd() else {
            return Ok(None);
        };
        let seen = match self.overlay.get(&found.key) {
            Some(_) => None,
            None => {
                statx(parent, found.name.as_str(), AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS).ok()
            }
        };
        let attributes = seen.map_or(StatxAttributes::empty(), |seen| seen.stx_attributes);
        Ok(if attributes.contains(StatxAttributes::MOUNT_ROOT) {
            Some(mounted(
                &format!("{path} is a mount point, so it can be neither replaced nor removed"),
                path.as_str(),
            ))
        } else if attributes.contains(StatxAttributes::IMMUTABLE) {
            Some(attribute(path, "immutable", 'i'))
        } else if attributes.contains(StatxAttributes::APPEND) {
            Some(attribute(path, "append-only", 'a'))
        } else {
            // For root it is denied where a file system is mounted read-only or the directory is immutable.
            match accessat(parent, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::empty()) {
                Err(error @ (Errno::ROFS | Errno::ACCESS | Errno::PERM)) => {
                    Some(failed("change", path, error))
                }
                _ => None,
            }
        })
    }

    /// What stands in the way of another owner or mode of what is at `path`, if anything does.
    ///
    /// # Errors
    /// There is no way to `path`.
    pub(crate) fn obstacle_to_attributes(&mut self, path: &AbsolutePath) -> Result<Option<Failure>, Failure> {
        let found = self.find(path)?;
        let Some(parent) = found.parent.fd().filter(|_| self.overlay.get(&found.key).is_none()) else {
            return Ok(None);
        };
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let seen = statx(parent, found.name.as_str(), flags, StatxFlags::BASIC_STATS).ok();
        let attributes = seen.map_or(StatxAttributes::empty(), |seen| seen.stx_attributes);
        Ok(if attributes.contains(StatxAttributes::IMMUTABLE) {
            Some(attribute(path, "immutable", 'i'))
        } else if attributes.contains(StatxAttributes::APPEND) {
            Some(attribute(path, "append-only", 'a'))
        } else {
            match accessat(parent, found.name.as_str(), Access::WRITE_OK, AtFlags::empty()) {
                Err(error @ Errno::ROFS) => Some(failed("set owner and mode of", path, error)),
                _ => None,
            }
        })
    }

    /// That nothing can be written at `path`, as its file system is read-only or its directory immutable.
    pub(crate) fn read_only(&mut self, path: &AbsolutePath) -> Option<Failure> {
        let found = self.find(path).ok()?;
        let parent = found.parent.fd()?;
        match accessat(parent, ".", Access::WRITE_OK, AtFlags::empty()) {
            Err(error @ (Errno::ROFS | Errno::PERM)) => Some(failed("change", path, error)),
            _ => None,
        }
    }

    /// That a new file of this length has no room at `path`, as far as its file system says so.
    pub(crate) fn no_room(&mut self, path: &AbsolutePath, length: u64) -> Option<Failure> {
        if self.frees {
            return None;
        }
        let found = self.find(path).ok()?;
        let parent = found.parent.fd()?;
        // Others pack what is written, or do not know.
        if !COUNTING.contains(&rustix::fs::fstatfs(parent).ok()?.f_type.cast_unsigned()) {
            return None;
        }
        let device = rustix::fs::fstat(parent).ok()?.st_dev;
        let room = rustix::fs::fstatvfs(parent).ok()?;
        let free = if self.euid == 0 { room.f_bfree } else { room.f_bavail };
        let taken = self.promised.get(&device).copied().unwrap_or_default();
        let blocks = |length: u64| length.div_ceil(room.f_frsize.max(1));
        let full = (room.f_blocks > 0 && blocks(length) > free.saturating_sub(blocks(taken)))
            || (room.f_files > 0 && room.f_ffree == 0);
        full.then(|| failed("write", path, Errno::NOSPC))
    }

    /// Check only: a new file of this length would be at `path`.
    pub(super) fn promise(&mut self, found: &Found, length: u64) {
        if let Some(stat) = found.parent.fd().and_then(|parent| rustix::fs::fstat(parent).ok()) {
            *self.promised.entry(stat.st_dev).or_default() += length;
        }
    }

    /// What stands in the way of removing what is at `path` with all that is below, if anything does.
    ///
    /// # Errors
    /// There is no way to `path`.
    pub(crate) fn obstacle_to_removal(
        &mut self,
        path: &AbsolutePath,
        state: &PathState,
    ) -> Result<Option<Failure>, Failure> {
        let key = self.find(path)?.key;
        let top = !key.trim_start_matches('/').contains('/');
        if SYSTEM.contains(&key.as_str()) || (top && state.kind == PathKind::Directory) {
            let failure = Failure::new(format!("{path} belongs to the system, so it is never removed"));
            return Ok(Some(failure.help("declare the paths below it that should be absent")));
        }
        if let Some(obstacle) = self.obstacle(path)? {
            return Ok(Some(obstacle));
        }
        let root = std::fs::canonicalize(&self.root).unwrap_or_else(|_| self.root.clone());
        let root = root.to_string_lossy().trim_end_matches('/').to_owned();
        let below = format!("{root}{key}/");
        // Without `/proc` the look at each directory that is emptied remains.
        let mounts = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
        Ok(mount_points(&mounts).find(|mount| mount.starts_with(&below)).map(|mount| {
            let at = &mount[root.len()..];
            mounted(&format!("{at} is a mount point below {path}, so {path} is not removed"), at)
        }))
    }
}

fn mounted(message: &str, at: &str) -> Failure {
    Failure::new(message).help(format!("unmount it first: `umount {at}`"))
}

fn attribute(path: &AbsolutePath, what: &str, letter: char) -> Failure {
    Failure::new(format!("{path} is {what}")).help(format!("allow changes first: `chattr -{letter} {path}`"))
}

/// The mount points in `/proc/self/mountinfo`, whose fifth field has octal escapes.
fn mount_points(mounts: &[u8]) -> impl Iterator<Item = String> {
    mounts.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut rest = line.split(|byte| *byte == b' ').nth(4)?;
        let mut path = Vec::with_capacity(rest.len());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_with_their_blanks() {
        let mounts = b"22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n\
            31 22 0:27 / /srv/a\\040b\\134c rw - tmpfs tmpfs rw\n\
            damaged\n";
        assert_eq!(mount_points(mounts).collect::<Vec<_>>(), ["/", "/srv/a b\\c"]);
    }
}
