//! Mutations of templates by their text: names, keywords, filters, file names and delimiters inside of `{{ }}` and `{% %}`.

use std::ops::Range;

use crate::mutation::{Demand, Mutation};
use crate::words::{identifiers, transpose};

/// Words that name what is defined right after them.
const DEFINING: [&str; 5] = ["set", "for", "macro", "as", "block"];

/// All mutations of a file.
pub(crate) fn mutations(site: &'static str, file: &str, text: &str) -> Vec<Mutation> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.split('\n').collect();
    // What opens is missed where it closes, and the other way round; or at the end.
    let last = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    for (number, line) in lines.iter().enumerate() {
        for inside in insides(line) {
            let code = &line[inside.clone()];
            let mut put = |range: Range<usize>, new: &str, operator, label: String, demand| {
                let range = inside.start + range.start..inside.start + range.end;
                found.push(Mutation::splice(site, file, text, (number, range), new, operator, label, demand));
            };
            let quotes: Vec<usize> = code.match_indices('"').map(|(at, _)| at).collect();
            let quoted =
                |at: usize| quotes.chunks(2).find(|pair| pair.len() == 2 && pair[0] < at && at < pair[1]);
            let words = identifiers(code);
            for (index, range) in words.iter().enumerate() {
                let word = &code[range.clone()];
                let before = index.checked_sub(1).map_or("", |before| &code[words[before].clone()]);
                if quoted(range.start).is_some() {
                    continue;
                }
                let parameter =
                    words.first().is_some_and(|first| &code[first.clone()] == "macro") && index > 0;
                // `x | default(1)` says that there may be no `x`.
                if code[range.end..].trim_start().trim_start_matches('|').trim_start().starts_with("default")
                {
                    continue;
                }
                let defines = DEFINING.contains(&before) || parameter;
                let demand = if defines { Demand::Definition } else { Demand::Line };
                put(range.clone(), &transpose(word), "typo", format!("name `{word}`"), demand);
            }
            for pair in quotes.chunks(2).filter(|pair| pair.len() == 2) {
                let name = &code[pair[0] + 1..pair[1]];
                if name.ends_with(".j2") {
                    put(
                        pair[0] + 1..pair[1],
                        &transpose(name),
                        "typo",
                        format!("file `{name}`"),
                        Demand::Line,
                    );
                }
            }
            let (opens, closes) = (0..1, code.len() - 1..code.len());
            put(closes, "", "closing mark dropped", "delimiter".into(), Demand::Near);
            // Without what opens it, it is text like any other; that a tag is missing shows at its partner.
            let first = words.first().map_or("", |first| &code[first.clone()]);
            let demand = if has_partner(first) { Demand::Within(1..=last) } else { Demand::Nothing };
            put(opens, "", "opening mark dropped", "delimiter".into(), demand);
        }
        let tag = if line.trim_start().starts_with("{%") { insides(line) } else { Vec::new() };
        if let [tag] = tag.as_slice() {
            let code = &line[tag.clone()];
            let word = identifiers(code).first().map_or("", |first| &code[first.clone()]);
            if !has_partner(word) {
                continue;
            }
            found.push(Mutation::replace(
                site,
                file,
                text,
                number,
                &[],
                "line dropped",
                format!("tag `{word}`"),
                Demand::Within(1..=last),
            ));
        }
    }
    found.extend(definitions_dropped(site, file, text, &lines));
    found
}

/// Whether a tag comes in pairs.
fn has_partner(tag: &str) -> bool {
    matches!(tag.strip_prefix("end").unwrap_or(tag), "if" | "for" | "block" | "macro")
}

/// `{% set x = … %}` and `{% import … as x %}` dropped: their names are used.
fn definitions_dropped(site: &'static str, file: &str, text: &str, lines: &[&str]) -> Vec<Mutation> {
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let words: Vec<&str> = identifiers(line).into_iter().map(|range| &line[range]).collect();
        let name = match words.as_slice() {
            ["set", name, ..] => name,
            ["import", .., "as", name] => name,
            _ => continue,
        };
        let dropped = Mutation::replace(
            site,
            file,
            text,
            number,
            &[],
            "line dropped",
            format!("definition of `{name}`"),
            Demand::Definition,
        );
        found.push(dropped.word(name));
    }
    found
}

/// What is between delimiters, with the inner marks of them: `{ x }` of `{{ x }}`.
fn insides(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (open, close) in [("{{", "}}"), ("{%", "%}")] {
        let mut at = 0;
        while let Some(start) = line[at..].find(open).map(|start| at + start) {
            let Some(end) = line[start..].find(close).map(|end| start + end) else { break };
            found.push(start + 1..end + 1);
            at = end + 2;
        }
    }
    found
}
