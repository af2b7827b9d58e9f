//! Whether what is there may be a text whose values are not all known yet.
//!
//! What a check says of a file with unknown values: *changed* where no values could make the file what it is; *may change*
//! where some could, as the apply may find just those. It never says *unchanged*. Values may be anything, empty or of
//! several lines. A value that stands in several places is the same in all of them: this is asked where it is the only
//! unknown one; of several unknown ones it is not, which at worst says *may change* of what will change.

use super::{Late, LateValues, Span, Text};

impl Text {
    /// Whether `actual` could be this text, whatever the values are that `values` does not know.
    pub fn may_be(&self, actual: &str, values: &LateValues) -> bool {
        let pattern = Pattern::of(self, values);
        match pattern.unknown.as_slice() {
            [] => pattern.literals.concat() == actual,
            [first, others @ ..] if others.iter().all(|other| other == first) => pattern.fits_one(actual),
            _ => pattern.fits_any(actual),
        }
    }
}

/// Literals, and between any two of them an unknown value.
struct Pattern<'a> {
    literals: Vec<String>,
    unknown: Vec<&'a Late>,
}

impl<'a> Pattern<'a> {
    fn of(text: &'a Text, values: &LateValues) -> Self {
        let (mut literals, mut unknown) = (Vec::new(), Vec::new());
        let mut literal = String::new();
        for span in text.spans() {
            match span {
                Span::Literal(text) => literal.push_str(text),
                Span::Late(late) => match values.get(late) {
                    Some(value) => literal.push_str(value),
                    None => {
                        literals.push(std::mem::take(&mut literal));
                        unknown.push(late);
                    }
                },
            }
        }
        literals.push(literal);
        Self { literals, unknown }
    }

    /// With one value in all places: its length follows from that of the whole, and its text from the first place.
    fn fits_one(&self, actual: &str) -> bool {
        let known: usize = self.literals.iter().map(String::len).sum();
        let places = self.unknown.len();
        let length = match actual.len().checked_sub(known) {
            Some(left) if left % places == 0 => left / places,
            _ => return false,
        };
        let start = self.literals[0].len();
        actual.get(start..start + length).is_some_and(|value| self.literals.join(value) == actual)
    }

    /// With any text in each place.
    fn fits_any(&self, actual: &str) -> bool {
        let [first, between @ .., last] = self.literals.as_slice() else {
            return false;
        };
        let within = actual.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()));
        within.is_some_and(|mut rest| {
            // The earliest place for each leaves the most room for the others.
            between.iter().all(|literal| match rest.split_once(literal.as_str()) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
        })
    }
}

#[cfg(test)]
mod tests;
