//! Masks secrets' values in whatever comes back from a host. The agent has done so already; this is the second lock.

use paracrine_model::protocol::{Difference, Failure, OldContent, Outcome, Report};
use paracrine_model::text::LateValues;

/// Shorter values, and shorter lines of values, cannot be masked: they occur everywhere by chance, and masking them
/// would tell them.
pub(crate) const SHORTEST: usize = 4;

/// Knows the values that one host was given.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    /// Longest first, so that a value within another does not lay half of it bare.
    masks: Vec<(String, String)>,
}

impl Redactor {
    /// For the values that were sent to a host.
    pub(crate) fn new(values: &LateValues) -> Self {
        let mut masks = Vec::new();
        for (late, value) in values.iter() {
            masks.push((value.to_owned(), late.to_string()));
            // Programs quote single lines of keys and certificates.
            if value.contains('\n') {
                masks.extend(value.lines().map(|line| (line.trim().to_owned(), late.to_string())));
            }
        }
        masks.retain(|(value, _)| value.chars().count() >= SHORTEST);
        masks.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        masks.dedup_by(|(a, _), (b, _)| a == b);
        Self { masks }
    }

    /// The text with the secrets' names in place of their values.
    pub(crate) fn text(&self, text: &str) -> String {
        // Where each value occurs next; looked for again only when the text before it has been dealt with.
        let mut next: Vec<_> = self.masks.iter().map(|(value, _)| text.find(value.as_str())).collect();
        let mut masked = String::with_capacity(text.len());
        let mut done = 0;
        loop {
            for (next, (value, _)) in next.iter_mut().zip(&self.masks) {
                if next.is_some_and(|at| at < done) {
                    *next = text[done..].find(value.as_str()).map(|at| done + at);
                }
            }
            // Of several at one place the first: they are sorted, the longest first.
            let first = next.iter().zip(&self.masks).filter_map(|(at, mask)| Some(((*at)?, mask)));
            let Some((at, (value, name))) = first.min_by_key(|(at, _)| *at) else { break };
            masked.push_str(&text[done..at]);
            masked.push_str(name);
            done = at + value.len();
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
            Outcome::MayChange { because } => Outcome::MayChange { because: self.text(&because) },
            Outcome::Failed(failure) => Outcome::Failed(self.failure(failure)),
        };
        let differences = report.differences.into_iter().map(|difference| self.difference(difference)).collect();
        Report { outcome, differences, ..report }
    }

    fn difference(&self, difference: Difference) -> Difference {
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
