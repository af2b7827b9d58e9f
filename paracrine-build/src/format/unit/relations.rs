//! What systemd refuses to load although each line of it is right.

use std::collections::BTreeSet;

use paracrine_model::diagnostic::Code;
use paracrine_model::name::UnitName;

use super::super::finding::{Finding, LATE};
use super::exec;
use super::split::{Quotes, words};
use super::table::is_truth_value;
use super::value::expand;
use super::{Entry, Reading, UnitType, wrong};

/// What is wrong with a whole unit.
pub(super) fn check(reading: &Reading<'_>, of: UnitType, entries: &[Entry<'_>], findings: &mut Vec<Finding>) {
    let whole = Whole { reading, entries };
    match of {
        UnitType::Service => whole.service(findings),
        UnitType::Timer => findings.extend(whole.timer()),
        UnitType::Socket => whole.socket(findings),
        UnitType::Path => {
            let watches =
                ["PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty"];
            if !watches.iter().any(|key| whole.has("Path", key)) {
                findings.push(
                    unplaced("the path unit watches nothing, so systemd refuses it")
                        .help("add `PathChanged=` to `[Path]`"),
                );
            }
        }
        UnitType::Mount => {
            if !whole.has("Mount", "What") {
                let finding = unplaced("the mount has no `What`, so systemd refuses it");
                findings.push(finding.help("add what is mounted: `What=` in `[Mount]`"));
            }
            findings.extend(whole.named_after("Mount", "Where", ".mount"));
        }
        UnitType::Automount => findings.extend(whole.named_after("Automount", "Where", ".automount")),
        UnitType::Swap => {
            if !whole.has("Swap", "What") {
                let finding = unplaced("the swap has no `What`, so systemd refuses it");
                findings.push(finding.help("add the device or file: `What=` in `[Swap]`"));
            }
            findings.extend(whole.named_after("Swap", "What", ".swap"));
        }
        UnitType::Slice | UnitType::Scope | UnitType::Target => {}
    }
    findings.extend(whole.aliases());
}

struct Whole<'a> {
    reading: &'a Reading<'a>,
    entries: &'a [Entry<'a>],
}

fn unplaced(message: &str) -> Finding {
    Finding::whole(Code::UNIT_FILE, message)
}

impl Whole<'_> {
    /// The values of a key; an empty one forgets those before it.
    fn values(&self, section: &str, key: &str) -> Vec<&Entry<'_>> {
        let all = self.entries.iter().filter(|entry| entry.section == section && entry.key == key);
        all.fold(Vec::new(), |mut kept, entry| {
            if entry.value.is_empty() {
                kept.clear()
            } else {
                kept.push(entry)
            }
            kept
        })
    }

    fn has(&self, section: &str, key: &str) -> bool {
        !self.values(section, key).is_empty()
    }

    /// The last value of a key.
    fn last(&self, section: &str, key: &str) -> Option<&Entry<'_>> {
        self.values(section, key).pop()
    }

    /// Whether the last value of a key is a truth value that is true.
    fn is(&self, section: &str, key: &str) -> bool {
        self.last(section, key).is_some_and(|entry| {
            let value = entry.value.to_lowercase();
            is_truth_value(&value) && !["0", "no", "n", "false", "f", "off"].contains(&value.as_str())
        })
    }

    fn service(&self, findings: &mut Vec<Finding>) {
        let starts = self.values("Service", "ExecStart");
        let kind = self.last("Service", "Type").map(|entry| entry.value.as_str());
        let unknown = kind.is_some_and(|kind| kind.contains(LATE));
        // Without a type, it is one that starts nothing.
        let oneshot = kind == Some("oneshot") || unknown || kind.is_none() && starts.is_empty();
        let succeeds = self.has("Unit", "SuccessAction");
        let none = if starts.is_empty() && !self.has("Service", "ExecStop") && !succeeds {
            Some("add `ExecStart=` to `[Service]`")
        } else if starts.is_empty() && !oneshot {
            Some("add it to `[Service]`, or say `Type=oneshot`")
        } else if starts.is_empty() && !self.is("Service", "RemainAfterExit") && !succeeds {
            Some("add it to `[Service]`, or say `RemainAfterExit=yes`")
        } else {
            None
        };
        if let Some(help) = none {
            findings.push(unplaced("the service has no `ExecStart`, so systemd refuses it").help(help));
        }
        let several = starts
            .get(1)
            .copied()
            .or_else(|| starts.first().copied().filter(|entry| exec::count(&entry.value) > 1));
        if let (false, Some(second)) = (oneshot, several) {
            findings.push(
                wrong(
                    second.line,
                    "ExecStart",
                    "only a service with `Type=oneshot` has several `ExecStart`".into(),
                )
                .help("systemd refuses the unit; set `Type=oneshot`, or start one program"),
            );
        }
        let oneshot = kind == Some("oneshot");
        if let (true, Some(entry)) = (oneshot, self.last("Service", "Restart"))
            && matches!(entry.value.as_str(), "always" | "on-success")
        {
            let message = format!("`Restart={}` is not for `Type=oneshot`", entry.value);
            findings.push(
                wrong(entry.line, "Restart", message).help("systemd refuses the unit; use `on-failure`"),
            );
        }
        if let (true, Some(entry)) = (oneshot, self.last("Service", "ExitType"))
            && entry.value == "cgroup"
        {
            let message = "`ExitType=cgroup` is not for `Type=oneshot`".to_owned();
            findings.push(wrong(entry.line, "ExitType", message).help("systemd refuses the unit"));
        }
        if kind == Some("dbus") && !self.has("Service", "BusName") {
            let finding = unplaced("the service has `Type=dbus` and no `BusName`, so systemd refuses it");
            findings.push(finding.help("add `BusName=` to `[Service]`"));
        }
    }

    fn timer(&self) -> Option<Finding> {
        let keys = [
            "OnActiveSec",
            "OnBootSec",
            "OnCalendar",
            "OnStartupSec",
            "OnUnitActiveSec",
            "OnUnitInactiveSec",
        ];
        let changes = self.is("Timer", "OnClockChange") || self.is("Timer", "OnTimezoneChange");
        if changes || keys.iter().any(|key| self.has("Timer", key)) {
            return None;
        }
        let names: BTreeSet<&str> = keys.into_iter().collect();
        let names: Vec<&str> = names.into_iter().collect();
        let finding = unplaced("the timer has no time, so systemd refuses it");
        Some(finding.help(format!("add one of {}", names.join(", "))))
    }

    fn socket(&self, findings: &mut Vec<Finding>) {
        let listens: Vec<&Entry<'_>> = self
            .entries
            .iter()
            .filter(|entry| {
                entry.section == "Socket" && entry.parser == "socket_listen" && !entry.value.is_empty()
            })
            .collect();
        if listens.is_empty() {
            findings.push(
                unplaced("the socket listens nowhere, so systemd refuses it")
                    .help("add `ListenStream=` to `[Socket]`"),
            );
        }
        if !self.is("Socket", "Accept") {
            return;
        }
        if let Some(entry) =
            listens.iter().find(|entry| !["ListenStream", "ListenSequentialPacket"].contains(&entry.key))
        {
            let message = format!("`Accept=yes` is not for `{}`", entry.key);
            findings.push(wrong(entry.line, entry.key, message).help("systemd refuses the unit"));
        }
        if let Some(entry) = self.last("Socket", "Service") {
            let message =
                "`Service=` is not for `Accept=yes`, which starts an instance of its template".to_owned();
            findings.push(wrong(entry.line, "Service", message).help("systemd refuses the unit"));
        }
    }

    /// Units that are called after a path.
    fn named_after(&self, section: &str, key: &str, ending: &str) -> Option<Finding> {
        let entry = self.last(section, key)?;
        let name = self.reading.name()?;
        let path = expand(&entry.value);
        // Devices may be named otherwise: `UUID=…`.
        if entry.value.contains('%') || path.contains(LATE) || !path.starts_with('/') || name.contains('@') {
            return None;
        }
        let wanted = format!("{}{ending}", escaped(&path));
        (wanted != name).then(|| {
            let message = format!("`{key}={}` is not for `{name}`, so systemd refuses it", entry.value);
            wrong(entry.line, &entry.value, message).help(format!("call the unit `{wanted}`"))
        })
    }

    /// Other names: of the same type, and with its ending.
    fn aliases(&self) -> Option<Finding> {
        let name = self.reading.name()?;
        let (stem, ending) = name.rsplit_once('.')?;
        self.values("Install", "Alias").into_iter().find_map(|entry| {
            let aliases = words(&entry.value, Quotes::Plain).unwrap_or_default();
            aliases.iter().find_map(|alias| {
                if alias.contains([LATE, '%', '/']) {
                    return None;
                }
                if let Err(why) = UnitName::parse(alias) {
                    let finding = wrong(entry.line, alias, format!("alias `{alias}` {why}"));
                    return Some(match alias.contains('.') {
                        true => finding,
                        false => finding.help(format!("write `{alias}.{ending}`")),
                    });
                }
                let (other, of) = alias.rsplit_once('.')?;
                if of != ending {
                    let message = format!("alias `{alias}` is of another type than `{name}`");
                    return Some(wrong(entry.line, alias, message).help(format!("write `{other}.{ending}`")));
                }
                let template = |stem: &str| stem.contains('@');
                (template(stem) != template(other)).then(|| {
                    let which = if template(stem) { "no template, as" } else { "a template, and" };
                    let is = if template(stem) { "is" } else { "is none" };
                    wrong(entry.line, alias, format!("alias `{alias}` is {which} `{name}` {is}"))
                })
            })
        })
    }
}

/// A path as units are called after it.
fn escaped(path: &str) -> String {
    let pieces: Vec<&str> = path.split('/').filter(|piece| !matches!(*piece, "" | ".")).collect();
    if pieces.is_empty() {
        return "-".into();
    }
    let mut name = String::new();
    for (at, byte) in pieces.join("/").bytes().enumerate() {
        match byte {
            b'/' => name.push('-'),
            b'.' if at == 0 => name.push_str("\\x2e"),
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'.') => {
                name.push(char::from(byte))
            }
            byte => name.push_str(&format!("\\x{byte:02x}")),
        }
    }
    name
}
