//! A cgroup for each host in every hierarchy of the machine.
//!
//! In a shared one, the hosts' systemds would see and stop each other's services of the same name. They are made below
//! those of this process, so that limits on it hold for its labs too.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{Context as _, Error, Result};

/// The cgroups of this process, as folders: one per hierarchy that is mounted here.
pub(crate) fn own() -> Result<Vec<PathBuf>> {
    let read = |path: &str| fs::read_to_string(path).context(|| format!("cannot read {path}"));
    let own = locate(&read("/proc/self/cgroup")?, &read("/proc/self/mountinfo")?);
    match own.is_empty() {
        true => Err(Error::new("no cgroup file system is mounted on this machine")),
        false => Ok(own),
    }
}

/// Finds the folders for the lines of `/proc/self/cgroup` in the mount table.
fn locate(cgroups: &str, mountinfo: &str) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for line in cgroups.lines() {
        // "4:cpu,cpuacct:/path", "1:name=systemd:/path" or "0::/path".
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let found = mountinfo.lines().find_map(|line| {
            let (mount, system) = line.split_once(" - ")?;
            let mut system = system.split(' ');
            let kind = system.next()?;
            let options = system.nth(1)?;
            let matches = match controllers {
                "" => kind == "cgroup2",
                _ => {
                    kind == "cgroup" && controllers.split(',').all(|one| options.split(',').any(|o| o == one))
                }
            };
            let mut mount = mount.split(' ').skip(3);
            let (root, target) = (mount.next()?, mount.next()?);
            // The mount may show a part of the hierarchy only.
            let below = Path::new(path).strip_prefix(root).ok()?;
            matches.then(|| Path::new(target).join(below))
        });
        folders.extend(found);
    }
    folders
}

/// Makes a cgroup below another; in the `cpuset` hierarchy it needs its processors named before it can be used.
pub(crate) fn create(parent: &Path, name: &str) -> Result<PathBuf> {
    let cgroup = parent.join(name);
    fs::create_dir(&cgroup).context(|| format!("cannot make the cgroup {}", cgroup.display()))?;
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let (from, to) = (parent.join(file), cgroup.join(file));
        // Version 2 inherits instead of copying: there the file is absent or empty.
        if let Ok(value) = fs::read_to_string(&from)
            && !value.trim().is_empty()
        {
            fs::write(&to, value.trim()).context(|| format!("cannot write {}", to.display()))?;
        }
    }
    Ok(cgroup)
}

/// The processes in a cgroup and in those below it.
pub(crate) fn processes(cgroup: &Path) -> Vec<u32> {
    let mut found = Vec::new();
    let mut folders = vec![cgroup.to_owned()];
    // What cannot be read has just gone away.
    while let Some(folder) = folders.pop() {
        let list = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
        found.extend(list.lines().filter_map(|pid| pid.parse::<u32>().ok()));
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        folders.extend(entries.filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir())).map(|e| e.path()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hybrid() {
        let mounts = "24 1 0:20 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                      25 24 0:21 / /sys/fs/cgroup/cpu,cpuacct rw shared:1 - cgroup cgroup rw,cpu,cpuacct\n\
                      26 24 0:22 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
                      27 24 0:23 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let own = locate("3:cpu,cpuacct:/a/b\n2:name=systemd:/\n1:pids:/unmounted\n0::/c\n", mounts);
        let folders =
            ["/sys/fs/cgroup/cpu,cpuacct/a/b", "/sys/fs/cgroup/systemd/", "/sys/fs/cgroup/unified/c"];
        assert_eq!(own, folders.map(PathBuf::from));
    }

    #[test]
    fn unified_and_partly_mounted() {
        let mounts = "25 24 0:21 /box /sys/fs/cgroup rw - cgroup2 cgroup rw,nsdelegate\n";
        assert_eq!(locate("0::/box/a\n", mounts), [PathBuf::from("/sys/fs/cgroup/a")]);
        assert!(locate("0::/elsewhere\n", mounts).is_empty());
    }
}
