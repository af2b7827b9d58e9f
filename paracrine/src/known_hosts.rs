//! Host keys: those that were accepted, those that an inventory pins, and what ssh says of one that does not match.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What a key takes in a `known_hosts` file, and more.
const ROOM: [u8; 4096] = [0; 4096];

/// Which host keys are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Only this one.
    Pinned {
        /// A `known_hosts` file with nothing else in it.
        file: PathBuf,
    },
    /// One that is seen for the first time; from then on that one.
    FirstSeen {
        /// Where it is remembered.
        file: PathBuf,
    },
}

/// A `known_hosts` file that takes one key, from whatever host: any host, type, key. `None` for text that is no key.
pub(crate) fn pinned_line(host_key: &str) -> Option<String> {
    let mut words = host_key.split_whitespace();
    let (kind, key) = (words.next()?, words.next()?);
    let plain = |word: &str, more: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.as_bytes().contains(&byte))
    };
    (plain(kind, "-@.") && plain(key, "+/=")).then(|| format!("* {kind} {key}\n"))
}

/// Sees that keys can be remembered in a file: that it can be read and written, or made, and that there is room for one.
///
/// ssh does not insist on it: where the file cannot be written it takes whatever key a host shows, each time anew, and says
/// nothing of it that would end the run; and it passes over files that it cannot read.
///
/// # Errors
/// Why not.
pub(crate) fn usable(file: &Path) -> io::Result<()> {
    match File::options().read(true).append(true).open(file) {
        Ok(found) if !found.metadata()?.is_file() => Err(io::Error::other("it is no regular file")),
        Ok(_) => match room(directory(file)) {
            Err(error) if is_full(&error) => Err(error),
            // To write the file is enough: nothing is to be made beside it.
            _ => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Through a link ssh makes the file where that leads.
            let place = fs::read_link(file).map_or(file.to_owned(), |target| directory(file).join(target));
            match directory(&place) {
                place if place.is_dir() => room(place),
                _ => Err(io::Error::other("there is no such directory")),
            }
        }
        Err(error) => Err(error),
    }
}

fn directory(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Sees that a file that people may have can be read where it is there.
///
/// # Errors
/// Why not.
pub(crate) fn readable(file: &Path) -> io::Result<()> {
    match File::open(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes something into a directory that is gone again at once.
fn room(directory: &Path) -> io::Result<()> {
    let mut file = tempfile::tempfile_in(directory)?;
    file.write_all(&ROOM)?;
    file.flush()
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// `Warning: Permanently added '[127.0.0.1]:2222' (ED25519) to the list of known hosts.`: the host, and the kind of its key.
pub(crate) fn first_seen(note: &str) -> Option<(&str, &str)> {
    let rest = note.trim().strip_prefix("Warning: Permanently added '")?;
    let (host, rest) = rest.split_once("' (")?;
    let (kind, _) = rest.split_once(')')?;
    Some((host, kind))
}

/// Whether the keys that ssh says it has taken for the first time are in the file: it does not look whether what it writes
/// gets there.
pub(crate) fn are_recorded(notes: &[String], file: &Path) -> bool {
    if notes.iter().any(|note| note.trim().starts_with("Failed to add the host to the list of known hosts")) {
        return false;
    }
    let mut taken = notes.iter().filter_map(|note| first_seen(note)).map(|(host, _)| host).peekable();
    if taken.peek().is_none() {
        return true;
    }
    let known = fs::read(file).unwrap_or_default();
    let known = String::from_utf8_lossy(&known);
    // A line without its end has not been written as a whole.
    let whole = known.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let names: Vec<&str> =
        whole.filter(|line| line.split(' ').count() >= 3).filter_map(|line| line.split(' ').next()).collect();
    taken.all(|host| names.contains(&host))
}

/// The line of a `known_hosts` file that ssh names as being in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offending {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
}

/// Finds `Offending ED25519 key in FILE:LINE` in what ssh says; the last one, which is of the key that was offered.
pub(crate) fn offending(said: &str) -> Option<Offending> {
    said.lines()
        .filter(|line| line.trim_start().starts_with("Offending "))
        .filter_map(|line| line.split_once(" in ")?.1.trim_end().rsplit_once(':'))
        .filter_map(|(file, line)| Some(Offending { file: file.into(), line: line.parse().ok()? }))
        .next_back()
}

/// The fingerprint of the key that was offered, where ssh says it.
pub(crate) fn fingerprint(said: &str) -> Option<&str> {
    said.split_whitespace()
        .map(|word| word.trim_end_matches('.'))
        .find(|word| word.starts_with("SHA256:") && word.len() > "SHA256:".len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::reason;

    const CHANGED: &str = "\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r
The fingerprint for the ED25519 key sent by the remote host is\n\
SHA256:Mx+3dPUqLJVZgNwcLkW6UD1nDEHTuXmQL5CXcyWWUHc.\r
Please contact your system administrator.\r
Add correct host key in /site/a dir: x/known_hosts to get rid of this message.\r
Offending ED25519 key in /site/a dir: x/known_hosts:12\r
Host key verification failed.\r\n";

    #[test]
    fn the_offending_line_is_found_in_paths_of_any_kind() {
        let found = offending(CHANGED).unwrap();
        assert_eq!(found, Offending { file: "/site/a dir: x/known_hosts".into(), line: 12 });
        assert_eq!(offending("Host key verification failed."), None);
        assert_eq!(offending("Offending key in nowhere"), None);
        assert_eq!(fingerprint(CHANGED), Some("SHA256:Mx+3dPUqLJVZgNwcLkW6UD1nDEHTuXmQL5CXcyWWUHc"));
    }

    #[test]
    fn a_file_that_keys_cannot_be_remembered_in_is_told() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("there"), "").unwrap();
        fs::create_dir(at("directory")).unwrap();
        symlink(at("elsewhere"), at("link")).unwrap();
        symlink("nowhere/known_hosts", at("lost")).unwrap();
        symlink("/dev/full", at("full")).unwrap();
        symlink("/dev/null", at("null")).unwrap();
        symlink("round", at("round")).unwrap();
        let told = |name: &str| usable(&at(name)).map_err(|error| reason(&error));
        for good in ["there", "not there", "link"] {
            assert_eq!(told(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("directory", "is a directory"),
            ("nowhere/known_hosts", "there is no such directory"),
            ("lost", "there is no such directory"),
            ("full", "it is no regular file"),
            ("null", "it is no regular file"),
            ("there/known_hosts", "not a directory"),
            ("round", "too many levels of symbolic links"),
        ] {
            assert_eq!(told(bad), Err(why.into()), "{bad}");
        }
        let mut left: Vec<_> =
            fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["directory", "full", "link", "lost", "null", "round", "there"]);
    }

    #[test]
    fn a_key_that_was_taken_has_to_be_in_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let notes = |notes: &[&str]| notes.iter().map(ToString::to_string).collect::<Vec<_>>();
        let recorded = |notes: &[String], known: &str| {
            fs::write(file.path(), known).unwrap();
            are_recorded(notes, file.path())
        };
        let taken =
            notes(&["Warning: Permanently added '[h]:22' (ED25519) to the list of known hosts.", "Welcome"]);
        assert!(recorded(&taken, "other ssh-rsa A\n[h]:22 ssh-ed25519 AAAA\n"));
        assert!(!recorded(&taken, "other ssh-rsa A\n"));
        assert!(!recorded(&taken, "[h]:22 ssh-ed25519 AA"));
        assert!(!recorded(&taken, ""));
        assert!(!are_recorded(&taken, Path::new("/dev/null")));
        assert!(!are_recorded(&taken, Path::new("/nowhere/known_hosts")));
        assert!(recorded(&notes(&["Welcome"]), ""));
        assert!(!recorded(
            &notes(&["Failed to add the host to the list of known hosts (/k).\r"]),
            "h ssh-rsa A\n"
        ));
    }

    #[test]
    fn only_a_key_and_never_a_second_line_gets_into_a_pin() {
        assert_eq!(pinned_line("ssh-ed25519 AAAA+/= me@here").as_deref(), Some("* ssh-ed25519 AAAA+/=\n"));
        assert_eq!(pinned_line("ssh-ed25519 AAAA\n* ssh-rsa BBBB").as_deref(), Some("* ssh-ed25519 AAAA\n"));
        assert_eq!(pinned_line("ssh-ed25519"), None);
        assert_eq!(pinned_line("ssh-ed25519 AA*A"), None);
        assert_eq!(pinned_line(""), None);
    }
}
