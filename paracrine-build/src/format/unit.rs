//! Unit files, pieces of them and systemd's own settings: sections, keys and values as the host's systemd knows them, and
//! what it refuses to load.

mod exec;
mod known_words;
mod numbers;
mod relations;
mod split;
mod table;
mod value;

use paracrine_model::deployment::Os;
use paracrine_model::diagnostic::{Code, nearest};

use super::entry::{At, Format, Sort};
use super::finding::{Finding, LATE, Look};
use table::{Parser, Sections, Systemd};
use value::Value;

pub(super) const FORMAT: Format = Format { reads, about: |_| Vec::new(), look };

/// Where units of the system and of users are.
const DIRECTORIES: [&str; 14] = [
    "/etc/systemd/system/",
    "/etc/systemd/user/",
    "/run/systemd/system/",
    "/run/systemd/user/",
    "/usr/local/lib/systemd/system/",
    "/usr/local/lib/systemd/user/",
    "/usr/lib/systemd/system/",
    "/usr/lib/systemd/user/",
    "/lib/systemd/system/",
    "/lib/systemd/user/",
    "/usr/local/share/systemd/user/",
    "/usr/share/systemd/user/",
    // Of homes.
    "/.config/systemd/user/",
    "/.local/share/systemd/user/",
];

/// Where systemd's programs look for their settings.
const OF_PROGRAMS: [&str; 5] =
    ["/etc/systemd/", "/run/systemd/", "/usr/local/lib/systemd/", "/usr/lib/systemd/", "/lib/systemd/"];

/// Settings of systemd's programs, and where the tables have their keys.
const SETTINGS: [(&str, Sort); 6] = [
    ("system.conf", "manager"),
    ("user.conf", "manager"),
    ("journald.conf", "journald"),
    ("logind.conf", "logind"),
    ("resolved.conf", "resolved"),
    ("timesyncd.conf", "timesyncd"),
];

/// Files of networks, by their ending.
const NETWORKS: [Sort; 3] = ["network", "netdev", "link"];

fn reads(path: &str) -> Option<Sort> {
    if let Some(found) = DIRECTORIES.iter().find_map(|directory| {
        let start = directory.starts_with("/.");
        match start {
            true => path.split_once(directory).map(|(_, unit)| unit),
            false => path.strip_prefix(directory),
        }
    }) {
        let (name, is_piece) = name_of(found)?;
        let ending = name.rsplit_once('.').map_or(name, |(_, ending)| ending);
        let (_, whole, piece) = TYPES.iter().find(|(_, whole, _)| *whole == ending)?;
        return match is_piece {
            true => Some(piece),
            false => name.contains('.').then_some(*whole),
        };
    }
    let rest = OF_PROGRAMS.iter().find_map(|directory| path.strip_prefix(directory))?;
    if let Some(network) = rest.strip_prefix("network/") {
        let (name, _) = name_of(network)?;
        return NETWORKS
            .into_iter()
            .find(|ending| name.rsplit_once('.').is_some_and(|(_, end)| end == *ending));
    }
    let (name, _) = name_of(rest)?;
    SETTINGS.iter().find(|(known, _)| *known == name).map(|(_, sort)| *sort)
}

/// The name of a file, or of the one that a piece is added to; and whether it is a piece.
fn name_of(rest: &str) -> Option<(&str, bool)> {
    match rest.split_once('/') {
        None => Some((rest, false)),
        Some((directory, piece)) if piece.ends_with(".conf") && !piece.contains('/') => {
            Some((directory.strip_suffix(".d")?, true))
        }
        Some(_) => None,
    }
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
    parser: Parser,
    value: String,
}

/// What a file is read as, and by which systemd.
struct Reading<'a> {
    /// `None`: it is no unit.
    of: Option<UnitType>,
    path: &'a str,
    os: Os,
    systemd: Systemd,
    /// Where the tables have its keys.
    file: &'static str,
    known: &'static Sections,
}

/// What is wrong with a file, or with a piece that is added to one.
fn look(text: &str, at: At<'_>) -> Look {
    let mut look = Look::default();
    let found = TYPES.iter().find(|(_, whole, piece)| at.sort == *whole || at.sort == *piece);
    let of = found.map(|(of, _, _)| *of);
    let file = if of.is_some() { "unit" } else { at.sort };
    let systemd = Systemd::of(at.os);
    let known = systemd.table().sections(file);
    let reading = Reading { of, path: at.path, os: at.os, systemd, file, known };
    // systemd passes over a mark of the byte order.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let entries = reading.entries(text, &mut look.findings);
    for Entry { line, section, key, parser, value } in &entries {
        let value = Value { reading: &reading, line: *line, section, key, parser, text: value };
        look.findings.extend(value.check());
    }
    accounts(&entries, &mut look);
    if let Some((of, whole, _)) = found
        && at.sort == *whole
        && look.findings.is_empty()
    {
        relations::check(&reading, *of, &entries, &mut look.findings);
    }
    look
}

/// The accounts that have to be there; systemd makes those of services with `DynamicUser=`.
fn accounts(entries: &[Entry<'_>], look: &mut Look) {
    let dynamic = entries.iter().rev().find(|entry| entry.key == "DynamicUser");
    if dynamic.is_some_and(|entry| {
        table::is_truth_value(&entry.value)
            && !entry.value.starts_with(['n', 'N', '0', 'f', 'F'])
            && !entry.value.eq_ignore_ascii_case("off")
    }) {
        return;
    }
    for Entry { line, key, value, .. } in entries {
        let free = value.is_empty()
            || value.contains([LATE, '%'])
            || value.starts_with(|c: char| c.is_ascii_digit());
        match *key {
            "User" if !free => look.users.push((*line, value.clone())),
            "Group" if !free => look.groups.push((*line, value.clone())),
            _ => {}
        }
    }
}

/// A continued line that ended sooner than it was meant to.
struct Broken {
    line: u32,
    word: String,
    finding: Finding,
}

impl<'a> Reading<'a> {
    /// Whether it is a unit, or a piece of one.
    fn is_unit(&self) -> bool {
        self.of.is_some()
    }

    /// The unit that it makes; pieces make none.
    fn name(&self) -> Option<&'a str> {
        self.path.rsplit('/').next().filter(|name| self.is_unit() && !name.ends_with(".conf"))
    }

    fn entries<'t>(&self, text: &'t str, findings: &mut Vec<Finding>) -> Vec<Entry<'t>> {
        let mut entries = Vec::new();
        // The section at hand, and whether its keys are known.
        let mut section: Option<(&str, bool)> = None;
        let mut broken: Option<Broken> = None;
        // Whether what follows belongs to a line that ended too soon.
        let mut lost = false;
        let mut lines = (1u32..).zip(text.lines()).peekable();
        while let Some((number, mut raw)) = lines.next() {
            let line = raw.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            let value = self.is_line(line, section);
            if let Some(Broken { line: at, word, finding }) = broken.take_if(|_| !value) {
                findings.push(Finding { line: Some(at), word, ..finding });
                lost = true;
            }
            broken = None;
            if lost && !value {
                continue;
            }
            lost = false;
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
                // A late value may be whole lines.
                if !line.contains(LATE) {
                    let finding = wrong(number, line, format!("`{line}` is no assignment"));
                    findings.push(finding.help("write `Key=value`; systemd ignores the line"));
                }
                continue;
            };
            let key = key.trim_end();
            let mut value = first.trim_start().to_owned();
            let mut last = number;
            while is_continued(raw) {
                value.pop();
                value.push(' ');
                // Comments may stand inside a continued line.
                while lines.next_if(|(_, next)| next.trim_start().starts_with(['#', ';'])).is_some() {}
                let Some((at, next)) = lines.next() else { break };
                if next.trim().is_empty() {
                    broken = Some(Broken {
                        line: last,
                        word: "\\".into(),
                        finding: self.cut_by_blank(number, at, key),
                    });
                    break;
                }
                value.push_str(next.trim_start_matches([' ', '\t']));
                (last, raw) = (at, next);
            }
            let strays = raw.ends_with([' ', '\t']) && is_continued(raw.trim_end()) && broken.is_none();
            if strays {
                let message = format!("blanks follow the backslash, so the line of `{key}` does not go on");
                let finding = wrong(last, "\\", message).help("end the line with the backslash");
                if lines
                    .peek()
                    .is_some_and(|(_, next)| !next.trim().is_empty() && !self.is_line(next.trim(), section))
                {
                    broken = Some(Broken { line: last, word: "\\".into(), finding });
                } else {
                    findings.push(finding.warning());
                }
            }
            let value = value.trim();
            // Of a backslash that ends nothing, enough is said.
            let value = if strays { value.trim_end_matches('\\').trim_end() } else { value }.to_owned();
            match section {
                None => findings.push(
                    wrong(number, key, format!("`{key}` stands before any section"))
                        .help(if self.is_unit() { "begin with `[Unit]`" } else { "begin with its section" }),
                ),
                Some((section, true)) => {
                    if let Some(parser) = self.parser(section, key, number, findings) {
                        entries.push(Entry { line: number, section, key, parser, value });
                    }
                }
                Some((_, false)) => {}
            }
        }
        entries
    }

    /// Whether a line is one by itself: a section, or an assignment to a key that there is.
    fn is_line(&self, line: &str, section: Option<(&str, bool)>) -> bool {
        let Some((key, _)) = line.split_once('=') else { return line.starts_with('[') };
        let Some((section, true)) = section else { return true };
        let key = key.trim_end();
        key.starts_with("X-") || self.known.get(section).is_some_and(|keys| keys.contains_key(key))
    }

    fn cut_by_blank(&self, began: u32, blank: u32, key: &str) -> Finding {
        let message = format!("the empty line {blank} ends `{key}`, which goes on after it");
        wrong(began, "\\", message)
            .help("leave the empty line out, or end the line before it without a backslash")
            .help("in a template, `{%- if … %}` leaves its line out, or for all of them `Compile::new(…).trim_blocks()`")
    }

    fn is_section(&self, name: &str, line: u32, findings: &mut Vec<Finding>) -> bool {
        let sections: Vec<&str> = match self.of {
            Some(of) => ["Unit", "Install"].into_iter().chain(of.section()).collect(),
            None => self.known.keys().copied().collect(),
        };
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
                true if sections.len() < 12 => {
                    finding.help(format!("it has `[{}]`", sections.join("]`, `[")))
                }
                _ => finding,
            });
        }
        false
    }

    /// What parses the value of a key; `None` where there is no such key.
    fn parser(&self, section: &str, key: &str, line: u32, findings: &mut Vec<Finding>) -> Option<Parser> {
        let keys = self.known.get(section)?;
        match keys.get(key).copied() {
            Some("warn_compat") => {
                let message = format!("{} no longer knows `{key}`, and passes over it", self.systemd);
                findings.push(wrong(line, key, message).warning());
                return None;
            }
            Some(parser) => return Some(parser),
            None => {}
        }
        if key.starts_with("X-") || key.contains(LATE) {
            return None;
        }
        let elsewhere: Vec<&str> = self
            .known
            .iter()
            .filter(|(section, keys)| keys.contains_key(key) && !section.starts_with('+'))
            .map(|(section, _)| *section)
            .collect();
        let later = Systemd::V257.table().sections(self.file);
        if self.systemd == Systemd::V252 && later.get(section).is_some_and(|keys| keys.contains_key(key)) {
            findings.push(
                self.later(wrong(line, key, format!("{} does not know `{key}`", self.systemd))).warning(),
            );
            return None;
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
        None
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

/// Whether the next line belongs to this one: it ends in a backslash that no other one takes.
fn is_continued(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests;
