//! Mutations of YAML (and JSON) by its text: keys, scalars, tags, anchors, brackets and indentation.
//!
//! What a spot *is* comes from the documentation of the files (README, "A walk through the example"; the head of
//! `inventory.rs`): [`of_server`] and [`of_inventory`] are that table. Keys and values of `config.yaml` and of `vars` are the
//! user's own: their names are definitions, and their types are seen from their spelling.

use crate::mutation::{Demand, Mutation};
use crate::words::{NUMBER, odd, transpose};

/// What a scalar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A key of the format.
    Key,
    /// A key of the user's: a definition.
    Own,
    /// A key of the user's that not every host has to have.
    OwnOptional,
    /// A number of the format.
    Number,
    /// A number of the user's: its type is a definition.
    OwnNumber,
    /// `true` or `false`, of the format.
    Bool,
    /// `true` or `false`, of the user's.
    OwnBool,
    /// Text of the user's.
    OwnText,
    /// A name or address: no odd characters, not empty.
    Name,
    /// A name or address that only one server has.
    Unique,
    /// What ssh connects to: with port and way, only one server has it.
    Address,
    /// A word of a closed list, or the name of something in these files.
    Reference,
    /// A role: a definition, as it becomes a variant.
    Role,
    /// The name of a file of the machine that deploys.
    Outside,
    /// Words with a check sum.
    Structured,
    /// A tag.
    Tag,
    /// What a secret's tag is given.
    Secret,
    /// An alias.
    Alias,
    /// Anything else.
    Free,
}

struct Spot {
    line: usize,
    range: std::ops::Range<usize>,
    kind: Kind,
    key: String,
}

/// The kind of a server's (or the defaults') value, by its key.
fn of_server(key: &str) -> Kind {
    match key {
        "name" | "wireguard_ip" => Kind::Unique,
        "ssh_hostname" => Kind::Address,
        "ssh_user" => Kind::Name,
        "ssh_port" => Kind::Number,
        "ssh_key" => Kind::Outside,
        "sudo" => Kind::Bool,
        "arch" | "os" | "jump" => Kind::Reference,
        "roles" => Kind::Role,
        "host_key" => Kind::Structured,
        _ => Kind::Free,
    }
}

/// The kind of an inventory's own value.
fn of_inventory(key: &str) -> Kind {
    if key == "environment" { Kind::Reference } else { Kind::Free }
}

/// Keys that an inventory or server cannot do without.
const REQUIRED: [&str; 4] = ["environment", "servers", "name", "ssh_hostname"];

/// All mutations of a file.
pub(crate) fn mutations(site: &'static str, file: &str, text: &str) -> Vec<Mutation> {
    let spots = spots(file, text);
    let lines: Vec<&str> = text.split('\n').collect();
    let json = file.ends_with(".json");
    let mut found = Vec::new();
    for spot in &spots {
        let word = &lines[spot.line][spot.range.clone()];
        let bare = word.trim_matches(['"', '\'']);
        let quoted = |new: &str| word.replace(bare, new);
        let mut put = |operator, new: &str, demand| {
            let place = (spot.line, spot.range.clone());
            let label = format!("{:?} of `{}`", spot.kind, spot.key);
            found.push(Mutation::splice(site, file, text, place, new, operator, label, demand));
        };
        match spot.kind {
            Kind::Key => put("typo", &quoted(&transpose(bare)), Demand::Line),
            Kind::Own => put("typo", &quoted(&transpose(bare)), Demand::Definition),
            Kind::OwnOptional => put("typo", &quoted(&transpose(bare)), Demand::Told),
            Kind::Number => {
                put("number to word", &string(json, NUMBER), Demand::Line);
                put("too many digits", &format!("{bare}99999"), Demand::Line);
                put("negative", &format!("-{bare}"), Demand::Line);
                put("swapped type", &format!("[{word}]"), Demand::Line);
            }
            Kind::OwnNumber => {
                put("number to word", &string(json, NUMBER), Demand::Definition);
                put("swapped type", &format!("[{word}]"), Demand::Definition);
            }
            Kind::Bool => {
                put("typo", &string(json, &transpose(bare)), Demand::Line);
                put("swapped type", "7", Demand::Line);
            }
            Kind::OwnBool => put("swapped type", &string(json, NUMBER), Demand::Definition),
            Kind::OwnText => put("swapped type", &format!("[{word}]"), Demand::Definition),
            Kind::Name | Kind::Unique | Kind::Address => {
                put("odd character", &string(json, &odd(bare)), Demand::Line);
                put("emptied", "\"\"", Demand::Line);
                put("swapped type", &format!("[{word}]"), Demand::Line);
            }
            Kind::Reference => {
                put("typo", &quoted(&transpose(bare)), Demand::Line);
                put("swapped type", "{}", Demand::Line);
                put("emptied", "\"\"", Demand::Line);
            }
            Kind::Role => {
                put("typo", &quoted(&transpose(bare)), Demand::Definition);
                put("odd character", &string(json, &odd(bare)), Demand::Line);
                put("swapped type", "7", Demand::Line);
            }
            Kind::Outside => {
                put("typo", &quoted(&transpose(bare)), Demand::Told);
                put("swapped type", &format!("[{word}]"), Demand::Line);
            }
            Kind::Structured => {
                put("cut off", &bare[..bare.len() - 5], Demand::Line);
                put("typo", &transpose(bare.split(' ').next().unwrap_or_default()), Demand::Line);
            }
            Kind::Tag => put("typo", &transpose(bare), Demand::Line),
            Kind::Secret => {
                put("typo", &quoted(&transpose_first(bare)), Demand::Line);
                put("emptied", "\"\"", Demand::Line);
            }
            Kind::Alias => put("typo", &transpose(bare), Demand::Line),
            Kind::Free => {}
        }
        let unique = match spot.kind {
            Kind::Unique => true,
            Kind::Address => !text.contains("jump") && !text.contains("ssh_port"),
            _ => false,
        };
        if unique
            && let Some(twin) = spots
                .iter()
                .find(|twin| twin.line < spot.line && twin.key == spot.key && twin.kind == spot.kind)
        {
            let other = lines[twin.line][twin.range.clone()].to_owned();
            put("copy of another's", &other, Demand::Line);
        }
    }
    found.extend(of_lines(site, file, &lines, text, &spots, json));
    found
}

/// Mutations of whole lines.
fn of_lines(
    site: &'static str,
    file: &str,
    lines: &[&str],
    text: &str,
    spots: &[Spot],
    json: bool,
) -> Vec<Mutation> {
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let keys: Vec<&Spot> = spots
            .iter()
            .filter(|spot| {
                spot.line == number && matches!(spot.kind, Kind::Key | Kind::Own | Kind::OwnOptional)
            })
            .collect();
        let Some(first) = keys.first() else { continue };
        let mut put = |operator, new: &[&str], demand: Demand| {
            let label = format!("line of `{}`", first.key);
            found.push(
                Mutation::replace(site, file, text, number, new, operator, label, demand).word(&first.key),
            );
        };
        let listed = line.trim_start().starts_with("- ");
        // A second `- name: …` is a second item, as any list has.
        if !listed && !json {
            put("line twice", &[line, line], Demand::Line);
        }
        let required = first.kind == Kind::Own || REQUIRED.contains(&first.key.as_str());
        // What is dropped may come from what the mapping merges.
        let merges = text.contains("<<:");
        if required && !merges && !json && line.trim_end().ends_with(|c: char| c != ':') && !listed {
            put("line dropped", &[], Demand::Within(block(lines, number)));
        }
        if !listed && !json && has_sibling(lines, number) {
            put("indented too far", &[&format!(" {line}")], Demand::Near);
        }
        if !listed && !json {
            put("indented by a tab", &[&format!("\t{}", line.trim_start())], Demand::Line);
        }
        if let Some(at) = line.find(':').filter(|_| !json) {
            put("colon dropped", &[&format!("{}{}", &line[..at], &line[at + 1..])], Demand::Near);
        }
        if let Some(at) = line.rfind(['"', '\'', ']', '}'])
            && !line.contains('#')
        {
            // Of brackets within brackets nobody knows which one lacks its end.
            let end = u32::try_from(number + 2).unwrap_or(u32::MAX);
            let demand = if json { Demand::Within(1..=end) } else { Demand::Near };
            put("closing mark dropped", &[&format!("{}{}", &line[..at], &line[at + 1..])], demand);
        }
        if json && line.ends_with(',') {
            put("comma dropped", &[line.trim_end_matches(',')], Demand::Near);
        }
    }
    found
}

/// The lines of what a line lies in: from the one above it that is indented less, down to the last that is not.
fn block(lines: &[&str], number: usize) -> std::ops::RangeInclusive<u32> {
    let depth = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let own = depth(lines[number]);
    let is_item = |line: &str| line.trim_start().starts_with("- ") && depth(line) == own;
    let start = (0..number)
        .rev()
        .find(|at| !lines[*at].trim().is_empty() && (depth(lines[*at]) < own || is_item(lines[*at])));
    let end = (number + 1..lines.len())
        .find(|at| !lines[*at].trim().is_empty() && (depth(lines[*at]) < own || is_item(lines[*at])));
    let count = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    // After the drop all lines below are one up.
    count(start.map_or(1, |at| at + 1))..=count(end.unwrap_or(lines.len()).saturating_sub(1).max(1))
}

/// Whether a line has another of its indentation beside it: without, it may be indented as it likes.
fn has_sibling(lines: &[&str], number: usize) -> bool {
    let depth = |line: &&str| line.len() - line.trim_start_matches([' ', '-']).len();
    let own = depth(&lines[number]);
    let beside = |mut lines: Box<dyn Iterator<Item = &&str> + '_>| {
        lines
            .find(|line| !line.trim().is_empty() && depth(line) <= own && !line.starts_with('#'))
            .is_some_and(|line| depth(line) == own)
    };
    beside(Box::new(lines[..number].iter().rev())) || beside(Box::new(lines[number + 1..].iter()))
}

/// A word as a string of the format.
fn string(json: bool, word: &str) -> String {
    if json { format!("\"{word}\"") } else { word.to_owned() }
}

/// A typo in the first word: a command's program, a path.
fn transpose_first(words: &str) -> String {
    match words.split_once(' ') {
        Some((first, rest)) => format!("{} {rest}", transpose(first)),
        None => transpose(words),
    }
}

/// Where the scalars are, and what they are.
fn spots(file: &str, text: &str) -> Vec<Spot> {
    let is_config = file.starts_with("config");
    let mut found: Vec<Spot> = Vec::new();
    // Keys that are open, with their indentation.
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut literal: Option<usize> = None;
    for (number, line) in text.split('\n').enumerate() {
        let depth = line.len() - line.trim_start_matches([' ', '-']).len();
        if line.trim().is_empty() {
            continue;
        }
        match literal {
            Some(at) if depth > at => continue,
            _ => literal = None,
        }
        open.retain(|(indent, _)| *indent < depth);
        let mut tag = false;
        // Keys of this line: of the block, and of flow mappings in it.
        let mut key: Option<String> = None;
        for (range, is_key) in scalars(line, file.ends_with(".json")) {
            let word = line[range.clone()].trim_matches(['"', '\'']);
            let above = |name: &str| open.iter().any(|(_, key)| key == name);
            let own = is_config || above("vars") || key.as_deref() == Some("vars");
            if is_key {
                let structural = match word {
                    "<<" => true,
                    "environments" | "common" if is_config && depth == 0 => true,
                    _ => !own,
                };
                // Names of environments are what inventories refer to.
                found.push(Spot {
                    line: number,
                    range: range.clone(),
                    kind: match structural {
                        true => Kind::Key,
                        false if is_config => Kind::Own,
                        false => Kind::OwnOptional,
                    },
                    key: word.to_owned(),
                });
                if key.is_none() {
                    open.push((depth, word.to_owned()));
                }
                key = Some(word.to_owned());
                continue;
            }
            let under = key.clone().or_else(|| open.last().map(|(_, key)| key.clone())).unwrap_or_default();
            let kind = match word.as_bytes().first() {
                _ if tag => Kind::Secret,
                Some(b'!') => Kind::Tag,
                Some(b'&') => Kind::Free,
                Some(b'*') => Kind::Alias,
                Some(b'|' | b'>') => {
                    literal = Some(depth);
                    Kind::Free
                }
                _ if own => of_spelling(&line[range.clone()]),
                // An address of its own, not a server of the inventory.
                _ if under == "jump" && word.contains('@') => Kind::Name,
                _ if above("servers") || above("defaults") => of_server(&under),
                _ => of_inventory(&under),
            };
            tag = kind == Kind::Tag;
            found.push(Spot { line: number, range, kind, key: under });
        }
    }
    found
}

fn of_spelling(word: &str) -> Kind {
    match word {
        "true" | "false" => Kind::OwnBool,
        "null" | "~" | "" => Kind::Free,
        word if word.parse::<f64>().is_ok() => Kind::OwnNumber,
        _ => Kind::OwnText,
    }
}

/// The scalars of a line, and whether they are keys. A tag, an anchor and an alias are words of their own.
fn scalars(line: &str, json: bool) -> Vec<(std::ops::Range<usize>, bool)> {
    let bytes = line.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let mut flow = usize::from(json);
    while at < bytes.len() {
        match bytes[at] {
            b' ' | b',' | b'\t' => at += 1,
            b'-' if bytes.get(at + 1) == Some(&b' ') => at += 1,
            b'[' | b'{' => {
                flow += 1;
                at += 1;
            }
            b']' | b'}' => {
                flow = flow.saturating_sub(1);
                at += 1;
            }
            b':' => at += 1,
            b'#' => break,
            quote @ (b'"' | b'\'') => {
                let end = line[at + 1..].find(quote as char).map_or(bytes.len(), |end| at + 1 + end + 1);
                found.push((at..end, bytes.get(end) == Some(&b':')));
                at = end;
            }
            first => {
                let word = matches!(first, b'!' | b'&' | b'*');
                let mut end = at;
                while end < bytes.len() {
                    let next = bytes.get(end + 1).copied().unwrap_or(b' ');
                    let stop = match bytes[end] {
                        b':' => next == b' ',
                        b'#' => end > 0 && bytes[end - 1] == b' ',
                        b' ' => word,
                        b',' | b']' | b'}' => flow > 0,
                        _ => false,
                    };
                    if stop {
                        break;
                    }
                    end += 1;
                }
                let length = line[at..end].trim_end().len();
                found.push((at..at + length, bytes.get(end) == Some(&b':')));
                at = end.max(at + 1);
            }
        }
    }
    found
}

#[test]
fn scalars_are_told_apart() {
    let json = |line: &'static str| {
        scalars(line, true).into_iter().map(|(range, key)| (&line[range], key)).collect::<Vec<_>>()
    };
    let words = |line: &'static str| {
        scalars(line, false).into_iter().map(|(range, key)| (&line[range], key)).collect::<Vec<_>>()
    };
    assert_eq!(words("  - name: web1 # x"), [("name", true), ("web1", false)]);
    assert_eq!(
        words("vars: { weight: 1, zone: west }"),
        [("vars", true), ("weight", true), ("1", false), ("zone", true), ("west", false)]
    );
    assert_eq!(words("  A: !file secrets/a"), [("A", true), ("!file", false), ("secrets/a", false)]);
    assert_eq!(json("      \"ssh_port\": 22,"), [("\"ssh_port\"", true), ("22", false)]);
    assert_eq!(words("  h: &name x.y:80"), [("h", true), ("&name", false), ("x.y:80", false)]);
}
