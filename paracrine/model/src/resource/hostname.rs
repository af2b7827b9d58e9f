//! The host's name.

use serde::{Deserialize, Serialize};

use crate::facet::{Acts, Claim, Describe, Facets, Reach, Undo};
use crate::take_apart;
#[cfg(feature = "declare")]
use crate::{declare::Declared, diagnostic::Code, resource::Plan};

/// The file that names the host when it starts.
pub const STATIC: &str = "/etc/hostname";

/// The file in which the name has an address.
pub const HOSTS: &str = "/etc/hosts";

/// What the host is called: from its start on (`/etc/hostname`), now, and to itself (the line of `127.0.1.1` in
/// `/etc/hosts`, whose other lines are left as they are).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hostname {
    hostname: String,
}

impl Hostname {
    /// Checks a name.
    ///
    /// # Errors
    /// What is wrong with it, as half a sentence about the name.
    pub fn parse(name: &str) -> Result<Self, String> {
        check(name)?;
        Ok(Self { hostname: name.to_owned() })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.hostname
    }

    /// The names that its own address has: itself and, where it has a domain, what comes before that.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let short = self.hostname.split_once('.').map(|(short, _)| short);
        std::iter::once(self.as_str()).chain(short)
    }
}

/// RFC 1123, 2.1, within the 64 bytes that Linux has room for.
fn check(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("is empty".into());
    }
    if name.len() > 64 {
        return Err("is longer than 64 characters".into());
    }
    let bad = name.chars().find(|c| !(c.is_ascii_alphanumeric() || "-.".contains(*c)));
    if let Some(c) = bad {
        return Err(format!(
            "holds `{}`: only letters, digits, `-` and, before a domain, `.` may stand there",
            c.escape_debug()
        ));
    }
    for label in name.split('.') {
        if label.is_empty() {
            return Err("has nothing before, between or after its dots".into());
        }
        if label.len() > 63 {
            return Err("has a part of over 63 characters".into());
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(format!("has a part that begins or ends with `-`: `{label}`"));
        }
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) && name.contains('.') {
        return Err("looks like an address".into());
    }
    Ok(())
}

impl Describe for Hostname {
    const KIND: &'static str = "hostname";

    fn name(&self) -> &str {
        &self.hostname
    }

    fn facets(&self) -> Facets<'_> {
        take_apart!(let Hostname { hostname } = self; late);
        Facets {
            late,
            // Of `/etc/hosts` it is one line, but nobody else can own the whole.
            claims: vec![Claim::Path(STATIC), Claim::Path(HOSTS)],
            needs: vec![],
            provides: vec![],
            acts: Acts::WhenDifferent,
            removes: false,
            reach: Reach::Itself,
            undo: Undo::Not("what runs may go by the new name already; declare the old one"),
            attributes: vec![("name", hostname.into())],
        }
    }
}

#[cfg(feature = "declare")]
impl Plan {
    /// Declares what the host is called, with its domain or without: `web1`, `web1.example.org`.
    #[track_caller]
    pub fn hostname(&self, name: impl AsRef<str>) -> Declared<'_, Hostname> {
        match self.parse(Code::BAD_NAME, "hostname", name.as_ref(), Hostname::parse) {
            Some(hostname) => self.declare(hostname),
            None => self.nothing(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_rfc_1123_that_linux_has_room_for() {
        let long = format!("{}.{}", "a".repeat(32), "b".repeat(31));
        for good in
            ["a", "web1", "Web-1", "1", "3com.example", "web1.dev.example.org", &"a".repeat(63), &long]
        {
            assert_eq!(Hostname::parse(good).map(|name| name.hostname), Ok(good.to_owned()));
        }
        for (bad, why) in [
            ("", "is empty"),
            ("web_1", "holds `_`: only letters, digits, `-` and, before a domain, `.` may stand there"),
            ("web1\n", "holds `\\n`: only letters, digits, `-` and, before a domain, `.` may stand there"),
            ("-web", "has a part that begins or ends with `-`: `-web`"),
            ("web-.example", "has a part that begins or ends with `-`: `web-`"),
            ("web1.", "has nothing before, between or after its dots"),
            (".web1", "has nothing before, between or after its dots"),
            ("10.0.0.1", "looks like an address"),
            (&"a".repeat(64), "has a part of over 63 characters"),
            (&format!("{long}c"), "is longer than 64 characters"),
        ] {
            assert_eq!(Hostname::parse(bad), Err(why.to_owned()), "{bad:?}");
        }
    }

    #[test]
    fn a_name_with_a_domain_is_known_without_it_too() {
        let names = |name: &str| Hostname::parse(name).unwrap().names().collect::<Vec<_>>().join(" ");
        assert_eq!(names("web1"), "web1");
        assert_eq!(names("web1.dev.example.org"), "web1.dev.example.org web1");
    }
}
