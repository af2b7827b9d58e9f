//! `Defaults`: settings that sudo knows, and what they may be.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use paracrine_model::deployment::Os;

use super::super::finding::Finding;
use super::cursor::Cursor;

/// A setting, as `tables/sudo.py` found it.
struct Setting {
    /// Only sudo of Debian 13 has it.
    is_new: bool,
    kind: &'static str,
    /// It may stand without a value, behind a `!`.
    is_bool: bool,
    is_path: bool,
    words: Vec<&'static str>,
}

fn known() -> &'static BTreeMap<&'static str, Setting> {
    static KNOWN: OnceLock<BTreeMap<&str, Setting>> = OnceLock::new();
    KNOWN.get_or_init(|| include_str!("settings.txt").lines().filter_map(setting).collect())
}

fn setting(line: &'static str) -> Option<(&'static str, Setting)> {
    let mut words = line.split(' ').peekable();
    let name = words.next()?;
    let is_new = words.next_if_eq(&"new").is_some();
    let kind = words.next()?;
    let mut flag = |flag: &str| words.next_if(|word| *word == flag).is_some();
    let mut is_path = flag("path");
    let is_bool = flag("bool");
    is_path |= flag("path");
    Some((name, Setting { is_new, kind, is_bool, is_path, words: words.collect() }))
}

const FACILITIES: [&str; 12] = [
    "authpriv", "auth", "daemon", "user", "local0", "local1", "local2", "local3", "local4", "local5",
    "local6", "local7",
];
const PRIORITIES: [&str; 9] = ["alert", "crit", "debug", "emerg", "err", "info", "notice", "warning", "none"];

/// Reads settings, with commas between them, to the end of the line.
pub(super) fn read(cursor: &mut Cursor<'_>, os: Os) -> Result<Vec<Finding>, Finding> {
    let mut warnings = Vec::new();
    loop {
        let mut on = true;
        while cursor.take("!") {
            on = !on;
        }
        let rest = cursor.rest();
        let length = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len());
        let name = &rest[..length];
        if name.is_empty() {
            let word = rest.split([' ', '\t', ',', '=']).next().unwrap_or_default();
            let finding = match word {
                "" => cursor
                    .wrong("Defaults", "a setting is missing")
                    .help("write one, as in `Defaults env_reset`"),
                word => cursor.wrong(word, format!("sudo knows no setting `{word}`")),
            };
            return Err(finding.nearest(&word.to_lowercase(), known().keys().copied()));
        }
        let Some(setting) = known().get(name) else {
            let finding = cursor.wrong(name, format!("sudo knows no setting `{name}`"));
            return Err(finding.nearest(name, known().keys().copied()));
        };
        if setting.is_new && os != Os::Debian13 {
            let finding = cursor.wrong(name, format!("sudo of Debian 12 does not know the setting `{name}`"));
            let finding = finding.help("that of Debian 13 does");
            match os {
                Os::Debian => warnings.push(finding.warning()),
                _ => return Err(finding),
            }
        }
        cursor.skip(length);
        let operator = ["+=", "-=", "="].into_iter().find(|operator| cursor.take(operator));
        match operator {
            Some(operator) => value(cursor, name, setting, operator)?,
            None => {
                let alone = match setting.kind {
                    "flag" | "logfac" => true,
                    "tuple" if setting.is_bool => true,
                    _ => setting.is_bool && !on,
                };
                if !alone {
                    let finding = cursor.wrong(name, format!("the setting `{name}` wants a value"));
                    return Err(finding.help(format!("write `{name}=…`")));
                }
            }
        }
        if cursor.is_at_end() {
            return Ok(warnings);
        }
        if !cursor.take(",") {
            let rest = cursor.rest();
            return Err(cursor
                .wrong(rest, format!("`{rest}` follows a setting without a `,`"))
                .help("put values with blanks into `\"…\"`"));
        }
        if cursor.is_at_end() {
            return Err(cursor.wrong(",", "nothing follows the last `,`").help("leave it out"));
        }
    }
}

/// Reads the value of a setting.
fn value(cursor: &mut Cursor<'_>, name: &str, setting: &Setting, operator: &str) -> Result<(), Finding> {
    if setting.kind == "flag" {
        let finding = cursor.wrong(name, format!("the setting `{name}` takes no value"));
        return Err(finding.help(format!("write `{name}`, or `!{name}`")));
    }
    if operator != "=" && setting.kind != "list" {
        let finding = cursor.wrong(name, format!("`{operator}` is for lists, and `{name}` is none"));
        return Err(finding.help("write `=`"));
    }
    let value = if cursor.rest().starts_with('"') {
        cursor.word()?.unwrap_or_default()
    } else {
        cursor.until("#=, \t\"")
    };
    if value.is_empty() || value.starts_with('!') {
        let finding = cursor.wrong(name, format!("the setting `{name}` has no value"));
        return Err(finding.help("write one behind the `=`"));
    }
    let cannot = |why: &str| cursor.wrong(value, format!("`{name}` cannot be `{value}`: {why}"));
    let words = |words: &[&str]| match words.contains(&value) {
        true => Ok(()),
        false => Err(cannot("it is one of a few words")
            .help(format!("it is one of {}", words.join(", ")))
            .nearest(value, words.iter().copied())),
    };
    match setting.kind {
        "uint" if value.parse::<u32>().is_err() => Err(cannot("it is a number")),
        "int" if value.parse::<i32>().is_err() => Err(cannot("it is a number")),
        "mode" if !u32::from_str_radix(value, 8).is_ok_and(|mode| mode <= 0o777) => {
            Err(cannot("it is an octal mode"))
        }
        "timespec" if value.parse::<f64>().is_err() => Err(cannot("it is a number of minutes")),
        "timeout" if !value.starts_with(|c: char| c.is_ascii_digit()) => Err(cannot("it is a time")),
        "tuple" => words(&setting.words),
        "logfac" => words(&FACILITIES),
        "logpri" => words(&PRIORITIES),
        _ if setting.is_path && !value.starts_with('/') => Err(cannot("it is an absolute path")),
        _ => Ok(()),
    }
}
