//! Data files, by how their names end or by what the plan says: that they can be read at all.

mod json;
mod late;
mod line;

use paracrine_model::diagnostic::Code;
use paracrine_model::format::Format as Written;
use paracrine_model::source::Source;
use paracrine_model::yaml;

use super::entry::{At, Format, Sort};
use super::finding::{Finding, LATE, Look};
use line::number_of;

pub(super) const FORMAT: Format = Format { reads, about: |_| Vec::new(), look };

const JSON: Sort = "JSON";
const JSONC: Sort = "JSON with comments";
const JSON_LINES: Sort = "JSON lines";
const TOML: Sort = "TOML";
const YAML: Sort = "YAML";
const INI: Sort = "INI";

fn reads(path: &str) -> Option<Sort> {
    let name = path.rsplit('/').next()?;
    let (_, ending) = name.rsplit_once('.')?;
    // Words for people.
    if name.starts_with("README") {
        return None;
    }
    Some(match ending {
        "json" if json::takes_comments(path) => JSONC,
        "json" => JSON,
        "jsonc" => JSONC,
        "jsonl" | "ndjson" => JSON_LINES,
        "toml" => TOML,
        "yaml" | "yml" => YAML,
        _ => return None,
    })
}

/// The sort of what is declared; `None`: nobody looks at it.
pub(super) fn sort_of(written: Written) -> Option<Sort> {
    Some(match written {
        Written::Json => JSON,
        Written::Jsonc => JSONC,
        Written::JsonLines => JSON_LINES,
        Written::Toml => TOML,
        Written::Yaml => YAML,
        Written::Ini => INI,
        Written::Unchecked => return None,
    })
}

/// What is wrong with the content.
fn look(text: &str, at: At<'_>) -> Look {
    let findings = match at.sort {
        JSON => json::strict(text),
        JSONC => json::with_comments(text),
        JSON_LINES => json::lines(text),
        TOML => toml(text),
        YAML => yaml(text),
        INI => ini(text),
        _ => Vec::new(),
    };
    Look { findings, ..Look::default() }
}

fn wrong(line: u32, word: &str, message: impl Into<String>) -> Finding {
    Finding::error(Code::DATA_FILE, line, word, message)
}

/// Whether the text is a template of another engine, which only makes the data: Helm, Ansible, Go.
fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("<%")
}

fn toml(text: &str) -> Vec<Finding> {
    let Some(known) = late::filled(text, late::Quoting::Toml) else { return Vec::new() };
    let Err(error) = toml::from_str::<toml::Table>(&known) else { return Vec::new() };
    if is_template(text) {
        return Vec::new();
    }
    let at = error.span().map_or(known.len(), |span| span.start);
    let message = error.message().lines().next().unwrap_or_default().trim_end_matches('.');
    let (line, word) = number_of(&known, at);
    vec![wrong(line, word, format!("this is no TOML: {message}"))]
}

fn yaml(text: &str) -> Vec<Finding> {
    // A late value that is a line of its own may hold any number of them.
    let alone = |line: &str| line.contains(LATE) && line.trim().trim_matches(LATE).is_empty();
    if text.lines().any(alone) || is_template(text) {
        return Vec::new();
    }
    let Ok(source) = Source::new("content", text.replace(LATE, "x").into_bytes()) else { return Vec::new() };
    let Some(found) = yaml::well_formed(&source) else { return Vec::new() };
    let (line, column) =
        found.primary.as_ref().map_or((1, 1), |label| (label.place.line, label.place.column));
    let stands = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default();
    let from =
        stands.char_indices().nth(column.saturating_sub(1) as usize).map_or("", |(at, _)| &stands[at..]);
    let mut finding = wrong(line, line::word(from), format!("this is no YAML: {}", found.message));
    finding.help = found.help;
    vec![finding]
}

/// Keys may have no values, and their readers differ: what is told could be read by nobody.
fn ini(text: &str) -> Vec<Finding> {
    let lines = (1u32..).zip(text.trim_start_matches('\u{feff}').lines());
    lines
        .filter_map(|(number, line)| {
            let is_continued = line.starts_with([' ', '\t']);
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';', '!']) || line.contains(LATE) {
                return None;
            }
            if line.starts_with('[') {
                let closed = line.contains(']');
                return (!closed)
                    .then(|| wrong(number, line, format!("`{line}` is no section: its `]` is missing")));
            }
            let is_key = line.contains(['=', ':']) || !line.contains([' ', '\t']);
            (!is_key && !is_continued).then(|| {
                wrong(number, line, format!("`{line}` is neither a section nor a key with a value"))
                    .help("write `key = value`")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
