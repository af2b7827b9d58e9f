//! Whose processes run: while they do, `usermod` and `userdel` change neither the id nor the home, nor remove the user.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Accounts;

impl Accounts {
    /// A process that keeps this user from being changed: `4711 (sleep)`. Told another root than `/`, nobody cares.
    pub(crate) fn process_of(&self, name: &str, uid: u32) -> Option<String> {
        if self.root != Path::new("/") {
            return None;
        }
        let subordinate = fs::read_to_string("/etc/subuid").unwrap_or_default();
        process(Path::new("/proc"), &|running| {
            running == uid || subordinates(&subordinate, name).any(|range| range.contains(&running))
        })
    }
}

/// The first process of those users that sees the same files as we do.
fn process(proc: &Path, is_meant: &dyn Fn(u32) -> bool) -> Option<String> {
    let root = fs::metadata("/").ok()?;
    let mut found: Option<u32> = None;
    let mut name = String::new();
    for entry in fs::read_dir(proc).ok()?.flatten() {
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(status) = fs::read_to_string(entry.path().join("status")) else { continue };
        if found.is_some_and(|found| found < number) || !ids(&status).any(is_meant) {
            continue;
        }
        // One that has ended, or lives in a container, is in nobody's way.
        let at = fs::metadata(entry.path().join("root"));
        if at.is_ok_and(|at| (at.dev(), at.ino()) == (root.dev(), root.ino())) {
            found = Some(number);
            field(&status, "Name:").unwrap_or_default().clone_into(&mut name);
        }
    }
    found.map(|number| format!("{number} ({name})"))
}

/// The real, effective and saved user ids in `/proc/N/status`.
fn ids(status: &str) -> impl Iterator<Item = u32> {
    let ids = field(status, "Uid:").unwrap_or_default();
    ids.split_whitespace().take(3).filter_map(|id| id.parse().ok())
}

fn field<'s>(status: &'s str, name: &str) -> Option<&'s str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// The ids that a user may give to its containers (subuid(5)).
fn subordinates(file: &str, user: &str) -> impl Iterator<Item = std::ops::Range<u32>> {
    file.lines().filter_map(move |line| {
        let mut fields = line.split(':').map(str::trim);
        let (name, start, count) = (fields.next()?, fields.next()?, fields.next()?);
        let start: u32 = start.parse().ok().filter(|_| name == user)?;
        Some(start..start.saturating_add(count.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_by_each_of_its_users() {
        let proc = tempfile::tempdir().unwrap();
        let process_with = |number: &str, status: &str, root: &str| {
            let at = proc.path().join(number);
            fs::create_dir(&at).unwrap();
            fs::write(at.join("status"), status).unwrap();
            std::os::unix::fs::symlink(root, at.join("root")).unwrap();
        };
        process_with("30", "Name:\tsleep\nUmask:\t0022\nUid:\t7\t8\t9\t10\nGid:\t11\n", "/");
        process_with("4", "Name:\tother one\nUid:\t7\t7\t7\t7\n", "/");
        process_with("5", "Name:\tcontained\nUid:\t12\t12\t12\t12\n", "/proc");
        process_with("6", "Name:\tended\nUid:\t13\t13\t13\t13\n", "/nonexistent");
        process_with("self", "Name:\tself\nUid:\t14\n", "/");
        let found = |uid: u32| process(proc.path(), &|id| id == uid);
        assert_eq!(found(7).as_deref(), Some("4 (other one)"));
        for uid in [8, 9] {
            assert_eq!(found(uid).as_deref(), Some("30 (sleep)"));
        }
        for uid in [10, 11, 12, 13, 14] {
            assert_eq!(found(uid), None);
        }
    }

    #[test]
    fn ids_for_containers_are_the_users_as_well() {
        let file = "ann:100000:65536\nsvc:200000:10\nsvc:300000:1\nbad:x:1\nsvc:1\n";
        let ranges: Vec<_> = subordinates(file, "svc").collect();
        assert_eq!(ranges, [200_000..200_010, 300_000..300_001]);
    }
}
