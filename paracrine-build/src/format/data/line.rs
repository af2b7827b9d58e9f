//! Places in a text.

/// The line of a byte, from 1, and the word that begins there.
pub(super) fn number_of(text: &str, at: usize) -> (u32, &str) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    // Behind the last line stands nothing: the mistake is in it.
    let read = text[..at].trim_end_matches(if at == text.len() { &['\n', '\r', ' ', '\t'][..] } else { &[] });
    let line = 1 + read.bytes().filter(|byte| *byte == b'\n').count();
    (u32::try_from(line).unwrap_or(u32::MAX), word(&text[at..]))
}

/// The first word of a text, or its first character; nothing at the end of a line.
pub(super) fn word(text: &str) -> &str {
    let length = text.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-')).unwrap_or(text.len());
    let first = text.chars().next().filter(|c| !c.is_whitespace()).map_or(0, char::len_utf8);
    &text[..length.max(first)]
}
