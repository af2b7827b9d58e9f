//! Files of sudo: `/etc/sudoers` and `/etc/sudoers.d/`. A mistake in one of them keeps everybody from using sudo.

mod cursor;
mod rule;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use paracrine_model::diagnostic::{Code, nearest};
use paracrine_model::facet::FileFacet;

use super::entry::{At, Format, ONLY, Sort};
use super::finding::{Finding, LATE, Look};
use cursor::{Cursor, Line};
use rule::Rule;

pub(super) const FORMAT: Format = Format { reads, about, look };

fn reads(path: &str) -> Option<Sort> {
    (path == "/etc/sudoers" || path.starts_with("/etc/sudoers.d/")).then_some(ONLY)
}

/// What is wrong with the file around its content.
fn about(file: &FileFacet<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = file.path().file_name();
    if file.path().as_str() != "/etc/sudoers" && (name.contains('.') || name.ends_with('~')) {
        let message = format!("sudo passes over `{}`: its name has a `.` or ends in `~`", file.path());
        findings.push(
            Finding::whole(Code::SUDOERS, message).help(format!("call it `{}`", name.replace('.', "-"))),
        );
    }
    if file.mode().bits() & 0o022 != 0 {
        let message = format!("sudo refuses to work while others than root can write to `{}`", file.path());
        findings.push(Finding::whole(Code::SUDOERS, message).help("give it mode 0o440"));
    }
    if file.owner() != "root" {
        let message = format!("sudo refuses to work while `{}` does not belong to root", file.path());
        findings.push(Finding::whole(Code::SUDOERS, message).help("leave its owner as it is"));
    }
    if !file.is_validated() {
        findings.push(
            Finding::whole(Code::SUDOERS, format!("nothing looks at `{}` before sudo does", file.path()))
                .warning()
                .help("add `.validate(\"visudo -cf {}\")`"),
        );
    }
    findings
}

/// What an alias stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    User,
    Runas,
    Host,
    Command,
}

const ALIASES: [&str; 4] = ["User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias"];

impl Kind {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "User_Alias" => Self::User,
            "Runas_Alias" => Self::Runas,
            "Host_Alias" => Self::Host,
            "Cmnd_Alias" | "Cmd_Alias" => Self::Command,
            _ => return None,
        })
    }
}

/// The aliases that a file defines.
type Aliases = BTreeMap<Kind, BTreeSet<String>>;

/// What is wrong with the content.
fn look(text: &str, at: At<'_>) -> Look {
    let mut found = Look::default();
    if text.starts_with('\u{feff}') {
        let message = "the file begins with a byte order mark, which sudo takes for a part of the first word";
        found.findings.push(wrong(1, "", message).help("save it as UTF-8 without one"));
    }
    let text = text.trim_start_matches('\u{feff}');
    let lines = Line::all(text);
    let mut aliases = Aliases::new();
    for line in &lines {
        if let Some((kind, definitions)) = alias(&line.text) {
            let names = definitions.split(':').filter_map(|one| one.split_once('='));
            aliases.entry(kind).or_default().extend(names.map(|(name, _)| name.trim().to_owned()));
        }
    }
    let mut defined = BTreeSet::new();
    for line in &lines {
        let read = read(line, at, &aliases, &mut defined);
        found.findings.extend(read.unwrap_or_else(|finding| vec![finding]));
    }
    found
}

/// Reads a line. What comes back else is no reason for sudo to refuse it.
fn read(
    line: &Line,
    at: At<'_>,
    aliases: &Aliases,
    defined: &mut BTreeSet<(Kind, String)>,
) -> Result<Vec<Finding>, Finding> {
    let text = line.text.trim_start();
    let first = text.split([' ', '\t']).next().unwrap_or_default();
    let mut cursor = Cursor::new(line);
    if text.starts_with('@') || ["#include", "#includedir"].contains(&first) {
        return include(&mut cursor, first).map(|()| Vec::new());
    }
    if line.text.contains(LATE) {
        return Ok(Vec::new());
    }
    if line.is_open {
        let message = "the last line ends in a backslash, and nothing follows it";
        return Err(wrong(line.number(line.text.len()), "\\", message).help("leave it out"));
    }
    if let Some(rest) = text.strip_prefix("Defaults")
        && rest.chars().next().is_none_or(|c| " \t:@>!".contains(c))
    {
        cursor.take("Defaults");
        let mut rule = Rule::new(cursor, at.os);
        if !rule.cursor.at_blank() {
            rule.bound()?;
        }
        return settings::read(&mut rule.cursor, at.os);
    }
    if let Some((kind, _)) = alias(&line.text) {
        cursor.take(first);
        let mut rule = Rule::new(cursor, at.os);
        rule.definitions(kind, first, defined)?;
        return Ok(rule.undefined(aliases));
    }
    let mut rule = Rule::new(cursor, at.os);
    match rule.read() {
        Ok(()) => Ok(rule.undefined(aliases)),
        Err(finding) => Err(match nearest(first, ALIASES.into_iter().chain(["Defaults"])) {
            Some(near) => {
                let finding = wrong(line.number(0), first, format!("sudo does not know `{first}`"));
                finding.help(format!("did you mean `{near}`?"))
            }
            None => finding,
        }),
    }
}

fn wrong(line: u32, word: &str, message: impl Into<String>) -> Finding {
    Finding::error(Code::SUDOERS, line, word, message)
}

/// A line that includes others.
fn include(cursor: &mut Cursor<'_>, first: &str) -> Result<(), Finding> {
    if !["include", "includedir"].contains(&&first[1..]) {
        let finding = cursor.wrong(first, format!("sudo does not know `{first}`"));
        return Err(finding.nearest(first, ["@include", "@includedir"]));
    }
    cursor.take(first);
    if cursor.is_at_end() {
        return Err(cursor.wrong(first, format!("`{first}` names no path")).help("write one after it"));
    }
    match cursor.rest().starts_with('"') {
        true => {
            cursor.word()?;
        }
        false => {
            cursor.until(" \t");
        }
    }
    let rest = cursor.rest();
    match rest.is_empty() || rest.starts_with('#') {
        true => Ok(()),
        false => Err(cursor.wrong(rest, format!("`{rest}` follows the path of `{first}`"))),
    }
}

/// The kind of alias that a line defines, and the definitions.
fn alias(line: &str) -> Option<(Kind, &str)> {
    let (word, rest) = line.trim_start().split_once([' ', '\t'])?;
    Some((Kind::of(word)?, rest.trim()))
}

fn is_alias(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests;
