//! Where kept connections live: a directory that only its owner can enter, with a control socket per connection.
//!
//! Every ssh listens on a socket of a name that no other run uses (`KEY.PID.N`), so that two runs at the same time
//! never fight for one. Once it listens, the link `KEY` is made to lead to it, by one rename; the next run follows the
//! link. A link that leads nowhere, or to a socket that nobody listens on, is no harm: the next run connects
//! afresh and replaces it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use paracrine_model::hash::Hash;

use crate::account;
use crate::reason::reason;

/// The longest path of a socket that all systems take.
const LONGEST_SOCKET: usize = 103;
/// What comes after the directory: `/KEY.PID.N`, and the 17 bytes that ssh adds while it binds.
const LONGEST_NAME: usize = 1 + 16 + 1 + 10 + 1 + 5 + 17;
/// Leftovers of runs that were killed are removed when they are older.
const STALE: Duration = Duration::from_secs(10 * 60);
/// Files that ssh reads (pinned host keys, configs) are removed when they are older; the next run writes them again.
const OLD_FILE: Duration = Duration::from_secs(30 * 24 * 3600);
/// How their names begin.
const FILE: &str = "file-";

/// The name of a connection: a hash of all that decides where it leads and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(String);

impl Key {
    /// The key of these parts, in this order.
    pub(crate) fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = String::new();
        for part in parts {
            // The length before each part: no two lists of parts look alike.
            all.push_str(&part.len().to_string());
            all.push(':');
            all.push_str(part);
        }
        Self(Hash::of(all.as_bytes()).short())
    }
}

/// The private directory.
#[derive(Clone, Debug)]
pub(crate) struct SocketDirectory(PathBuf);

impl SocketDirectory {
    /// Opens the directory, which is made if need be: the one that is `wanted`, or the first of
    /// `$XDG_RUNTIME_DIR/paracrine`, `/tmp/paracrine-ssh-UID` and `.cache/paracrine/ssh` in the account's home that can be
    /// used; and tells why it is not the one that it should be.
    ///
    /// # Errors
    /// A directory of that name that is not ours, is a link, or cannot be made.
    pub(crate) fn open(wanted: Option<&Path>) -> io::Result<(Self, Option<String>)> {
        let uid = account::uid();
        match wanted {
            Some(wanted) => Ok((Self::at(wanted.to_owned(), uid)?, None)),
            None => {
                let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|value| !value.is_empty());
                let places = Places {
                    runtime: runtime.map(PathBuf::from),
                    temporary: format!("/tmp/paracrine-ssh-{uid}").into(),
                    home: account::home(),
                };
                Self::first(places, uid)
            }
        }
    }

    fn first(places: Places, uid: u32) -> io::Result<(Self, Option<String>)> {
        let Places { runtime, temporary, home } = places;
        let mut words = Vec::new();
        if let Some(runtime) = runtime {
            match Self::below_runtime(&runtime, uid) {
                Ok(directory) => return Ok((directory, None)),
                Err(error) => {
                    words.push(format!("XDG_RUNTIME_DIR is {}: {}", runtime.display(), reason(&error)))
                }
            }
        }
        let mut places = vec![temporary];
        places.extend(home.map(|home| home.join(".cache/paracrine/ssh")));
        for place in places {
            let parents = place.parent().map_or(Ok(()), fs::create_dir_all);
            match parents.and_then(|()| Self::at(place.clone(), uid)) {
                Ok(directory) => {
                    let told = (!words.is_empty()).then(|| {
                        format!("connections are kept in {}: {}", place.display(), words.join("; "))
                    });
                    return Ok((directory, told));
                }
                Err(error) => words.push(reason(&error)),
            }
        }
        Err(io::Error::other(words.join("; ")))
    }

    fn below_runtime(runtime: &Path, uid: u32) -> io::Result<Self> {
        if !runtime.is_absolute() {
            return Err(io::Error::other("it is not absolute"));
        }
        let found = fs::metadata(runtime)?;
        if !found.is_dir() || found.uid() != uid {
            return Err(io::Error::other("it is no directory of yours"));
        }
        let directory = runtime.join("paracrine");
        if !fits(&directory) {
            return Err(io::Error::other("it is too long for a socket"));
        }
        Self::at(directory, uid)
    }

    fn at(path: PathBuf, uid: u32) -> io::Result<Self> {
        match own(&path, uid) {
            Ok(()) => Ok(Self(path)),
            Err(error) => {
                let why = format!("{}, where connections are kept, cannot be used: {error}", path.display());
                Err(io::Error::new(error.kind(), why))
            }
        }
    }

    /// Whether this is such a [file](Self::file), by its name.
    pub(crate) fn is_file_of_ours(path: &Path) -> bool {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(FILE))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where the kept connection of that name is, if there is one.
    pub(crate) fn kept(&self, key: &Key) -> Option<PathBuf> {
        let name = fs::read_link(self.0.join(&key.0)).ok()?;
        // Our links name a file in this directory.
        (name.parent() == Some(Path::new(""))).then(|| self.0.join(name))
    }

    /// A file with that content; it is named by it, and made if need be.
    pub(crate) fn file(&self, content: &str) -> io::Result<PathBuf> {
        let path = self.0.join(format!("{FILE}{}", Hash::of(content.as_bytes()).short()));
        // Read, not trusted by its name: an earlier run may have been stopped while it wrote.
        if fs::read(&path).is_ok_and(|found| found == content.as_bytes()) {
            return Ok(path);
        }
        let new = tempfile::NamedTempFile::new_in(&self.0)?;
        fs::write(new.path(), content)?;
        new.persist(&path).map_err(|error| error.error)?;
        Ok(path)
    }

    /// A name for a new connection's socket that no other run uses.
    pub(crate) fn fresh(&self, key: &Key) -> PathBuf {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed) % 100_000;
        self.0.join(format!("{}.{}.{count}", key.0, std::process::id()))
    }

    /// Lets later runs find the connection at `socket`.
    pub(crate) fn publish(&self, key: &Key, socket: &Path) -> io::Result<()> {
        let name = socket.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut link = socket.as_os_str().to_owned();
        link.push(".link");
        symlink(name, &link)?;
        fs::rename(&link, self.0.join(&key.0))
    }

    /// Removes the link to a connection that turned out to be dead, unless it leads elsewhere by now.
    pub(crate) fn forget(&self, key: &Key, socket: &Path) {
        if self.kept(key).as_deref() == Some(socket) {
            let _ = fs::remove_file(self.0.join(&key.0));
        }
    }

    /// Removes what killed runs have left behind; once per process, as connections are made and not when they are kept.
    pub(crate) fn sweep(&self) {
        static SWEPT: AtomicBool = AtomicBool::new(false);
        if SWEPT.swap(true, Ordering::Relaxed) {
            return;
        }
        let Ok(entries) = fs::read_dir(&self.0) else {
            return;
        };
        let now = SystemTime::now();
        for entry in entries.flatten() {
            let Ok(found) = entry.metadata() else { continue };
            let age =
                found.modified().ok().and_then(|then| now.duration_since(then).ok()).unwrap_or_default();
            let path = entry.path();
            let dead = if found.file_type().is_socket() {
                age > STALE && UnixStream::connect(&path).is_err()
            } else if found.file_type().is_symlink() {
                age > STALE && fs::metadata(&path).is_err()
            } else if entry.file_name().to_string_lossy().starts_with(FILE) {
                age > OLD_FILE
            } else {
                age > STALE
            };
            if dead {
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn fits(directory: &Path) -> bool {
    directory.as_os_str().len() + LONGEST_NAME <= LONGEST_SOCKET
}

/// Sees that this is a private directory that can be written to; it is made if need be.
fn own(path: &Path, uid: u32) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(path)?;
    let refused = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if !found.is_dir() {
        return refused("is not a directory");
    }
    if found.uid() != uid {
        return refused("belongs to somebody else");
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    // Its disk may be full, or read-only by now.
    tempfile::tempfile_in(path).map(drop)
}

/// Where the directory may be.
struct Places {
    runtime: Option<PathBuf>,
    temporary: PathBuf,
    home: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    fn directory() -> (tempfile::TempDir, SocketDirectory) {
        let parent = tempfile::tempdir().unwrap();
        let directory = SocketDirectory::at(parent.path().join("sockets"), account::uid()).unwrap();
        (parent, directory)
    }

    #[test]
    fn the_directory_is_private_and_stays_so() {
        let (_parent, directory) = directory();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(directory.path()), 0o700);
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        SocketDirectory::at(directory.path().to_owned(), account::uid()).unwrap();
        assert_eq!(mode(directory.path()), 0o700);
    }

    #[test]
    fn a_link_a_file_and_a_strangers_directory_are_refused() {
        let parent = tempfile::tempdir().unwrap();
        let uid = account::uid();
        let real = parent.path().join("real");
        fs::create_dir(&real).unwrap();
        let link = parent.path().join("link");
        symlink(&real, &link).unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        for (path, uid, why) in
            [(link, uid, "not a directory"), (file, uid, "not a directory"), (real, uid + 1, "somebody else")]
        {
            let error = SocketDirectory::at(path, uid).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn where_the_best_place_cannot_be_used_another_is_and_that_is_told() {
        let parent = tempfile::tempdir().unwrap();
        let uid = account::uid();
        let at = |name: &str| parent.path().join(name);
        fs::create_dir(at("runtime")).unwrap();
        fs::write(at("file"), "").unwrap();
        let first = |runtime: Option<&str>, temporary: &str| {
            let places =
                Places { runtime: runtime.map(at), temporary: at(temporary), home: Some(at("home")) };
            let shown = |text: String| text.replace(&parent.path().display().to_string(), "DIR");
            match SocketDirectory::first(places, uid) {
                Ok((directory, told)) => (shown(directory.path().display().to_string()), told.map(shown)),
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(first(Some("runtime"), "tmp"), ("DIR/runtime/paracrine".into(), None));
        assert_eq!(first(None, "tmp"), ("DIR/tmp".into(), None));
        let word = "connections are kept in DIR/tmp: XDG_RUNTIME_DIR is DIR/gone: no such file or directory";
        assert_eq!(first(Some("gone"), "tmp"), ("DIR/tmp".into(), Some(word.into())));
        fs::remove_dir(at("runtime/paracrine")).unwrap();
        symlink(at("tmp"), at("runtime/paracrine")).unwrap();
        let word = "connections are kept in DIR/home/.cache/paracrine/ssh: XDG_RUNTIME_DIR is DIR/runtime: \
                    DIR/runtime/paracrine, where connections are kept, cannot be used: is not a directory; \
                    DIR/file, where connections are kept, cannot be used: is not a directory";
        assert_eq!(
            first(Some("runtime"), "file"),
            ("DIR/home/.cache/paracrine/ssh".into(), Some(word.into()))
        );
    }

    #[test]
    fn the_last_published_connection_is_found_and_a_dead_one_forgotten() {
        let (_parent, directory) = directory();
        let key = Key::of(["host", "22"]);
        assert_eq!(directory.kept(&key), None);
        let (first, second) = (directory.fresh(&key), directory.fresh(&key));
        assert_ne!(first, second);
        directory.publish(&key, &first).unwrap();
        directory.publish(&key, &second).unwrap();
        assert_eq!(directory.kept(&key), Some(second.clone()));
        // A run that finds the first one dead must not take the second one away.
        directory.forget(&key, &first);
        assert_eq!(directory.kept(&key), Some(second.clone()));
        directory.forget(&key, &second);
        assert_eq!(directory.kept(&key), None);
    }

    #[test]
    fn a_file_is_written_once_and_mended() {
        let (_parent, directory) = directory();
        let path = directory.file("content").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "content");
        fs::write(&path, "con").unwrap();
        assert_eq!(directory.file("content").unwrap(), path);
        assert_eq!(fs::read_to_string(&path).unwrap(), "content");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn different_parts_have_different_keys() {
        assert_ne!(Key::of(["ab", "c"]), Key::of(["a", "bc"]));
        assert_ne!(Key::of(["a", ""]), Key::of(["", "a"]));
    }

    #[test]
    fn only_old_and_dead_things_are_swept() {
        let (_parent, directory) = directory();
        let old = SystemTime::now() - STALE * 2;
        let age = |path: &Path| fs::File::open(path).unwrap().set_modified(old).unwrap();
        let path = |name: &str| directory.path().join(name);
        let _live = UnixListener::bind(path("live")).unwrap();
        for name in ["young", "old", "file-young"] {
            fs::write(path(name), "").unwrap();
        }
        age(&path("old"));
        age(&path("file-young"));
        directory.sweep();
        let left = |name| fs::symlink_metadata(path(name)).is_ok();
        assert!(left("live") && left("young") && left("file-young"));
        assert!(!left("old"));
    }
}
