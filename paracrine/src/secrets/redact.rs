//! Masks secrets' values in whatever comes back from a host. The agent has done so already; this is the second lock.

use paracrine_model::protocol::{Difference, Failure, OldContent, Outcome, Report};
use paracrine_model::text::LateValues;

/// Shorter values cannot be masked: they occur everywhere by chance, and masking them would tell them.
const SHORTEST: usize = 4;
/// The same for single lines of a value.
const SHORTEST_LINE: usize = 8;

/// Knows the values that one host was given.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    /// Value and name.
    masks: Vec<(String, String)>,
}

impl Redactor {
    /// For the values that were sent to a host.
    pub(crate) fn new(values: &LateValues) -> Self {
        let mut masks = Vec::new();
        for (late, value) in values.iter() {
            let name = late.to_string();
            // Programs quote single lines of keys and certificates.
            if value.contains('\n') {
                let lines = value
                    .lines()
                    .map(str::trim)
                    .filter(|line| line.len() >= SHORTEST_LINE);
                masks.extend(lines.map(|line| (line.to_owned(), name.clone())));
            }
            if value.len() >= SHORTEST {
                masks.push((value.to_owned(), name));
            }
        }
        Self { masks }
    }

    /// The text with the secrets' names in place of their values. Where values overlap, all that they cover goes.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut found: Vec<(usize, usize, &str)> = Vec::new();
        for (value, name) in &self.masks {
            // From each place on, so that a value that overlaps itself is covered to its end.
            let mut from = 0;
            while let Some(at) = text[from..].find(value.as_str()).map(|at| from + at) {
                found.push((at, at + value.len(), name));
                from = at + text[at..].chars().next().map_or(1, char::len_utf8);
            }
        }
        // The longest of those that begin at one place gives its name.
        found.sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
        let mut masked = String::with_capacity(text.len());
        let mut done = 0;
        for (start, end, name) in found {
            if start >= done {
                masked.push_str(&text[done..start]);
                masked.push_str(name);
            }
            done = done.max(end);
        }
        masked.push_str(&text[done..]);
        masked
    }

    /// Masks in all that a failure says.
    pub(crate) fn failure(&self, failure: Failure) -> Failure {
        Failure {
            message: self.text(&failure.message),
            output: failure.output.map(|output| self.text(&output)),
            help: failure.help.map(|help| self.text(&help)),
        }
    }

    /// Masks in all that a report says.
    pub(crate) fn report(&self, report: Report) -> Report {
        let outcome = match report.outcome {
            Outcome::Changed => Outcome::Changed,
            Outcome::MayChange { because } => Outcome::MayChange {
                because: self.text(&because),
            },
            Outcome::Failed(failure) => Outcome::Failed(self.failure(failure)),
        };
        let differences = report
            .differences
            .into_iter()
            .map(|difference| self.difference(difference))
            .collect();
        Report {
            outcome,
            differences,
            ..report
        }
    }

    fn difference(&self, difference: Difference) -> Difference {
        match difference {
            Difference::Create => Difference::Create,
            Difference::Remove { what } => Difference::Remove {
                what: self.text(&what),
            },
            Difference::Attribute { name, before, after } => Difference::Attribute {
                name: self.text(&name),
                before: before.map(|before| self.text(&before)),
                after: self.text(&after),
            },
            Difference::Content {
                before: OldContent::Text(text),
            } => Difference::Content {
                before: OldContent::Text(self.text(&text)),
            },
            Difference::Content { before } => Difference::Content { before },
            Difference::Action { verb, because } => Difference::Action {
                verb: self.text(&verb),
                because: self.text(&because),
            },
        }
    }
}
