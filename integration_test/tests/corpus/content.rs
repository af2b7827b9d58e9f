//! Mutations of contents that a program of Debian reads: unit files, tables of cron, rules of sudo. What a word is comes from
//! systemd.unit(5), crontab(5) and sudoers(5).

use std::ops::Range;

use crate::mutation::{Demand, Mutation};
use crate::words::{NUMBER, transpose};

/// All mutations of a file; none if it is no such content.
pub(crate) fn mutations(site: &'static str, file: &str, text: &str) -> Vec<Mutation> {
    let name = file.trim_end_matches(".j2");
    let spots = match name.rsplit_once('.') {
        Some((_, "service" | "timer" | "socket")) => unit(text),
        Some((_, "cron")) => cron(text),
        Some((_, "sudoers")) => sudoers(text),
        _ => return Vec::new(),
    };
    let lines: Vec<&str> = text.split('\n').collect();
    let mut found = Vec::new();
    for (number, range, kind) in spots {
        let word = &lines[number][range.clone()];
        let mut put = |operator, new: &str, demand| {
            let label = format!("{kind:?}");
            found.push(Mutation::splice(
                site,
                file,
                text,
                (number, range.clone()),
                new,
                operator,
                label,
                demand,
            ));
        };
        match kind {
            Kind::Word => put("typo", &transpose(word), Demand::Line),
            Kind::Number => put("number to word", NUMBER, Demand::Line),
            Kind::Field => {
                put("number to word", NUMBER, Demand::Line);
                put("too many digits", &format!("{word}9"), Demand::Line);
            }
            Kind::Path => put("relative", word.trim_start_matches('/'), Demand::Line),
            Kind::Account => put("typo", &transpose(word), Demand::Told),
        }
    }
    found
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A word of a closed list.
    Word,
    /// A number.
    Number,
    /// A number of a table of cron: a minute, an hour …
    Field,
    /// The absolute path that something starts with.
    Path,
    /// An account of the host.
    Account,
}

type Spots = Vec<(usize, Range<usize>, Kind)>;

fn unit(text: &str) -> Spots {
    let mut spots = Vec::new();
    for (number, line) in text.split('\n').enumerate() {
        if line.starts_with('[') {
            spots.push((number, 1..line.len() - 1, Kind::Word));
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        spots.push((number, 0..key.len(), Kind::Word));
        let at = key.len() + 1..line.len();
        let kind = match key {
            "Type" | "Restart" => Kind::Word,
            "User" | "Group" => Kind::Account,
            _ if matches!(value, "yes" | "no" | "true" | "false") => Kind::Word,
            _ if value.starts_with('/') => Kind::Path,
            _ if value.bytes().all(|byte| byte.is_ascii_digit()) => Kind::Number,
            _ => continue,
        };
        spots.push((number, at, kind));
    }
    spots
}

fn cron(text: &str) -> Spots {
    let mut spots = Vec::new();
    for (number, line) in text.split('\n').enumerate() {
        if line.starts_with('#') || line.contains('=') {
            continue;
        }
        let words = words(line);
        let user = if line.starts_with('@') {
            spots.extend(words.first().map(|range| (number, 1..range.end, Kind::Word)));
            1
        } else {
            let fields = words
                .iter()
                .take(5)
                .filter(|range| line[(*range).clone()].bytes().all(|byte| byte.is_ascii_digit()));
            spots.extend(fields.map(|range| (number, range.clone(), Kind::Field)));
            5
        };
        spots.extend(words.get(user).map(|range| (number, range.clone(), Kind::Account)));
    }
    spots
}

/// Words as spaces part them; `{{ x }}` is one.
fn words(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = line[at..].find(|c: char| c != ' ').map(|start| at + start) {
        let end = if line[start..].starts_with("{{") {
            line[start..].find("}}").map_or(line.len(), |end| start + end + 2)
        } else {
            line[start..].find(' ').map_or(line.len(), |end| start + end)
        };
        found.push(start..end);
        at = end;
    }
    found
}

fn sudoers(text: &str) -> Spots {
    let mut spots = Vec::new();
    for (number, line) in text.split('\n').enumerate() {
        // What may stand after `Defaults` is not listed in one place: sudo's plugins and versions differ.
        for word in ["Defaults", "NOPASSWD"] {
            spots.extend(line.find(word).map(|at| (number, at..at + word.len(), Kind::Word)));
        }
        spots.extend(line.find(" /").map(|at| (number, at + 1..line.len(), Kind::Path)));
    }
    spots
}
