//! Host keys: those that were accepted, those that an inventory pins, and what ssh says of one that does not match.

use std::path::PathBuf;

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
    fn only_a_key_and_never_a_second_line_gets_into_a_pin() {
        assert_eq!(pinned_line("ssh-ed25519 AAAA+/= me@here").as_deref(), Some("* ssh-ed25519 AAAA+/=\n"));
        assert_eq!(pinned_line("ssh-ed25519 AAAA\n* ssh-rsa BBBB").as_deref(), Some("* ssh-ed25519 AAAA\n"));
        assert_eq!(pinned_line("ssh-ed25519"), None);
        assert_eq!(pinned_line("ssh-ed25519 AA*A"), None);
        assert_eq!(pinned_line(""), None);
    }
}
