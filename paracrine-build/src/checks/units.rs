//! Unit files: sections and keys as systemd 252 (Debian 12) knows them, and what it refuses to load.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use paracrine_model::diagnostic::{Code, nearest};

use super::contents::{Finding, Found, LATE};
use super::times;

/// A type of unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
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

impl Kind {
    /// From a unit's name.
    pub(super) fn of(unit: &str) -> Option<Self> {
        Some(match unit.rsplit_once('.')?.1 {
            "service" => Self::Service,
            "socket" => Self::Socket,
            "mount" => Self::Mount,
            "automount" => Self::Automount,
            "swap" => Self::Swap,
            "timer" => Self::Timer,
            "path" => Self::Path,
            "slice" => Self::Slice,
            "scope" => Self::Scope,
            "target" => Self::Target,
            _ => return None,
        })
    }

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

/// The keys of each section, and whether they are truth values: what `systemd --dump-configuration-items` of Debian 12
/// lists.
fn known() -> &'static BTreeMap<&'static str, BTreeMap<&'static str, bool>> {
    static KNOWN: OnceLock<BTreeMap<&str, BTreeMap<&str, bool>>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut sections: BTreeMap<&str, BTreeMap<&str, bool>> = BTreeMap::new();
        let mut section = "";
        for line in include_str!("systemd-252.txt").lines() {
            match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                Some(name) => section = name,
                None => {
                    let (key, boolean) =
                        line.strip_suffix(" boolean").map_or((line, false), |key| (key, true));
                    sections.entry(section).or_default().insert(key, boolean);
                }
            }
        }
        sections
    })
}

/// A key with its value, as systemd reads it.
struct Entry<'t> {
    line: u32,
    section: &'t str,
    key: &'t str,
    value: String,
}

/// What is wrong with a unit, or (not `whole`) with a piece that is added to one.
pub(super) fn look(kind: Kind, whole: bool, text: &str) -> Found {
    let mut found = Found::default();
    let entries = read(kind, text, &mut found.findings);
    for entry in &entries {
        value(kind, entry, &mut found);
    }
    if whole && found.findings.is_empty() {
        complete(kind, &entries, &mut found.findings);
    }
    found
}

fn read<'t>(kind: Kind, text: &'t str, findings: &mut Vec<Finding>) -> Vec<Entry<'t>> {
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
                Some(name) => section = Some((name, is_section(kind, name, number, findings))),
                None => {
                    findings.push(wrong(number, line, format!("`{line}` is no section: its `]` is missing")))
                }
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
                wrong(number, key, format!("`{key}` stands before any section")).help("begin with `[Unit]`"),
            ),
            Some((section, true)) => {
                if is_key(section, key, number, findings) {
                    entries.push(Entry { line: number, section, key, value });
                }
            }
            Some((_, false)) => {}
        }
    }
    entries
}

fn wrong(line: u32, word: &str, message: String) -> Finding {
    Finding::error(Code::UNIT_FILE, line, word, message)
}

fn is_section(kind: Kind, name: &str, line: u32, findings: &mut Vec<Finding>) -> bool {
    let sections: Vec<&str> = ["Unit", "Install"].into_iter().chain(kind.section()).collect();
    if sections.contains(&name) {
        return true;
    }
    if !name.starts_with("X-") {
        let message = match known().contains_key(name) {
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

fn is_key(section: &str, key: &str, line: u32, findings: &mut Vec<Finding>) -> bool {
    let Some(keys) = known().get(section) else { return false };
    if keys.contains_key(key) {
        return true;
    }
    if key.starts_with("X-") {
        return false;
    }
    let elsewhere: Vec<&str> =
        known().iter().filter(|(_, keys)| keys.contains_key(key)).map(|(section, _)| *section).collect();
    let finding = wrong(line, key, format!("section `[{section}]` has no key `{key}`"));
    let unit_or_install = elsewhere.iter().find(|section| ["Unit", "Install"].contains(section));
    findings.push(if let Some(section) = unit_or_install.or(elsewhere.first()) {
        finding.help(format!("it belongs into `[{section}]`"))
    } else if let Some(near) = nearest(key, keys.keys().copied()) {
        finding.help(format!("did you mean `{near}`?"))
    } else {
        // It may be one of a later systemd.
        finding.warning().help("systemd 252, of Debian 12, ignores it")
    });
    false
}

fn value(kind: Kind, entry: &Entry<'_>, found: &mut Found) {
    let Entry { line, section, key, value } = entry;
    let one_of = |words: &[&str]| {
        (!value.is_empty() && !value.contains([LATE, '%']) && !words.contains(&value.as_str())).then(|| {
            let finding = wrong(*line, value, format!("`{key}` cannot be `{value}`"));
            let finding = finding.nearest(value, words.iter().copied());
            if finding.help.is_empty() {
                finding.help(format!("it is one of {}", words.join(", ")))
            } else {
                finding
            }
        })
    };
    let boolean = known().get(section).and_then(|keys| keys.get(key)).copied().unwrap_or_default();
    let folded = value.to_lowercase();
    if boolean
        && !value.contains([LATE, '%'])
        && !["", "1", "yes", "y", "true", "t", "on", "0", "no", "n", "false", "f", "off"]
            .contains(&folded.as_str())
    {
        found.findings.push(wrong(*line, value, format!("`{key}` is `yes` or `no`, not `{value}`")));
    }
    let finding = match (kind, *key) {
        (Kind::Service, "Type") => {
            one_of(&["simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"])
        }
        (Kind::Service, "Restart") => {
            one_of(&["no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"])
        }
        (_, "KillMode") => one_of(&["control-group", "process", "mixed", "none"]),
        (_, "User") => {
            let plain = !value.is_empty()
                && !value.contains([LATE, '%'])
                && !value.starts_with(|c: char| c.is_ascii_digit());
            if plain {
                found.users.push((*line, value.clone()));
            }
            None
        }
        (_, "Group") => {
            let plain = !value.is_empty()
                && !value.contains([LATE, '%'])
                && !value.starts_with(|c: char| c.is_ascii_digit());
            if plain {
                found.groups.push((*line, value.clone()));
            }
            None
        }
        (Kind::Timer, "OnCalendar") if !value.is_empty() && !value.contains([LATE, '%']) => {
            times::calendar(*line, key, value)
        }
        (_, key) if key.ends_with("Sec") && !value.is_empty() && !value.contains([LATE, '%']) => {
            times::span(*line, key, value)
        }
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
    found.findings.extend(finding);
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
fn complete(kind: Kind, entries: &[Entry<'_>], findings: &mut Vec<Finding>) {
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
    match kind {
        Kind::Service => {
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
        Kind::Timer => {
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
        Kind::Socket => {
            let listens =
                entries.iter().any(|entry| entry.section == "Socket" && entry.key.starts_with("Listen"));
            if !listens {
                findings.push(
                    whole("the socket listens nowhere, so systemd refuses it")
                        .help("add `ListenStream=` to `[Socket]`"),
                );
            }
        }
        Kind::Path => {
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
