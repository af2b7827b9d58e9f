//! Unit files and pieces of them: sections and keys as the host's systemd knows them, and what it refuses to load.

mod directive;

use std::collections::BTreeSet;

use paracrine_model::deployment::Os;
use paracrine_model::diagnostic::{Code, nearest};

use super::entry::{Format, Sort};
use super::finding::{Finding, LATE, Look};
use super::{calendar, time_span};
use directive::{Sections, Systemd, Words, known, words};

pub(super) const FORMAT: Format = Format { reads, about: |_| Vec::new(), look };

/// Where units of the system and of users are.
const DIRECTORIES: [&str; 3] =
    ["/etc/systemd/system/", "/etc/systemd/user/", "/usr/local/lib/systemd/system/"];

fn reads(path: &str) -> Option<Sort> {
    let unit = DIRECTORIES.iter().find_map(|directory| path.strip_prefix(directory))?;
    let (name, is_piece) = match unit.split_once('/') {
        None => (unit, false),
        Some((directory, piece)) if piece.ends_with(".conf") => (directory.strip_suffix(".d")?, true),
        Some(_) => return None,
    };
    let (_, ending) = name.rsplit_once('.')?;
    let (_, whole, piece) = TYPES.iter().find(|(_, whole, _)| *whole == ending)?;
    Some(if is_piece { piece } else { whole })
}

/// A type of unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnitType {
    Service,
    Socket,
    Mount,
    Automount,
    Swap,
    Timer,
    Path,
    Slice,
    Scope,
    Target,
}

/// All types, with the sorts of whole units and of pieces that are added to one.
const TYPES: [(UnitType, Sort, Sort); 10] = [
    (UnitType::Service, "service", "service.d"),
    (UnitType::Socket, "socket", "socket.d"),
    (UnitType::Mount, "mount", "mount.d"),
    (UnitType::Automount, "automount", "automount.d"),
    (UnitType::Swap, "swap", "swap.d"),
    (UnitType::Timer, "timer", "timer.d"),
    (UnitType::Path, "path", "path.d"),
    (UnitType::Slice, "slice", "slice.d"),
    (UnitType::Scope, "scope", "scope.d"),
    (UnitType::Target, "target", "target.d"),
];

impl UnitType {
    /// Its own section.
    fn section(self) -> Option<&'static str> {
        Some(match self {
            Self::Service => "Service",
            Self::Socket => "Socket",
            Self::Mount => "Mount",
            Self::Automount => "Automount",
            Self::Swap => "Swap",
            Self::Timer => "Timer",
            Self::Path => "Path",
            Self::Slice => "Slice",
            Self::Scope => "Scope",
            Self::Target => return None,
        })
    }
}

/// A key with its value, as systemd reads it.
struct Entry<'t> {
    line: u32,
    section: &'t str,
    key: &'t str,
    value: String,
}

/// What a unit is read as, and by which systemd.
struct Reading {
    of: UnitType,
    os: Os,
    systemd: Systemd,
    known: &'static Sections,
}

/// What is wrong with a unit, or with a piece that is added to one.
fn look(text: &str, sort: Sort, os: Os) -> Look {
    let mut look = Look::default();
    let found = TYPES.iter().find(|(_, whole, piece)| sort == *whole || sort == *piece);
    let Some((of, whole, _)) = found.copied() else { return look };
    let systemd = Systemd::of(os);
    let reading = Reading { of, os, systemd, known: known(systemd) };
    let entries = reading.entries(text, &mut look.findings);
    for entry in &entries {
        reading.value(entry, &mut look);
    }
    if sort == whole && look.findings.is_empty() {
        complete(of, &entries, &mut look.findings);
    }
    look
}

impl Reading {
    fn entries<'t>(&self, text: &'t str, findings: &mut Vec<Finding>) -> Vec<Entry<'t>> {
        let mut entries = Vec::new();
        // The section at hand, and whether its keys are known.
        let mut section: Option<(&str, bool)> = None;
        let mut lines = (1u32..).zip(text.lines()).peekable();
        while let Some((number, line)) = lines.next() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[') {
                match name.strip_suffix(']') {
                    Some(name) => section = Some((name, self.is_section(name, number, findings))),
                    None => findings.push(wrong(
                        number,
                        line,
                        format!("`{line}` is no section: its `]` is missing"),
                    )),
                }
                continue;
            }
            let Some((key, first)) = line.split_once('=') else {
                findings.push(
                    wrong(number, line, format!("`{}` is no assignment", line.replace(LATE, "‹secret›")))
                        .help("write `Key=value`; systemd ignores the line"),
                );
                continue;
            };
            let key = key.trim_end();
            let mut value = first.trim_start().to_owned();
            while value.ends_with('\\') {
                value.pop();
                value.push(' ');
                // Comments may stand inside a continued line.
                while lines.next_if(|(_, next)| next.trim_start().starts_with(['#', ';'])).is_some() {}
                let Some((_, next)) = lines.next() else { break };
                value.push_str(next.trim());
            }
            match section {
                None => findings.push(
                    wrong(number, key, format!("`{key}` stands before any section"))
                        .help("begin with `[Unit]`"),
                ),
                Some((section, true)) => {
                    if self.is_key(section, key, number, findings) {
                        entries.push(Entry { line: number, section, key, value });
                    }
                }
                Some((_, false)) => {}
            }
        }
        entries
    }

    fn is_section(&self, name: &str, line: u32, findings: &mut Vec<Finding>) -> bool {
        let sections: Vec<&str> = ["Unit", "Install"].into_iter().chain(self.of.section()).collect();
        if sections.contains(&name) {
            return true;
        }
        if !name.starts_with("X-") {
            let message = match self.known.contains_key(name) {
                true => format!("this type of unit has no section `[{name}]`"),
                false => format!("there is no section `[{name}]`"),
            };
            let finding = wrong(line, name, message).nearest(name, sections.iter().copied());
            findings.push(match finding.help.is_empty() {
                true => finding.help(format!("it has `[{}]`", sections.join("]`, `["))),
                false => finding,
            });
        }
        false
    }

    fn is_key(&self, section: &str, key: &str, line: u32, findings: &mut Vec<Finding>) -> bool {
        let Some(keys) = self.known.get(section) else { return false };
        if keys.contains_key(key) {
            return true;
        }
        if key.starts_with("X-") {
            return false;
        }
        let elsewhere: Vec<&str> = self
            .known
            .iter()
            .filter(|(_, keys)| keys.contains_key(key))
            .map(|(section, _)| *section)
            .collect();
        if self.systemd == Systemd::V252
            && known(Systemd::V257).get(section).is_some_and(|keys| keys.contains_key(key))
        {
            findings.push(
                self.later(wrong(line, key, format!("{} does not know `{key}`", self.systemd))).warning(),
            );
            return false;
        }
        let finding = wrong(line, key, format!("section `[{section}]` has no key `{key}`"));
        let unit_or_install = elsewhere.iter().find(|section| ["Unit", "Install"].contains(section));
        findings.push(if let Some(section) = unit_or_install.or(elsewhere.first()) {
            finding.help(format!("it belongs into `[{section}]`"))
        } else if let Some(near) = nearest(key, keys.keys().copied()) {
            finding.help(format!("did you mean `{near}`?"))
        } else {
            // It may be one of a later systemd.
            finding.warning().help(format!("{} ignores it", self.systemd))
        });
        false
    }

    fn value(&self, entry: &Entry<'_>, look: &mut Look) {
        let Entry { line, section, key, value } = entry;
        let known = !value.is_empty() && !value.contains([LATE, '%']);
        let boolean = self.known.get(section).and_then(|keys| keys.get(key)).copied().unwrap_or_default();
        if known && let Some(words) = words(section, key, boolean) {
            look.findings.extend(self.word(entry, &words));
        }
        let finding = match (self.of, *key) {
            (_, "User") => {
                if known && !value.starts_with(|c: char| c.is_ascii_digit()) {
                    look.users.push((*line, value.clone()));
                }
                None
            }
            (_, "Group") => {
                if known && !value.starts_with(|c: char| c.is_ascii_digit()) {
                    look.groups.push((*line, value.clone()));
                }
                None
            }
            (UnitType::Timer, "OnCalendar") if known => calendar::check(*line, key, value, self.os),
            (_, key) if key.ends_with("Sec") && known => time_span::check(*line, key, value),
            (_, "WorkingDirectory" | "RootDirectory" | "EnvironmentFile") => absolute(*line, key, value),
            (_, key) if key.starts_with("Exec") => exec(*line, value),
            (
                _,
                "WantedBy" | "RequiredBy" | "After" | "Before" | "Wants" | "Requires" | "BindsTo" | "PartOf"
                | "Also",
            ) => {
                let bad = value.split_whitespace().find(|unit| {
                    !unit.contains([LATE, '%']) && paracrine_model::name::UnitName::parse(unit).is_err()
                });
                bad.map(|unit| {
                    let why = paracrine_model::name::UnitName::parse(unit).err().unwrap_or_default();
                    wrong(*line, unit, format!("unit `{unit}` {why}"))
                })
            }
            _ => None,
        };
        look.findings.extend(finding);
    }

    /// What is wrong with a value that has to be one of a few words.
    fn word(&self, entry: &Entry<'_>, words: &Words) -> Option<Finding> {
        let Entry { line, key, value, .. } = entry;
        if words.have(value) || self.systemd == Systemd::V257 && words.since_257.contains(&value.as_str()) {
            return None;
        }
        if words.since_257.contains(&value.as_str()) {
            let finding = wrong(*line, value, format!("{} does not know `{key}={value}`", self.systemd));
            return Some(self.later(finding));
        }
        if words.are_truth_values() {
            return Some(wrong(*line, value, format!("`{key}` is `yes` or `no`, not `{value}`")));
        }
        let finding = wrong(*line, value, format!("`{key}` cannot be `{value}`"));
        let all = || words.always.iter().chain(words.since_257).copied();
        let finding = finding.nearest(value, all());
        Some(match finding.help.is_empty() {
            true => finding.help(format!("it is one of {}", all().collect::<Vec<_>>().join(", "))),
            false => finding,
        })
    }

    /// A finding about what only a later systemd knows: a warning where that may be the one of these hosts.
    fn later(&self, finding: Finding) -> Finding {
        let finding = finding.help("systemd 257, of Debian 13, does");
        match self.os {
            Os::Debian => {
                finding.warning().help("of hosts that have it, say `os: debian-13` in the inventory")
            }
            _ => finding,
        }
    }
}

fn wrong(line: u32, word: &str, message: String) -> Finding {
    Finding::error(Code::UNIT_FILE, line, word, message)
}

/// What is wrong with a path that has to be absolute.
fn absolute(line: u32, key: &str, value: &str) -> Option<Finding> {
    let path = value.trim_start_matches('-');
    let free = path.is_empty() || path.starts_with(['/', '~', '%', LATE]);
    (!free).then(|| {
        let finding = wrong(line, path, format!("`{key}` is the relative path `{path}`"));
        finding.help("write its absolute path: systemd takes no other")
    })
}

/// What is wrong with a command line.
fn exec(line: u32, value: &str) -> Option<Finding> {
    let program = value.trim_start_matches(['@', '-', ':', '+', '!']).trim_start();
    let program = program.split_whitespace().next()?.trim_matches(['"', '\'']);
    if program.starts_with('/') || program.starts_with(['%', '$', LATE]) {
        return None;
    }
    if program.contains('/') {
        let finding = wrong(line, program, format!("program `{program}` is a relative path"));
        return Some(
            finding.help(
                "write its absolute path, or a bare name that systemd finds in `/usr/bin` and the like",
            ),
        );
    }
    let shell = ["cd", "export", "source", ".", "exec", "if", "for", "while", "set", "ulimit", "umask"];
    if shell.contains(&program) {
        let finding =
            wrong(line, program, format!("`{program}` is a word of the shell, and systemd is none"));
        return Some(finding.help(format!(
            "write `/bin/sh -c '{program} …'`, or see systemd.exec(5) for a key that does it"
        )));
    }
    None
}

/// What systemd would refuse to load.
fn complete(of: UnitType, entries: &[Entry<'_>], findings: &mut Vec<Finding>) {
    let values = |section: &str, key: &str| -> Vec<&Entry<'_>> {
        let all = entries.iter().filter(|entry| entry.section == section && entry.key == key);
        // An empty value forgets those before it.
        all.fold(Vec::new(), |mut kept, entry| {
            if entry.value.is_empty() {
                kept.clear()
            } else {
                kept.push(entry)
            }
            kept
        })
    };
    let has = |section: &str, key: &str| !values(section, key).is_empty();
    let whole = |message: &str| Finding::whole(Code::UNIT_FILE, message);
    match of {
        UnitType::Service => {
            let starts = values("Service", "ExecStart");
            let oneshot = values("Service", "Type").last().is_some_and(|entry| entry.value == "oneshot");
            if starts.is_empty() && !has("Service", "ExecStop") && !has("Unit", "SuccessAction") {
                findings.push(
                    whole("the service has no `ExecStart`, so systemd refuses it")
                        .help("add `ExecStart=` to `[Service]`"),
                );
            }
            if let (false, [_, second, ..]) = (oneshot, starts.as_slice()) {
                findings.push(
                    wrong(
                        second.line,
                        "ExecStart",
                        "only a service with `Type=oneshot` has several `ExecStart`".into(),
                    )
                    .help("systemd refuses the unit; set `Type=oneshot`, or start one program"),
                );
            }
            let restart = values("Service", "Restart");
            if let (true, Some(entry)) = (oneshot, restart.last())
                && matches!(entry.value.as_str(), "always" | "on-success")
            {
                let message = format!("`Restart={}` is not for `Type=oneshot`", entry.value);
                findings.push(
                    wrong(entry.line, "Restart", message).help("systemd refuses the unit; use `on-failure`"),
                );
            }
        }
        UnitType::Timer => {
            let keys = [
                "OnActiveSec",
                "OnBootSec",
                "OnStartupSec",
                "OnUnitActiveSec",
                "OnUnitInactiveSec",
                "OnCalendar",
            ];
            if !keys.iter().any(|key| has("Timer", key)) {
                let names: BTreeSet<&str> = keys.into_iter().collect();
                let names: Vec<&str> = names.into_iter().collect();
                findings.push(
                    whole("the timer has no time, so systemd refuses it")
                        .help(format!("add one of {}", names.join(", "))),
                );
            }
        }
        UnitType::Socket => {
            let listens =
                entries.iter().any(|entry| entry.section == "Socket" && entry.key.starts_with("Listen"));
            if !listens {
                findings.push(
                    whole("the socket listens nowhere, so systemd refuses it")
                        .help("add `ListenStream=` to `[Socket]`"),
                );
            }
        }
        UnitType::Path => {
            let watches =
                ["PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty"];
            if !watches.iter().any(|key| has("Path", key)) {
                findings.push(
                    whole("the path unit watches nothing, so systemd refuses it")
                        .help("add `PathChanged=` to `[Path]`"),
                );
            }
        }
        _ => {}
    }
}
