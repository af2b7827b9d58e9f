//! A place where a program can look at new content before it is in its own: outside of what the plan decides about, under the
//! content's own name, as programs tell formats by names, and for the same readers.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use super::paths::Visitors;

/// What the directories' names begin with; the process and something random follow.
const PREFIX: &str = "paracrine-validation-";

/// A directory with one file in it, gone with this.
pub(crate) struct Private {
    directory: PathBuf,
    file: PathBuf,
}

impl Private {
    /// Makes a directory for a file of that name.
    pub(crate) fn new(name: &str, visitors: Visitors) -> io::Result<Self> {
        let mut wrong = io::Error::from(io::ErrorKind::NotFound);
        for place in places() {
            match Self::below(&place, name, visitors) {
                Ok(made) => return Ok(made),
                // The next may not be read-only, or full.
                Err(error) => wrong = error,
            }
        }
        Err(wrong)
    }

    fn below(place: &Path, name: &str, visitors: Visitors) -> io::Result<Self> {
        sweep(place);
        // The standard library seeds this from the system's randomness.
        let random = RandomState::new().hash_one(name);
        let directory = place.join(format!("{PREFIX}{}-{random:016x}", std::process::id()));
        // Fails if anything is there, be it a link.
        DirBuilder::new().mode(0o700).create(&directory)?;
        let made = Self { file: directory.join(name), directory };
        let mode = match visitors {
            Visitors::All => 0o711,
            Visitors::Group(group) if chown(&made.directory, None, Some(group)).is_ok() => 0o710,
            // An agent that is not root can let in only groups of its own.
            Visitors::Group(_) | Visitors::Owner => 0o700,
        };
        fs::set_permissions(&made.directory, fs::Permissions::from_mode(mode))?;
        Ok(made)
    }

    /// The file, to be written; nobody else can read it yet.
    pub(crate) fn file(&self) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.file)
    }

    /// A link in place of the file, to one that is written already.
    pub(crate) fn link(&self, to: &Path) -> io::Result<()> {
        symlink(to, &self.file)
    }

    /// Where programs find the file.
    pub(crate) fn path(&self) -> &Path {
        &self.file
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        empty(&self.directory);
    }
}

/// Memory before disks: contents may be secret. Other users' agents have a directory of their own for such things.
fn places() -> Vec<PathBuf> {
    let own = match rustix::process::geteuid().is_root() {
        true => Some(PathBuf::from("/run")),
        false => std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute()),
    };
    own.into_iter().chain(["/dev/shm", "/tmp"].map(PathBuf::from)).collect()
}

/// Removes what killed agents have left.
fn sweep(place: &Path) {
    let ours = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split_once('-'));
        let Some((process, _)) = process.filter(|(process, _)| process.bytes().all(|b| b.is_ascii_digit()))
        else {
            continue;
        };
        let left = entry.metadata().is_ok_and(|seen| seen.is_dir() && seen.uid() == ours);
        if left && !Path::new("/proc").join(process).exists() {
            empty(&entry.path());
        }
    }
}

/// Removes a directory of ours; whatever cannot be removed is in nobody's way.
fn empty(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let _ = fs::remove_file(entry.path());
    }
    let _ = fs::remove_dir(directory);
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_looked_at_has_its_own_name_and_is_gone_afterwards() {
        for (visitors, mode) in [(Visitors::All, 0o711), (Visitors::Owner, 0o700)] {
            let private = Private::new("app.conf", visitors).unwrap();
            private.file().unwrap().write_all(b"new").unwrap();
            assert_eq!(private.path().file_name().unwrap(), "app.conf");
            assert_eq!(private.path().metadata().unwrap().mode() & 0o7777, 0o600);
            let directory = private.directory.clone();
            assert_eq!(directory.metadata().unwrap().mode() & 0o7777, mode);
            drop(private);
            assert!(!directory.exists());
        }
    }

    #[test]
    fn what_killed_agents_have_left_is_removed_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        // No process has this number: it is larger than any can be.
        let left = place.path().join(format!("{PREFIX}4294967295-0123456789abcdef"));
        let at_work = place.path().join(format!("{PREFIX}{}-0123456789abcdef", std::process::id()));
        let other = place.path().join(format!("{PREFIX}notes-1"));
        for directory in [&left, &at_work, &other] {
            fs::create_dir(directory).unwrap();
            fs::write(directory.join("app.conf"), "x").unwrap();
        }
        sweep(place.path());
        assert_eq!([&left, &at_work, &other].map(|path| path.exists()), [false, true, true]);
    }
}
