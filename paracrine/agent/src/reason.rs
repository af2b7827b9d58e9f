//! Why the system refused something, in words that fit into a sentence.

use rustix::io::Errno;

/// What the system calls it, as half a sentence.
pub(crate) fn reason(error: Errno) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// The same of an error of the standard library.
pub(crate) fn io_reason(error: &std::io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(error) => reason(error),
        None => error.to_string(),
    }
}
