//! Mounts of the machine, as far as they are the lab's.

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::error::{Context as _, Error, Result};

const TABLE: &str = "/proc/self/mountinfo";

/// Refuses paths that would need quoting in mount options, in the kernel's tables, or in scripts.
pub(crate) fn check_path(path: &Path) -> Result<()> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(byte);
    let dots = path.components().any(|part| part.as_os_str() == "..");
    match path.is_absolute() && !dots && path.as_os_str().as_bytes().iter().all(plain) {
        true => Ok(()),
        false => Err(Error::new(format!(
            "{} cannot be used for the lab: the path must be absolute and of letters, digits, '-', '_' and '.'",
            path.display()
        ))),
    }
}

/// Mounts `lower` with changes kept in `upper`; file contents are never synced to disk, the lab does not outlive a crash.
pub(crate) fn overlay(lower: &Path, upper: &Path, work: &Path, target: &Path) -> Result<()> {
    let options = format!(
        "lowerdir={},upperdir={},workdir={},volatile",
        lower.display(),
        upper.display(),
        work.display()
    );
    let options = CString::new(options).context(|| "a path with a NUL byte")?;
    mount("overlay", target, "overlay", MountFlags::empty(), Some(options.as_c_str()))
        .context(|| format!("cannot mount an overlay file system on {}", target.display()))
}

/// Gives a folder a file system in memory when what it lies on is an overlay itself and so cannot carry another.
pub(crate) fn make_fit_for_overlay(folder: &Path) -> Result<()> {
    const OVERLAYFS_SUPER_MAGIC: u64 = 0x794c_7630;
    let status = rustix::fs::statfs(folder).context(|| format!("cannot look at {}", folder.display()))?;
    if u64::try_from(status.f_type).is_ok_and(|magic| magic == OVERLAYFS_SUPER_MAGIC) {
        mount("tmpfs", folder, "tmpfs", MountFlags::empty(), Some(c"mode=755"))
            .context(|| format!("cannot mount a tmpfs on {}", folder.display()))?;
    }
    Ok(())
}

/// Unmounts everything below a folder, last mounted first.
pub(crate) fn unmount_below(folder: &Path) -> Result<()> {
    let table = fs::read_to_string(TABLE).context(|| format!("cannot read {TABLE}"))?;
    for target in mounted_below(&table, folder).iter().rev() {
        unmount(target, UnmountFlags::DETACH).context(|| format!("cannot unmount {}", target.display()))?;
    }
    Ok(())
}

/// Whether any mount uses a folder.
pub(crate) fn mentions(folder: &Path) -> Result<bool> {
    let table = fs::read_to_string(TABLE).context(|| format!("cannot read {TABLE}"))?;
    Ok(table.contains(&*folder.to_string_lossy()))
}

/// The places below a folder that are mounted on, in order of mounting. Paths of the lab need no unquoting.
fn mounted_below(table: &str, folder: &Path) -> Vec<PathBuf> {
    let targets = table.lines().filter_map(|line| line.split(' ').nth(4)).map(PathBuf::from);
    targets.filter(|target| target.starts_with(folder)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_found_by_whole_names() {
        let table = "1 0 8:1 / / rw - ext4 /dev/vda rw\n\
                     2 1 0:5 / /lab/1/root rw - overlay overlay rw\n\
                     3 2 0:6 / /lab/1/root/proc rw - proc proc rw\n\
                     4 1 0:7 / /lab/10/root rw - overlay overlay rw\n";
        assert_eq!(
            mounted_below(table, Path::new("/lab/1")),
            ["/lab/1/root", "/lab/1/root/proc"].map(PathBuf::from)
        );
        assert!(mounted_below(table, Path::new("/nowhere")).is_empty());
    }

    #[test]
    fn paths_are_plain() {
        assert!(check_path(Path::new("/var/cache/paracrine-lab_1.0")).is_ok());
        for path in ["relative", "/a,b", "/a:b", "/a b", "/a/../b", "/a'b", "/a\nb"] {
            assert!(check_path(Path::new(path)).is_err(), "{path}");
        }
    }
}
