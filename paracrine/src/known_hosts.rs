//! Host keys: those that were accepted, those that an inventory pins, and what ssh says of one that does not match.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use paracrine_model::hash::Hash;

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

/// Writes a `known_hosts` file that takes one key from whatever host, and returns where; `None` for text that is no key.
pub(crate) fn pin(directory: &Path, host_key: &str) -> io::Result<Option<PathBuf>> {
    let Some(line) = pinned_line(host_key) else {
        return Ok(None);
    };
    let path = directory.join(format!("pin-{}", Hash::of(line.as_bytes()).short()));
    // Read, not trusted by its name: an earlier run may have been stopped while it wrote.
    if fs::read(&path).is_ok_and(|found| found == line.as_bytes()) {
        return Ok(Some(path));
    }
    let new = tempfile::NamedTempFile::new_in(directory)?;
    fs::write(new.path(), &line)?;
    new.persist(&path).map_err(|error| error.error)?;
    Ok(Some(path))
}

/// The line of a `known_hosts` file: any host, type, key.
fn pinned_line(host_key: &str) -> Option<String> {
    let mut words = host_key.split_whitespace();
    let (kind, key) = (words.next()?, words.next()?);
    let plain = |word: &str, more: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || more.as_bytes().contains(&byte))
    };
    (plain(kind, "-@.") && plain(key, "+/=")).then(|| format!("* {kind} {key}\n"))
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
        .filter_map(|(file, line)| {
            Some(Offending {
                file: file.into(),
                line: line.parse().ok()?,
            })
        })
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
        assert_eq!(
            found,
            Offending {
                file: "/site/a dir: x/known_hosts".into(),
                line: 12
            }
        );
        assert_eq!(offending("Host key verification failed."), None);
        assert_eq!(offending("Offending key in nowhere"), None);
        assert_eq!(
            fingerprint(CHANGED),
            Some("SHA256:Mx+3dPUqLJVZgNwcLkW6UD1nDEHTuXmQL5CXcyWWUHc")
        );
    }

    #[test]
    fn only_a_key_and_never_a_second_line_gets_into_a_pin() {
        assert_eq!(
            pinned_line("ssh-ed25519 AAAA+/= me@here").as_deref(),
            Some("* ssh-ed25519 AAAA+/=\n")
        );
        assert_eq!(
            pinned_line("ssh-ed25519 AAAA\n* ssh-rsa BBBB").as_deref(),
            Some("* ssh-ed25519 AAAA\n")
        );
        assert_eq!(pinned_line("ssh-ed25519"), None);
        assert_eq!(pinned_line("ssh-ed25519 AA*A"), None);
        assert_eq!(pinned_line(""), None);
    }

    #[test]
    fn a_pin_is_written_once_and_mended() {
        let directory = tempfile::tempdir().unwrap();
        let path = pin(directory.path(), "ssh-ed25519 AAAA").unwrap().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "* ssh-ed25519 AAAA\n");
        fs::write(&path, "* ssh-").unwrap();
        assert_eq!(
            pin(directory.path(), "ssh-ed25519 AAAA comment")
                .unwrap()
                .unwrap(),
            path
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "* ssh-ed25519 AAAA\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
