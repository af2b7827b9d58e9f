//! dpkg's status file (deb-policy 5.3, dpkg's `lib/dpkg/parse.c`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

/// How far a package has come (dpkg(1), "package states").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Nothing of it is there.
    #[default]
    NotInstalled,
    /// Removed, its configuration was left.
    ConfigFiles,
    /// Its installation broke off.
    HalfInstalled,
    /// Unpacked, but not configured.
    Unpacked,
    /// Its configuration broke off.
    HalfConfigured,
    /// Installed (with triggers pending or not: dpkg does those by the end of its next run).
    Installed,
}

impl Status {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "not-installed" => Self::NotInstalled,
            "config-files" => Self::ConfigFiles,
            "half-installed" => Self::HalfInstalled,
            "unpacked" => Self::Unpacked,
            "half-configured" => Self::HalfConfigured,
            "installed" | "triggers-awaited" | "triggers-pending" => Self::Installed,
            _ => return None,
        })
    }

    /// Whether an installation or removal broke off, which `dpkg --configure -a` goes on with.
    pub fn is_broken(self) -> bool {
        matches!(self, Self::HalfInstalled | Self::Unpacked | Self::HalfConfigured)
    }
}

/// dpkg's word for it.
impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotInstalled => "not installed",
            Self::ConfigFiles => "removed",
            Self::HalfInstalled => "half-installed",
            Self::Unpacked => "unpacked",
            Self::HalfConfigured => "half-configured",
            Self::Installed => "installed",
        })
    }
}

/// A package as dpkg knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// How far it has come.
    pub status: Status,
    /// The version that is installed, or was last.
    pub version: Option<String>,
    /// Whether it was put on hold.
    pub held: bool,
    /// Installed packages that provide this name, with the version they provide it in. Only for names of which no
    /// package is installed.
    pub providers: Vec<Provider>,
}

/// An installed package that provides a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The package.
    pub package: String,
    /// `Provides: name (= 1.2)`
    pub version: Option<String>,
}

/// What was found in a status file.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By name, with `:arch` where the packages' names had it.
    pub(super) packages: BTreeMap<String, Package>,
    /// The machine's architecture: that of dpkg itself.
    pub(super) native: Option<String>,
}

#[derive(Default)]
struct Stanza {
    package: String,
    status: String,
    version: String,
    architecture: String,
    provides: String,
}

/// Reads the stanzas of the wanted names, line by line: on hosts with thousands of packages the file is large.
pub(super) fn read(mut file: impl BufRead, wanted: &BTreeSet<String>) -> io::Result<Found> {
    let mut stanzas = Vec::new();
    let mut native = None;
    let bare: BTreeSet<&str> = wanted.iter().map(|name| bare(name)).collect();
    let (mut stanza, mut line) = (Stanza::default(), Vec::with_capacity(1024));
    loop {
        line.clear();
        let read = file.read_until(b'\n', &mut line)?;
        if let [b'\n'] | b"\r\n" | [] = line.as_slice() {
            let done = std::mem::take(&mut stanza);
            if done.package == "dpkg" {
                native = Some(done.architecture.clone());
            }
            if bare.contains(done.package.as_str()) || provides(&done, |name| bare.contains(name)) {
                stanzas.push(done);
            }
            if read == 0 {
                break;
            }
            continue;
        }
        // Each of the five begins with one of four letters; most of the file is none of them.
        let field = match line[0] {
            b'P' if line.starts_with(b"Package:") => &mut stanza.package,
            b'S' if line.starts_with(b"Status:") => &mut stanza.status,
            b'V' if line.starts_with(b"Version:") => &mut stanza.version,
            b'A' if line.starts_with(b"Architecture:") => &mut stanza.architecture,
            b'P' if line.starts_with(b"Provides:") => &mut stanza.provides,
            _ => continue,
        };
        if let Some(colon) = line.iter().position(|byte| *byte == b':') {
            *field = String::from_utf8_lossy(&line[colon + 1..]).trim().to_owned();
        }
    }
    let packages =
        wanted.iter().map(|name| (name.clone(), package(name, &stanzas, native.as_deref()))).collect();
    Ok(Found { packages, native })
}

fn bare(name: &str) -> &str {
    name.split_once(':').map_or(name, |(bare, _)| bare)
}

fn provides(stanza: &Stanza, wanted: impl Fn(&str) -> bool) -> bool {
    !stanza.provides.is_empty() && provided(&stanza.provides).any(|(name, _)| wanted(name))
}

/// `mail-transport-agent, awk (= 1.2), libc6:any`
fn provided(field: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    field.split(',').map(|item| {
        let (name, version) = item.split_once('(').unwrap_or((item, ""));
        let version = version.trim().strip_prefix('=').map(|version| version.trim_end_matches(')').trim());
        (bare(name.trim()), version)
    })
}

/// The package that `name` means, of all that were found.
fn package(name: &str, stanzas: &[Stanza], native: Option<&str>) -> Package {
    let architecture = name.split_once(':').map(|(_, architecture)| architecture);
    let meant = |stanza: &&Stanza| {
        let wanted = architecture.or(native);
        stanza.architecture == "all"
            || wanted.is_none_or(|wanted| stanza.architecture.is_empty() || stanza.architecture == wanted)
    };
    let found = stanzas
        .iter()
        .filter(|stanza| stanza.package == bare(name))
        .find(meant)
        .map(parse)
        .unwrap_or_default();
    if !matches!(found.status, Status::NotInstalled | Status::ConfigFiles) {
        return found;
    }
    let providers =
        stanzas.iter().filter(|stanza| stanza.package != bare(name)).filter(meant).flat_map(|stanza| {
            let installed = parse(stanza).status == Status::Installed;
            provided(&stanza.provides).filter(move |(provided, _)| installed && *provided == bare(name)).map(
                |(_, version)| Provider {
                    package: stanza.package.clone(),
                    version: version.map(str::to_owned),
                },
            )
        });
    Package { providers: providers.collect(), ..found }
}

fn parse(stanza: &Stanza) -> Package {
    // `hold ok installed`: what is wanted, whether it is damaged, how far it is.
    let mut words = stanza.status.split_whitespace();
    let held = words.next() == Some("hold");
    let damaged = words.next().is_some_and(|flag| flag != "ok");
    let status = words.next().and_then(Status::parse);
    let status = match status.unwrap_or_default() {
        Status::Installed if damaged => Status::HalfInstalled,
        status => status,
    };
    Package {
        status,
        version: Some(stanza.version.clone()).filter(|version| !version.is_empty()),
        held,
        providers: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Package: dpkg
Essential: yes
Status: install ok installed
Architecture: amd64
Version: 1.21.22
Description: Debian package management system
 Package: this is not a field
 .
 more

Package: nginx
Status: hold ok installed
Architecture: amd64
Version: 1.22.1-9

Package: libc6
Status: install ok installed
Architecture: i386
Multi-Arch: same
Version: 2.35-1

Package: libc6
Status: install ok half-configured
Architecture: amd64
Version: 2.36-9

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0

Package: purged
Status: purge ok not-installed
Architecture: amd64

Package: damaged
Status: install reinstreq installed
Architecture: amd64
Version: 3

Package: exim4
Status: install ok installed
Architecture: all
Provides: mail-transport-agent, smtp (= 4.96), other:any
Version: 4.96

Package: exim4-old
Status: deinstall ok config-files
Architecture: all
Provides: mail-transport-agent
Version: 4.90

Package: waiting
Status: install ok triggers-awaited
Architecture: all
Version: 1

Package: cut
Status: install ok inst";

    fn look(name: &str) -> Package {
        let wanted = BTreeSet::from([name.to_owned()]);
        read(STATUS.as_bytes(), &wanted).unwrap().packages.remove(name).unwrap()
    }

    #[test]
    fn states_are_read() {
        for (name, status, version, held) in [
            ("nginx", Status::Installed, Some("1.22.1-9"), true),
            ("libc6", Status::HalfConfigured, Some("2.36-9"), false),
            ("libc6:i386", Status::Installed, Some("2.35-1"), false),
            ("libc6:arm64", Status::NotInstalled, None, false),
            ("gone", Status::ConfigFiles, Some("1.0"), false),
            ("purged", Status::NotInstalled, None, false),
            ("damaged", Status::HalfInstalled, Some("3"), false),
            ("waiting", Status::Installed, Some("1"), false),
            ("cut", Status::NotInstalled, None, false),
            ("unknown", Status::NotInstalled, None, false),
            ("this", Status::NotInstalled, None, false),
        ] {
            let version = version.map(str::to_owned);
            assert_eq!(look(name), Package { status, version, held, providers: vec![] }, "{name}");
        }
    }

    #[test]
    fn installed_packages_provide_names() {
        let exim = |version: Option<&str>| {
            vec![Provider { package: "exim4".into(), version: version.map(str::to_owned) }]
        };
        assert_eq!(look("mail-transport-agent").providers, exim(None));
        assert_eq!(look("smtp").providers, exim(Some("4.96")));
        assert_eq!(look("other").providers, exim(None));
        assert_eq!(look("nothing").providers, []);
    }

    #[test]
    fn garbage_is_no_package() {
        let wanted = BTreeSet::from(["x".to_owned()]);
        for garbage in
            ["", "\n\n\n", "Package: x", "Status: install ok installed\n", "Package:\nx\n", ": :\n\u{0}\n"]
        {
            let found = read(garbage.as_bytes(), &wanted).unwrap();
            assert_eq!(found.packages["x"], Package::default(), "{garbage:?}");
        }
        let bytes: &[u8] = b"Package: x\nStatus: \xff\xfe ok installed\r\nVersion: 1\r\n\r\n";
        assert_eq!(read(bytes, &wanted).unwrap().packages["x"].status, Status::Installed);
    }

    #[test]
    fn this_machine_can_be_read() {
        let Ok(file) = std::fs::File::open("/var/lib/dpkg/status") else {
            return;
        };
        let wanted = BTreeSet::from(["dpkg".to_owned()]);
        let found = read(io::BufReader::new(file), &wanted).unwrap();
        assert_eq!(found.packages["dpkg"].status, Status::Installed);
        assert!(found.native.is_some());
    }
}
