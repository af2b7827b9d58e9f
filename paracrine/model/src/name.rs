//! Names that are checked once, when they are made, and trusted from then on.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! names {
    ($($(#[$doc:meta])+ $type:ident, $what:literal, $check:expr;)+) => {
        $(
            $(#[$doc])+
            #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            pub struct $type(Cow<'static, str>);

            impl $type {
                /// Checks a name.
                ///
                /// # Errors
                /// What is wrong with it, as half a sentence about the name.
                pub fn parse(name: &str) -> Result<Self, String> {
                    let check: fn(&str) -> Result<(), String> = $check;
                    check(name)?;
                    Ok(Self(Cow::Owned(name.to_owned())))
                }

                /// What kind of name this is, for messages.
                pub const WHAT: &'static str = $what;

                /// The name.
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl fmt::Display for $type {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.0)
                }
            }
        )+
    };
}

names! {
    /// An absolute path without `.`, `..`, doubled or final slashes: one path, one spelling.
    AbsolutePath, "path", check_path;
    /// A Debian package (deb-policy 5.6.7), optionally with `:arch`.
    PackageName, "package", check_package;
    /// A Debian version (deb-policy 5.6.12).
    Version, "version", check_version;
    /// A user or group as Debian has them, and as directories of accounts name them: `Debian-exim`, `ann.lee`, `CORP\\ann`.
    AccountName, "account", check_account;
    /// A systemd unit with its type: `nginx.service`.
    UnitName, "unit", check_unit;
}

impl AccountName {
    /// `root`
    pub fn root() -> Self {
        Self(Cow::Borrowed("root"))
    }
}

impl AbsolutePath {
    /// A path that stands in this source, for a `static`.
    ///
    /// # Panics
    /// It does not begin with `/`, or ends with one: while compiling, where it is a `static`.
    pub const fn fixed(path: &'static str) -> Self {
        let bytes = path.as_bytes();
        assert!(bytes.len() > 1 && bytes[0] == b'/' && bytes[bytes.len() - 1] != b'/', "no absolute path");
        Self(Cow::Borrowed(path))
    }

    /// The directory it lies in; `None` for `/`.
    pub fn parent(&self) -> Option<Self> {
        self.above().next().map(|above| Self(Cow::Owned(above.to_owned())))
    }

    /// The directories above it, the nearest first.
    pub fn above(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(&*self.0), |path| up(path)).skip(1)
    }

    /// The last component; empty for `/`.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it lies below `directory`, by whatever spelling.
    pub fn is_below(&self, directory: &Self) -> bool {
        let path = one_spelling(&self.0);
        match &*one_spelling(&directory.0) {
            "/" => path != "/",
            above => path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/')),
        }
    }

    /// Whether it is `other` or lies below it, by whatever spelling.
    pub fn is_at_or_below(&self, other: &Self) -> bool {
        one_spelling(&self.0) == one_spelling(&other.0) || self.is_below(other)
    }

    /// The path in the one spelling that stands for all: see [`one_spelling`].
    pub fn in_one_spelling(&self) -> Cow<'_, Self> {
        match one_spelling(&self.0) {
            Cow::Borrowed(_) => Cow::Borrowed(self),
            Cow::Owned(path) => Cow::Owned(Self(Cow::Owned(path))),
        }
    }
}

/// Directories that are links on every Debian since 12, and what they lead to (usrmerge, base-files).
const LINKED: [(&str, &str); 8] = [
    ("/bin", "/usr/bin"),
    ("/sbin", "/usr/sbin"),
    ("/lib", "/usr/lib"),
    ("/lib32", "/usr/lib32"),
    ("/lib64", "/usr/lib64"),
    ("/libx32", "/usr/libx32"),
    ("/var/run", "/run"),
    ("/var/lock", "/run/lock"),
];

/// A path by the one of its spellings that stands for all: through none of the directories that are links on every Debian.
/// The link itself is a path of its own.
pub fn one_spelling(path: &str) -> Cow<'_, str> {
    for (link, target) in LINKED {
        if let Some(rest) = path.strip_prefix(link)
            && rest.starts_with('/')
        {
            return Cow::Owned(format!("{target}{rest}"));
        }
    }
    Cow::Borrowed(path)
}

/// The link that two spellings of one path differ by, and what it leads to.
#[cfg(feature = "declare")]
pub(crate) fn linked_by(one: &str, other: &str) -> Option<(&'static str, &'static str)> {
    let through = |path: &str, link: &str| path.strip_prefix(link).is_some_and(|rest| rest.starts_with('/'));
    LINKED.into_iter().find(|(link, _)| through(one, link) != through(other, link))
}

/// The directory that an absolute path lies in.
fn up(path: &str) -> Option<&str> {
    match path.rfind('/') {
        Some(0) if path.len() > 1 => Some("/"),
        Some(0) | None => None,
        Some(cut) => path.get(..cut),
    }
}

fn check_path(path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Err("is empty".into());
    }
    if !path.starts_with('/') {
        return Err("is relative: a path on a host starts with `/`".into());
    }
    if path.contains('\0') || path.contains('\n') {
        return Err("holds a zero byte or a line break".into());
    }
    if path == "/" {
        return Ok(());
    }
    for component in path[1..].split('/') {
        match component {
            "" => return Err("has a doubled or final `/`".into()),
            "." | ".." => return Err(format!("has a `{component}` in it: write it out")),
            long if long.len() > 255 => return Err("has a component of over 255 bytes".into()),
            _ => {}
        }
    }
    if path.len() > 4095 { Err("is longer than 4095 bytes".into()) } else { Ok(()) }
}

fn check_package(name: &str) -> Result<(), String> {
    let (bare, arch) = name.split_once(':').map_or((name, None), |(bare, arch)| (bare, Some(arch)));
    if let Some(arch) = arch
        && (arch.is_empty()
            || !arch.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
    {
        return Err("has a malformed architecture after the `:`".into());
    }
    if let Some((package, version)) = bare.split_once('=') {
        return Err(format!("holds a version: write `package(\"{package}\").at_least(\"{version}\")`"));
    }
    if bare.len() < 2 {
        return Err("is too short: a package's name has at least two characters".into());
    }
    match bare.bytes().next() {
        Some(b) if b.is_ascii_lowercase() || b.is_ascii_digit() => {}
        _ => return Err("does not start with a lower case letter or digit".into()),
    }
    let bad = bare.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(*c)));
    bad.map_or(Ok(()), |c| {
        Err(format!("holds `{}`: only `a-z`, `0-9`, `+`, `-` and `.` may stand there", c.escape_debug()))
    })
}

fn check_version(version: &str) -> Result<(), String> {
    let rest = match version.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|b| b.is_ascii_digit()) => rest,
        Some(_) => return Err("has an epoch that is not a number".into()),
        None => version,
    };
    if !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("does not start with a digit".into());
    }
    let bad = rest.chars().find(|c| !(c.is_ascii_alphanumeric() || ".+-~".contains(*c)));
    bad.map_or(Ok(()), |c| Err(format!("holds `{}`", c.escape_debug())))
}

/// What Debian's `useradd` takes is nearly everything. Numbers alone are ids to all programs that take both.
fn check_account(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("is empty".into());
    }
    if name.len() > 32 && !name.contains(['\\', '@']) || name.len() > 256 {
        return Err("is longer than 32 characters".into());
    }
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("is a number: write the name that has it".into());
    }
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        return Err("does not start with a letter, a digit or `_`".into());
    }
    // `web1$` is a machine in a domain.
    let body = name.strip_suffix('$').unwrap_or(name);
    let bad = body.chars().find(|c| !(c.is_ascii_alphanumeric() || "_-.@\\+".contains(*c)));
    bad.map_or(Ok(()), |c| {
        Err(format!(
            "holds `{}`: letters, digits, `_`, `-`, `.`, `@` and `\\` may stand there",
            c.escape_debug()
        ))
    })
}

/// The types of units that systemd knows (systemd.unit(5)).
pub const UNIT_TYPES: [&str; 11] = [
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "slice",
    "scope",
];

fn check_unit(name: &str) -> Result<(), String> {
    let Some((stem, kind)) = name.rsplit_once('.') else {
        return Err("has no type: write it with its ending, like `.service`".into());
    };
    if !UNIT_TYPES.contains(&kind) {
        return Err(format!("ends in `.{kind}`, which is no type of unit"));
    }
    if stem.is_empty() || name.len() > 255 {
        return Err("is empty or longer than 255 characters".into());
    }
    let bad = stem.chars().find(|c| !(c.is_ascii_alphanumeric() || ":-_.\\@".contains(*c)));
    bad.map_or(Ok(()), |c| Err(format!("holds `{}`", c.escape_debug())))
}

/// File mode bits, `0o0000` to `0o7777`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mode(u16);

impl Mode {
    /// Checks a mode.
    ///
    /// # Errors
    /// Out of range, or a decimal number that was meant to be octal.
    pub fn parse(mode: u32) -> Result<Self, String> {
        let bits = match u16::try_from(mode) {
            Ok(bits) if bits <= 0o7777 => bits,
            _ => return Err("is out of range: `0o0000` to `0o7777`".into()),
        };
        if is_usual(bits) {
            return Ok(Self(bits));
        }
        // 644 is 0o1204 and 0x644 is 0o3104: nobody means that.
        for (digits, what) in [(mode.to_string(), "decimal"), (format!("{mode:x}"), "hexadecimal")] {
            let meant = u16::from_str_radix(&digits, 8).ok().filter(|_| digits.len() >= 3);
            if meant.is_some_and(|meant| meant <= 0o7777 && is_usual(meant)) {
                return Err(format!("is {what}: write `0o{digits}`"));
            }
        }
        Ok(Self(bits))
    }

    /// The bits.
    pub fn bits(self) -> u32 {
        self.0.into()
    }

    /// 0644: what files get where nothing is said.
    pub const FILE: Self = Self(0o644);
    /// 0600: what files get that hold a secret.
    pub const PRIVATE: Self = Self(0o600);
    /// 0755: what directories get where nothing is said.
    pub const DIRECTORY: Self = Self(0o755);
}

/// Whether somebody may mean a mode: nobody may do what the owner may not, others not what the group may not, and special bits
/// stand where they do something.
fn is_usual(bits: u16) -> bool {
    let (owner, group, others) = (bits >> 6 & 7, bits >> 3 & 7, bits & 7);
    let runs = |special: u16, who: u16| bits & special == 0 || who & 1 != 0;
    group & !owner == 0
        && others & !group == 0
        && runs(0o4000, owner)
        && runs(0o2000, group)
        && runs(0o1000, owner)
}

/// `0644`
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_wrong_with_them() {
        let path = |s: &str| AbsolutePath::parse(s).map(|p| p.to_string());
        assert_eq!(path("etc/motd"), Err("is relative: a path on a host starts with `/`".into()));
        assert_eq!(path("/etc//motd"), Err("has a doubled or final `/`".into()));
        assert_eq!(path("/etc/../motd"), Err("has a `..` in it: write it out".into()));
        assert_eq!(path("/etc/motd"), Ok("/etc/motd".into()));
        let package = |s: &str| PackageName::parse(s).map(|p| p.to_string());
        assert_eq!(package("g++-12:amd64"), Ok("g++-12:amd64".into()));
        assert_eq!(
            package("nginx=1.2"),
            Err("holds a version: write `package(\"nginx\").at_least(\"1.2\")`".into())
        );
        assert_eq!(
            UnitName::parse("app").unwrap_err(),
            "has no type: write it with its ending, like `.service`"
        );
        assert_eq!(UnitName::parse("app.servce").unwrap_err(), "ends in `.servce`, which is no type of unit");
        assert_eq!(Version::parse("v1").unwrap_err(), "does not start with a digit");
    }

    #[test]
    fn accounts_are_named_as_debian_and_directories_name_them() {
        let account = |s: &str| AccountName::parse(s).map(|name| name.to_string());
        for good in [
            "Debian-exim",
            "ann.lee",
            "CORP\\ann",
            "ann@corp.example.org",
            "_apt",
            "web1$",
            "systemd-network",
            "4you",
            "App",
        ] {
            assert_eq!(account(good), Ok(good.to_owned()));
        }
        for (bad, why) in [
            ("", "is empty"),
            ("-app", "does not start with a letter, a digit or `_`"),
            ("1000", "is a number: write the name that has it"),
            ("an account of over thirty-two char", "is longer than 32 characters"),
            ("a:b", "holds `:`: letters, digits, `_`, `-`, `.`, `@` and `\\` may stand there"),
            ("$x$", "does not start with a letter, a digit or `_`"),
            ("a$x", "holds `$`: letters, digits, `_`, `-`, `.`, `@` and `\\` may stand there"),
        ] {
            assert_eq!(account(bad), Err(why.to_owned()), "{bad}");
        }
    }

    #[test]
    fn decimal_modes_are_caught() {
        assert_eq!(Mode::parse(644).unwrap_err(), "is decimal: write `0o644`");
        assert_eq!(Mode::parse(755).unwrap_err(), "is decimal: write `0o755`");
        for decimal in [777, 750, 640, 600, 440, 444, 770, 775, 664, 700, 2775, 1777] {
            assert_eq!(Mode::parse(decimal).unwrap_err(), format!("is decimal: write `0o{decimal}`"));
        }
        for hexadecimal in [0x750, 0x644, 0x755, 0x600, 0x640, 0x777, 0x700, 0x440, 0x400] {
            let meant = format!("is hexadecimal: write `0o{hexadecimal:x}`");
            assert_eq!(Mode::parse(hexadecimal).unwrap_err(), meant);
        }
        assert_eq!(Mode::parse(0o10000).unwrap_err(), "is out of range: `0o0000` to `0o7777`");
        let usual = [
            0o644, 0o755, 0o600, 0o4755, 0o1777, 0o440, 0o400, 0, 0o620, 0o1730, 0o1733, 0o2775, 0o2750,
            0o711,
        ];
        let odd = [0o604, 0o070, 0o007, 0o707, 0o077, 0o3777, 0o7777, 0o200, 0o311];
        for plain in usual.into_iter().chain(odd) {
            assert_eq!(Mode::parse(plain).unwrap().bits(), plain);
        }
    }

    #[test]
    fn paths_know_their_parents() {
        let path = |s: &str| AbsolutePath::parse(s).unwrap();
        assert_eq!(path("/a/b").parent(), Some(path("/a")));
        assert_eq!(path("/a").parent(), Some(path("/")));
        assert_eq!(path("/").parent(), None);
        assert_eq!(path("/a/b/c").above().collect::<Vec<_>>(), ["/a/b", "/a", "/"]);
        assert_eq!((path("/a").above().count(), path("/").above().count()), (1, 0));
        assert!(path("/a/b").is_below(&path("/a")) && !path("/ab").is_below(&path("/a")));
        assert!(
            path("/lib/systemd/x").is_below(&path("/usr/lib/systemd"))
                && !path("/lib").is_below(&path("/usr"))
        );
        assert!(
            path("/var/run/app").is_at_or_below(&path("/run/app")) && path("/run/x").is_below(&path("/"))
        );
    }
}
