//! Where a word of a content stands in the file that the content came from.

use paracrine_model::diagnostic::Place;
use paracrine_model::source::Source;

use crate::site_files::SiteFiles;

/// The place of a word in a line of `text`, which was made from the file `path` of the site: in a file that is sent as it
/// is that line, in a template the one line that reads the same, or reads the same as far as it is literal.
pub(super) fn of(files: &SiteFiles, path: &str, text: &str, line: u32, word: &str) -> Option<Place> {
    let (source, is_template) = files.text(path)?;
    if !is_template {
        return place(&source, line, word);
    }
    let wanted = text.lines().nth(line as usize - 1)?;
    let only = |is_it: &dyn Fn(&str) -> bool| {
        let mut found = (1..=source.line_count()).filter(|number| source.line(*number).is_some_and(is_it));
        found.next().filter(|_| found.next().is_none())
    };
    let same = only(&|line| line == wanted);
    let line = match same {
        None if !word.is_empty() => only(&|line| reads_as(line, wanted, word)),
        same => same,
    };
    place(&source, line?, word)
}

/// The place of a word in a line; where the word is not in it, of the line.
fn place(source: &Source, line: u32, word: &str) -> Option<Place> {
    let text = source.line(line)?;
    let count = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    let (column, length) = match text.find(word).filter(|_| !word.is_empty()) {
        Some(at) => (count(&text[..at]) + 1, count(word)),
        None => (1, count(text)),
    };
    Some(Place::new(source.path().clone(), line, column, length))
}

/// Whether a template's line may have become `wanted`, with `word` in what it says itself.
fn reads_as(line: &str, wanted: &str, word: &str) -> bool {
    let Some((start, mut rest)) = line.split_once("{{") else { return false };
    let Some(mut left) = wanted.strip_prefix(start) else { return false };
    let mut has_word = start.contains(word);
    while let Some((_, after)) = rest.split_once("}}") {
        let (piece, next) = after.split_once("{{").unwrap_or((after, ""));
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
        has_word |= piece.contains(word);
        rest = next;
    }
    has_word
}

#[cfg(test)]
mod tests {
    use super::reads_as;

    #[test]
    fn lines_of_templates_are_known_by_what_they_say_themselves() {
        assert!(reads_as("15 {{ hour }} * * * roto {{ x }} y", "15 3 * * * roto 1 y", "roto"));
        assert!(!reads_as("15 {{ hour }} * * * root x", "15 3 * * * roto x", "roto"));
        assert!(!reads_as("{{ user }} x", "roto x", "roto"));
        assert!(!reads_as("no places", "no places", "no"));
    }
}
