//! Public keys of SSH as people write them: the name of a type, and in base64 that name again with the key's numbers.

/// A type of key.
#[derive(Debug, PartialEq, Eq)]
pub struct KeyType {
    /// As it stands before keys.
    pub name: &'static str,
    /// How many strings follow the name within a key; `None` for certificates, of which only the name is looked at.
    strings: Option<usize>,
    /// The length of the first of them, where it is fixed.
    first: Option<usize>,
}

const fn key(name: &'static str, strings: usize, first: Option<usize>) -> KeyType {
    KeyType { name, strings: Some(strings), first }
}

const fn certificate(name: &'static str) -> KeyType {
    KeyType { name, strings: None, first: None }
}

/// The types that OpenSSH knows.
pub static TYPES: [KeyType; 16] = [
    key("ssh-ed25519", 1, Some(32)),
    key("ssh-rsa", 2, None),
    key("ecdsa-sha2-nistp256", 2, Some(8)),
    key("ecdsa-sha2-nistp384", 2, Some(8)),
    key("ecdsa-sha2-nistp521", 2, Some(8)),
    key("sk-ssh-ed25519@openssh.com", 2, Some(32)),
    key("sk-ecdsa-sha2-nistp256@openssh.com", 3, Some(8)),
    key("ssh-dss", 4, None),
    certificate("ssh-ed25519-cert-v01@openssh.com"),
    certificate("ssh-rsa-cert-v01@openssh.com"),
    certificate("ecdsa-sha2-nistp256-cert-v01@openssh.com"),
    certificate("ecdsa-sha2-nistp384-cert-v01@openssh.com"),
    certificate("ecdsa-sha2-nistp521-cert-v01@openssh.com"),
    certificate("sk-ssh-ed25519-cert-v01@openssh.com"),
    certificate("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"),
    certificate("ssh-dss-cert-v01@openssh.com"),
];

/// Why something is no key of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is not base64, or base64 that lacks its end.
    NotBase64,
    /// It ends within a string.
    CutOff,
    /// It says that it is of this type.
    OfType(&'static str),
    /// It does not say that it is of any type.
    OfNoType,
    /// It has more or other strings than keys of its type.
    NotWhole,
}

impl KeyType {
    /// The type of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TYPES.iter().find(|known| known.name == name)
    }

    /// The type that a key in base64 says of itself.
    pub fn within(key: &str) -> Option<&'static Self> {
        let bytes = base64(key)?;
        Self::named(std::str::from_utf8(string(&bytes)?.0).ok()?)
    }

    /// The strings of a key of this type in base64, without its name; of certificates none.
    ///
    /// # Errors
    /// What keeps it from being one.
    pub fn read(&self, key: &str) -> Result<Vec<Vec<u8>>, Flaw> {
        let bytes = base64(key).ok_or(Flaw::NotBase64)?;
        let (name, mut rest) = string(&bytes).ok_or(Flaw::CutOff)?;
        if name != self.name.as_bytes() {
            let other = std::str::from_utf8(name).ok().and_then(Self::named);
            return Err(other.map_or(Flaw::OfNoType, |other| Flaw::OfType(other.name)));
        }
        let mut strings: Vec<Vec<u8>> = Vec::new();
        let Some(count) = self.strings else { return Ok(strings) };
        for _ in 0..count {
            let (string, after) = string(rest).ok_or(Flaw::CutOff)?;
            strings.push(string.to_owned());
            rest = after;
        }
        let first = strings.first().map(Vec::len);
        if rest.is_empty() && self.first.is_none_or(|length| first == Some(length)) {
            Ok(strings)
        } else {
            Err(Flaw::NotWhole)
        }
    }
}

/// The string at the start of a key's bytes, and what follows: its length stands before it.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// The bytes of base64 with its padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let digits = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let mut bytes = Vec::with_capacity(digits.len());
    let (mut buffer, mut bits) = (0u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        buffer = buffer << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIMvVa2Xmllx63g7LNNtddSmoYqSmWI22gBaEsbnJv4ND";
    const ECDSA: &str = "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPaV2KQP4eAvb+r1HjGJmz0KZ5P9YjcmQIub8GomH/Bvk0tN8/cYzhnJax2/OJ/fbOheEtTN2htF8stXINlalNY=";

    fn flaw(name: &str, key: &str) -> Option<Flaw> {
        KeyType::named(name).unwrap().read(key).err()
    }

    #[test]
    fn whole_keys_have_the_strings_of_their_type() {
        let lengths = |name: &str, key: &str| -> Vec<usize> {
            KeyType::named(name).unwrap().read(key).unwrap().iter().map(Vec::len).collect()
        };
        assert_eq!(lengths("ssh-ed25519", ED25519), [32]);
        assert_eq!(lengths("ecdsa-sha2-nistp256", ECDSA), [8, 65]);
        assert_eq!(KeyType::within(ECDSA).map(|of| of.name), Some("ecdsa-sha2-nistp256"));
        assert_eq!(KeyType::within("AAAA"), None);
    }

    #[test]
    fn every_flaw_is_told() {
        assert_eq!(flaw("ssh-ed25519", "AAA"), Some(Flaw::NotBase64));
        assert_eq!(flaw("ssh-ed25519", "AA*="), Some(Flaw::NotBase64));
        assert_eq!(flaw("ssh-ed25519", &ED25519[..60]), Some(Flaw::CutOff));
        assert_eq!(flaw("ssh-rsa", ED25519), Some(Flaw::OfType("ssh-ed25519")));
        assert_eq!(flaw("ssh-rsa", "AAAAAWFh"), Some(Flaw::OfNoType));
        assert_eq!(flaw("ssh-ed25519", &format!("{ED25519}AAAA")), Some(Flaw::NotWhole));
    }
}
