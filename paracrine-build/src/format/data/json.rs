//! JSON, and what is called so.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::super::finding::Finding;
use super::late::{self, Quoting};
use super::line::word;
use super::{is_template, wrong};

/// Whether the reader of a `.json` file is one that takes comments and commas at the end.
pub(super) fn takes_comments(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_config = |start: &str| name.starts_with(start) && (name[start.len()..].starts_with(['.', '-']));
    is_config("tsconfig")
        || is_config("jsconfig")
        || matches!(name, "devcontainer.json" | ".eslintrc.json" | ".swcrc" | "babel.config.json")
        || [
            "/.vscode/",
            "/Code/User/",
            "/VSCodium/User/",
            "/.vscode-server/",
            "/policies/managed/",
            "/policies/recommended/",
        ]
        .iter()
        .any(|directory| path.contains(directory))
}

/// What is wrong with JSON whose reader takes nothing else.
pub(super) fn strict(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let plain = text.trim_start_matches('\u{feff}');
    if plain.len() < text.len() {
        let message = "the file begins with a byte order mark, which most readers of JSON refuse";
        findings.push(wrong(1, "", message).warning().help("save it as UTF-8 without one"));
    }
    let Some(known) = late::filled(plain, Quoting::Json) else { return findings };
    let Err(error) = serde_json::from_str::<Unique>(&known) else { return findings };
    // Whoever writes an empty file fills it later.
    if known.trim().is_empty() || is_template(plain) {
        return findings;
    }
    if error.is_data() {
        findings.push(placed(&error, &known, "").warning().help("most readers take only the last"));
        return findings;
    }
    if is_several(&known) {
        return findings;
    }
    let finding = placed(&error, &known, "this is no JSON: ");
    let relaxed = without_comments(&known);
    findings.push(if serde_json::from_str::<Unique>(&relaxed).is_ok_and(|_| true) && relaxed != known {
        if has_comments(&known) {
            let finding = wrong(finding.line.unwrap_or(1), &finding.word, "JSON has no comments");
            finding.warning().help("where its reader takes them, say so: `.format(Format::Jsonc)`")
        } else {
            finding.help("where its reader takes that, say so: `.format(Format::Jsonc)`")
        }
    } else {
        finding
    });
    findings
}

/// What is wrong with JSON whose reader takes comments, and commas before closing brackets.
pub(super) fn with_comments(text: &str) -> Vec<Finding> {
    let plain = text.trim_start_matches('\u{feff}');
    let Some(known) = late::filled(plain, Quoting::Json) else { return Vec::new() };
    let known = without_comments(&known);
    match serde_json::from_str::<Unique>(&known) {
        Err(error) if !known.trim().is_empty() && !is_template(plain) && !error.is_data() => {
            vec![placed(&error, &known, "this is no JSON: ")]
        }
        _ => Vec::new(),
    }
}

/// What is wrong with lines of which each is JSON.
pub(super) fn lines(text: &str) -> Vec<Finding> {
    let lines = (1u32..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .filter_map(|(number, line)| {
            let known = late::filled(line, Quoting::Json)?;
            let error = serde_json::from_str::<Unique>(&known).err().filter(|error| !error.is_data())?;
            Some(Finding { line: Some(number), ..placed(&error, &known, "this line is no JSON: ") })
        })
        .collect()
}

/// Whether it is several values one after the other, which some readers take.
fn is_several(text: &str) -> bool {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Unique>();
    values.by_ref().take_while(Result::is_ok).count() > 1 && text[values.byte_offset()..].trim().is_empty()
}

/// The error where it stands, in our words.
fn placed(error: &serde_json::Error, text: &str, start: &str) -> Finding {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    // Behind the last line stands nothing: the mistake is in it.
    let last = text.trim_end().lines().count();
    let number = u32::try_from(error.line().min(last)).unwrap_or(1).max(1);
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let column = error.column().saturating_sub(1);
    let at = line.get(column..).map(word).unwrap_or_default();
    let before =
        text.lines().take(error.line().saturating_sub(1)).filter(|line| !line.trim().is_empty()).last();
    // A comma is missing, or too much, at the end of the line before.
    let is_first = line.get(..column).is_some_and(|start| start.trim().is_empty());
    let misses = said.starts_with("expected `,` or");
    let (line_number, word) = match before {
        Some(before) if is_first && (misses || said == "trailing comma") => {
            let before_number = text.lines().take(error.line().saturating_sub(1)).collect::<Vec<_>>();
            let at = before_number.iter().rposition(|line| !line.trim().is_empty()).unwrap_or(0);
            (u32::try_from(at + 1).unwrap_or(number), if misses { before.trim() } else { "," })
        }
        _ => (number, at),
    };
    // A string goes on into the next line.
    let line_number =
        if said.starts_with("control character") && is_first { line_number - 1 } else { line_number };
    let finding = wrong(line_number.max(1), word, format!("{start}{said}"));
    match said {
        "trailing comma" => finding.help("leave out the last `,`"),
        _ if misses => finding.help("a `,` is missing there, or a closing bracket"),
        said if said.starts_with("EOF") => finding.help("a bracket or a quote is not closed"),
        "key must be a string" => finding.help("put `\"` around it"),
        _ => finding,
    }
}

fn has_comments(text: &str) -> bool {
    without(text, false) != text
}

/// Without comments, and without commas before closing brackets; all else stays where it is.
fn without_comments(text: &str) -> String {
    without(text, true)
}

fn without(text: &str, commas: bool) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut comma = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if c == '"' {
            string(rest)
        } else if rest.starts_with("//") {
            let length = rest.find('\n').unwrap_or(rest.len());
            kept.extend(std::iter::repeat_n(' ', length));
            rest = &rest[length..];
            continue;
        } else if rest.starts_with("/*") {
            let length = rest.find("*/").map_or(rest.len(), |at| at + 2);
            kept.extend(rest[..length].chars().map(|c| if c == '\n' { c } else { ' ' }));
            rest = &rest[length..];
            continue;
        } else {
            c.len_utf8()
        };
        match c {
            ',' => comma = Some(kept.len()),
            '}' | ']' if commas => {
                if let Some(at) = comma.take() {
                    kept.replace_range(at..=at, " ");
                }
            }
            c if c.is_whitespace() => {}
            _ => comma = None,
        }
        kept.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    kept
}

/// How long the string is that begins here.
fn string(text: &str) -> usize {
    let mut escaped = true;
    let end = text.char_indices().find(|(_, c)| {
        let found = *c == '"' && !escaped || *c == '\n';
        escaped = *c == '\\' && !escaped;
        found
    });
    end.map_or(text.len(), |(at, c)| at + c.len_utf8())
}

/// Any value of JSON in which no key stands twice.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        let mut keys = BTreeSet::new();
        let mut twice = None;
        while let Some(key) = entries.next_key::<String>()? {
            entries.next_value::<Self>()?;
            if let Some(key) = keys.replace(key) {
                twice = twice.or(Some(key));
            }
        }
        match twice {
            None => Ok(self),
            Some(key) => Err(A::Error::custom(format!("the key `{key}` stands twice"))),
        }
    }
}
