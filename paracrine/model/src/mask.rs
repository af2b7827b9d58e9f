//! Keeps the values of secrets out of what is said: the agent masks before anything leaves its machine, the controller
//! once more before anything is shown.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use crate::late::LateValues;
use crate::protocol::{Difference, Failure, OldContent, Outcome, Report};

/// Shorter values are not masked in what programs say: `1` or `no` stands everywhere by chance, and a mask at each
/// such place would tell the value while making everything unreadable.
const SHORTEST: usize = 4;

/// Lines of a value of many lines that are shorter are not masked by themselves.
const SHORTEST_LINE: usize = 8;

/// Replaces secret values by their names: `‹secret DB_PASSWORD›`. Public late values are left as they are.
///
/// Found are the value itself, each longer line of one with several lines, and these as base64 (alone or within
/// something longer that was encoded), in URLs, in hexadecimal, in JSON and in shell quotes. Where values overlap, all
/// of what they cover goes.
pub struct Mask {
    /// The secret values, by the marks that take their place.
    values: Vec<(String, String)>,
    /// Made when the first text is masked: a run that finds nothing to say has none.
    patterns: OnceCell<Patterns>,
}

/// What is looked for.
#[derive(Default)]
struct Patterns {
    /// By their first byte, as that is how they are found; each with the place of its name.
    by_first: BTreeMap<u8, Vec<(String, usize)>>,
    names: Vec<String>,
}

impl Patterns {
    fn of(values: &[(String, String)]) -> Self {
        let mut patterns = Self::default();
        for (mark, value) in values {
            for form in forms(value) {
                if let Some(first) = form.bytes().next() {
                    patterns.by_first.entry(first).or_default().push((form, patterns.names.len()));
                }
            }
            patterns.names.push(mark.clone());
        }
        patterns
    }

    /// The longest that `bytes` begin with: its length and the place of its name.
    fn at(&self, bytes: &[u8]) -> Option<(usize, usize)> {
        let fitting =
            self.by_first.get(bytes.first()?)?.iter().filter(|(form, _)| bytes.starts_with(form.as_bytes()));
        fitting.map(|(form, name)| (form.len(), *name)).max_by_key(|(length, _)| *length)
    }
}

impl Mask {
    /// A mask for those of these values that are secret.
    pub fn new(values: &LateValues) -> Self {
        let mut mask = Self { values: Vec::new(), patterns: OnceCell::new() };
        mask.learn(values);
        mask
    }

    /// Masks these as well; a value that another one takes the place of stays masked.
    pub fn learn(&mut self, values: &LateValues) {
        for (late, value) in values.secrets() {
            let masked = (late.to_string(), value.to_owned());
            if !self.values.contains(&masked) {
                self.values.push(masked);
            }
        }
        self.patterns = OnceCell::new();
    }

    /// The text without values.
    pub fn text(&self, text: &str) -> String {
        let patterns = self.patterns.get_or_init(|| Patterns::of(&self.values));
        let bytes = text.as_bytes();
        // Disjoint, in order: from where, to where, and the length and name of the longest value in it.
        let mut covered: Vec<(usize, usize, (usize, usize))> = Vec::new();
        for start in 0..bytes.len() {
            let Some(found) = patterns.at(&bytes[start..]) else {
                continue;
            };
            let end = start + found.0;
            match covered.last_mut() {
                Some(last) if start < last.1 => {
                    last.1 = last.1.max(end);
                    if found.0 > last.2.0 {
                        last.2 = found;
                    }
                }
                _ => covered.push((start, end, found)),
            }
        }
        let mut masked = String::with_capacity(text.len());
        let mut done = 0;
        for (start, end, (_, name)) in covered {
            masked.push_str(&text[done..start]);
            masked.push_str(&patterns.names[name]);
            done = end;
        }
        masked.push_str(&text[done..]);
        masked
    }

    /// The failure without values.
    pub fn failure(&self, failure: Failure) -> Failure {
        Failure {
            message: self.text(&failure.message),
            output: failure.output.map(|output| self.text(&output)),
            help: failure.help.map(|help| self.text(&help)),
        }
    }

    /// The report without values.
    pub fn report(&self, report: Report) -> Report {
        let outcome = match report.outcome {
            Outcome::Changed => Outcome::Changed,
            Outcome::MayChange { because } => Outcome::MayChange { because: self.text(&because) },
            Outcome::Failed(failure) => Outcome::Failed(self.failure(failure)),
        };
        let differences =
            report.differences.into_iter().map(|difference| self.difference(difference)).collect();
        Report { outcome, differences, ..report }
    }

    /// The difference without values.
    pub fn difference(&self, difference: Difference) -> Difference {
        match difference {
            Difference::Create => Difference::Create,
            Difference::Remove { what } => Difference::Remove { what: self.text(&what) },
            Difference::Attribute { name, before, after } => Difference::Attribute {
                name: self.text(&name),
                before: before.map(|before| self.text(&before)),
                after: self.text(&after),
            },
            Difference::Content { before: OldContent::Text(text) } => {
                Difference::Content { before: OldContent::Text(self.text(&text)) }
            }
            Difference::Content { before } => Difference::Content { before },
            Difference::Action { verb, because } => {
                Difference::Action { verb: self.text(&verb), because: self.text(&because) }
            }
        }
    }
}

/// The ways in which a value is written.
fn forms(value: &str) -> Vec<String> {
    let mut forms = Vec::new();
    let lines = value.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE);
    let several = value.trim_end().contains('\n');
    for plain in [value, value.trim()].into_iter().chain(lines.filter(|_| several)) {
        forms.push(plain.to_owned());
        for set in [STANDARD, URL_SAFE] {
            forms.extend((0..3).map(|shift| base64(plain.as_bytes(), shift, set)));
        }
        forms.push(percent(plain, false, false));
        forms.push(percent(plain, true, false));
        forms.push(percent(plain, true, true));
        forms.push(plain.bytes().map(|byte| format!("{byte:02x}")).collect());
        forms.push(plain.bytes().map(|byte| format!("{byte:02X}")).collect());
        forms.push(json(plain));
        forms.push(plain.replace('\'', "'\\''"));
        forms.push(plain.escape_debug().to_string());
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort_unstable();
    forms.dedup();
    forms
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Those letters of the base64 of something that depend on `bytes` alone, which stand `shift` bytes (modulo 3) into
/// it.
fn base64(bytes: &[u8], shift: usize, set: &[u8; 64]) -> String {
    let bit = |index: usize| (bytes[index / 8] >> (7 - index % 8)) & 1;
    // The first letter that starts within `bytes`.
    let first = (6 - shift * 8 % 6) % 6;
    let letters = (bytes.len() * 8).saturating_sub(first) / 6;
    (0..letters)
        .map(|letter| {
            let start = first + letter * 6;
            let index = (start..start + 6).fold(0, |index, at| index << 1 | bit(at));
            char::from(set[usize::from(index)])
        })
        .collect()
}

fn percent(text: &str, capital: bool, form: bool) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            b' ' if form => encoded.push('+'),
            _ if capital => encoded.push_str(&format!("%{byte:02X}")),
            _ => encoded.push_str(&format!("%{byte:02x}")),
        }
    }
    encoded
}

fn json(text: &str) -> String {
    let mut encoded = String::new();
    for letter in text.chars() {
        match letter {
            '"' => encoded.push_str("\\\""),
            '\\' => encoded.push_str("\\\\"),
            '\n' => encoded.push_str("\\n"),
            '\r' => encoded.push_str("\\r"),
            '\t' => encoded.push_str("\\t"),
            control if u32::from(control) < 0x20 => {
                encoded.push_str(&format!("\\u{:04x}", u32::from(control)))
            }
            other => encoded.push(other),
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
