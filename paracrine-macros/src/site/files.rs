//! The files that the macro reads, and how their paths are named.

use std::path::{Component, Path, PathBuf};

use paracrine_model::source::{self, Files, Metadata};

/// The folder of the package and the one of the file that calls the macro, both absolute.
pub(super) struct Folders {
    package: PathBuf,
    caller: PathBuf,
}

impl Folders {
    /// `caller` is as rustc was told: relative to its working directory, which is the workspace's root.
    pub(super) fn new(package: PathBuf, caller: Option<&Path>) -> Self {
        let current = std::env::current_dir().unwrap_or_default();
        let package = normal(&current.join(package));
        let caller = match caller.and_then(Path::parent) {
            Some(folder) => normal(&current.join(folder)),
            None => package.clone(),
        };
        Self { package, caller }
    }

    pub(super) fn package(&self) -> &Path {
        &self.package
    }

    /// A path that the caller names, relative to the package where it lies in it, as people type it.
    pub(super) fn of_package(&self, path: &str) -> String {
        let absolute = normal(&self.caller.join(path));
        let (mut up, mut base) = (PathBuf::new(), self.package.as_path());
        loop {
            if let Ok(rest) = absolute.strip_prefix(base) {
                return slashed(&up.join(rest));
            }
            match base.parent() {
                // No common folder but the root: the absolute path says more.
                Some(parent) if parent.parent().is_some() => {
                    up.push("..");
                    base = parent;
                }
                _ => return slashed(&absolute),
            }
        }
    }
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// Without `.` and, where it is plain what they mean, without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(normal.components().next_back(), Some(Component::Normal(_))) => {
                normal.pop();
            }
            Component::ParentDir if matches!(normal.components().next_back(), Some(Component::RootDir)) => {}
            component => normal.push(component),
        }
    }
    normal
}

/// Files relative to the package.
pub(super) struct PackageFiles {
    package: PathBuf,
}

impl PackageFiles {
    pub(super) fn new(package: &Path) -> Self {
        Self { package: package.to_owned() }
    }

    fn path(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), std::env::home_dir()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.package.join(path),
        }
    }
}

impl Files for PackageFiles {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.path(path)).map_err(|error| source::why(&error))
    }

    fn metadata(&mut self, path: &str) -> Option<Metadata> {
        let path = self.path(path);
        let metadata = std::fs::metadata(&path).ok()?;
        #[cfg(unix)]
        let mode = Some(std::os::unix::fs::MetadataExt::mode(&metadata) & 0o7777);
        #[cfg(not(unix))]
        let mode = None;
        let readable = std::fs::File::open(&path).is_ok();
        Some(Metadata { is_file: metadata.is_file(), readable, mode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_caller_and_named_from_the_package() {
        for (package, caller, path, named) in [
            ("/w/site", "/w/site/build.rs", "config.yaml", "config.yaml"),
            ("/w/site", "/w/site/build.rs", "./inventory/../config.yaml", "config.yaml"),
            ("/w/site", "/w/site/roles/mod.rs", "config.yaml", "roles/config.yaml"),
            ("/w/site", "/w/site/roles/mod.rs", "../config.yaml", "config.yaml"),
            ("/w/site", "/w/site/build.rs", "../shared/config.yaml", "../shared/config.yaml"),
            ("/w/site", "/w/site/build.rs", "/etc/config.yaml", "/etc/config.yaml"),
        ] {
            let folders = Folders::new(package.into(), Some(Path::new(caller)));
            assert_eq!(folders.of_package(path), named, "{path} in {caller}");
        }
        let folders = Folders::new("/w/site".into(), None);
        assert_eq!(folders.of_package("config.yaml"), "config.yaml");
    }
}
