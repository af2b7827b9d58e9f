//! A host on the way to another.

/// `[user@]host[:port]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Jump {
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl Jump {
    /// Reads one as `-J` takes it; an IPv6 address stands in brackets if a port follows.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(user.to_owned()).filter(|user| !user.is_empty()), rest),
            None => (None, text),
        };
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':')?)),
            None => match rest.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (rest, None),
            },
        };
        let port = port.map(str::parse).transpose().ok()?;
        (!host.is_empty() && !host.contains(char::is_whitespace)).then(|| Self {
            user,
            host: host.to_owned(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jump(user: Option<&str>, host: &str, port: Option<u16>) -> Option<Jump> {
        Some(Jump { user: user.map(str::to_owned), host: host.into(), port })
    }

    #[test]
    fn jumps_are_read_like_ssh_reads_them() {
        assert_eq!(Jump::parse("bastion"), jump(None, "bastion", None));
        assert_eq!(Jump::parse("me@bastion:2222"), jump(Some("me"), "bastion", Some(2222)));
        assert_eq!(Jump::parse("me@corp@bastion"), jump(Some("me@corp"), "bastion", None));
        assert_eq!(Jump::parse("[fe80::1]:22"), jump(None, "fe80::1", Some(22)));
        assert_eq!(Jump::parse("fe80::1"), jump(None, "fe80::1", None));
        for wrong in ["", "me@", "host:port", "host:99999", "[::1]x", "a b"] {
            assert_eq!(Jump::parse(wrong), None, "{wrong}");
        }
    }
}
