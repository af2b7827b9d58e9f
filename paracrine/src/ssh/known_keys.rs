//! Which kinds of keys a host may be asked for, because they are known.

use std::fs;

use paracrine_model::host::Address;

use super::error::ConnectionError;
use crate::known_hosts::Offending;

/// ssh's own list, whose order is by what is known, with certificates of authorities that are known first; it takes the place
/// of a list in the user's config. (What is added is in it already.)
const BY_SSH: &str = "+ssh-ed25519";

/// `HostKeyAlgorithms` that may have the host show another key than the one that led to this error; the best first.
pub(super) fn worth_a_try(error: &ConnectionError, address: &Address) -> Vec<String> {
    let pinned = address.host_key.as_deref().and_then(|key| key.split_whitespace().next()).and_then(first);
    match error {
        ConnectionError::HostKeyChanged { known, pinned: Some(_), said, .. } => {
            let same = known.is_some() && is_of_the_kind_known(said);
            pinned.filter(|_| !same).into_iter().collect()
        }
        ConnectionError::HostKeyChanged { known: Some(known), said, .. } => {
            let line = known_line(known);
            let of_line =
                line.as_ref().filter(|_| !is_of_the_kind_known(said)).and_then(|(kind, _)| first(kind));
            let authority = line.is_some_and(|(_, authority)| authority).then(|| BY_SSH.to_owned());
            of_line.into_iter().chain(authority).collect()
        }
        ConnectionError::Ssh { said, .. } if said.contains("no matching host key type found") => {
            vec![pinned.unwrap_or_else(|| BY_SSH.to_owned())]
        }
        _ => Vec::new(),
    }
}

/// Whether the host has shown a key of the kind that is known: then it is another one.
fn is_of_the_kind_known(said: &str) -> bool {
    let shown = said
        .lines()
        .find_map(|line| line.strip_prefix("The fingerprint for the ")?.split_once(" key sent by"))
        .map(|(kind, _)| kind);
    let known = said.lines().filter_map(|line| line.strip_prefix("Offending ")?.split_once(" key in "));
    known.into_iter().any(|(kind, _)| Some(kind) == shown) && !said.contains("-CERT key sent by")
}

/// The kind of key in a line of `known_hosts`, and whether the file names an authority.
fn known_line(known: &Offending) -> Option<(String, bool)> {
    let text = fs::read_to_string(&known.file).ok()?;
    let line = text.lines().nth(usize::try_from(known.line).ok()?.checked_sub(1)?)?;
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with('@'));
    let kind = words.nth(1)?.to_owned();
    Some((kind, text.lines().any(|line| line.trim_start().starts_with("@cert-authority"))))
}

/// A kind of key before all others. Of RSA keys ssh asks by the algorithms of signatures.
fn first(kind: &str) -> Option<String> {
    let plain =
        !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-@.".contains(&byte));
    let algorithms = match kind {
        "ssh-rsa" => "rsa-sha2-512,rsa-sha2-256",
        kind => kind,
    };
    plain.then(|| format!("^{algorithms}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::address;

    const PIN: &str = "ecdsa-sha2-nistp256 AAAA";

    fn worth(said: &str, pin: Option<&str>) -> Vec<String> {
        let address = Address { host_key: pin.map(Into::into), ..address("web1") };
        let error = ConnectionError::from_ssh(said.into(), "web1".into(), None, &address);
        worth_a_try(&error, &address)
    }

    #[test]
    fn another_key_is_asked_for_only_where_one_of_another_kind_is_known() {
        let known = tempfile::NamedTempFile::new().unwrap();
        let changed = |shown: &str, offending: &str, lines: &str| {
            fs::write(known.path(), lines).unwrap();
            let said = format!(
                "The fingerprint for the {shown} key sent by the remote host is\nSHA256:abc.\n\
                 Offending {offending} key in {}:2\nHost key verification failed.",
                known.path().display()
            );
            worth(&said, None)
        };
        assert_eq!(changed("ECDSA", "ED25519", "#\nweb1 ssh-ed25519 A\n"), ["^ssh-ed25519"]);
        assert_eq!(changed("ED25519", "RSA", "#\n|1|x|y ssh-rsa A\n"), ["^rsa-sha2-512,rsa-sha2-256"]);
        assert_eq!(changed("ED25519-CERT", "ED25519", "#\nweb1 ssh-ed25519 A\n"), ["^ssh-ed25519"]);
        assert_eq!(changed("ED25519", "ED25519", "#\nweb1 ssh-ed25519 A\n"), [""; 0]);
        assert_eq!(
            changed("ED25519", "ED25519", "@cert-authority * ssh-rsa A\nweb1 ssh-ed25519 A\n"),
            [BY_SSH]
        );
        assert_eq!(changed("ECDSA", "ED25519", "#\n"), [""; 0]);
        assert_eq!(changed("ECDSA", "ED25519", "#\nweb1 a,b A\n"), [""; 0]);
    }

    #[test]
    fn a_pin_tells_what_to_ask_for() {
        let none = "No ED25519 host key is known for web1 and you have requested strict checking.\nHost key verification failed.";
        assert_eq!(worth(none, Some(PIN)), ["^ecdsa-sha2-nistp256"]);
        assert_eq!(worth(none, None), [""; 0]);
        let negotiate = "Unable to negotiate with 127.0.0.1 port 22: no matching host key type found. Their offer: ssh-ed25519";
        assert_eq!(worth(negotiate, Some(PIN)), ["^ecdsa-sha2-nistp256"]);
        assert_eq!(worth(negotiate, None), [BY_SSH]);
        assert_eq!(worth("Unable to negotiate with x: no matching cipher found.", Some(PIN)), [""; 0]);
        assert_eq!(worth("root@web1: Permission denied (publickey).", Some(PIN)), [""; 0]);
    }
}
