//! Why the system does not do something, in words.

use std::io;

/// An error of the system without its number, as it stands in the middle of a sentence.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    match letters.next() {
        // Not more: it may name a path.
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}
