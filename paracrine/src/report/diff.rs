//! Contents of files before and after, line by line.

use std::time::Duration;

use paracrine_model::protocol::OldContent;
use similar::{ChangeTag, TextDiff};

use super::style::size;
use crate::event::NewContent;

/// Lines of context around a change.
const CONTEXT: usize = 3;
/// A diff that takes longer is made coarser.
const PATIENCE: Duration = Duration::from_millis(500);
/// Longer lines are cut.
const LONGEST_LINE: usize = 500;

/// One line of a diff, without its sign and its line break; not escaped yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// `@@ -1,3 +1,4 @@`
    Hunk(String),
    /// The same on both sides.
    Same(String),
    /// Only there before.
    Old(String),
    /// Only there after.
    New(String),
    /// Something about the contents: their sizes, a missing line break.
    Note(String),
}

/// The way from the content that is there to the one that should be.
pub(crate) fn diff(before: &OldContent, after: Option<&NewContent>) -> Vec<Line> {
    match (before, after) {
        (OldContent::Text(before), Some(NewContent::Text(after))) => texts(before, after),
        (OldContent::None, Some(NewContent::Text(after))) => {
            let mut lines = Vec::new();
            for line in after.split_inclusive('\n') {
                push(&mut lines, Line::New, line);
            }
            lines
        }
        (OldContent::None, Some(NewContent::Opaque { length })) => {
            vec![Line::Note(format!("{}, not shown", size(*length)))]
        }
        (before, after) => {
            let before = match before {
                OldContent::None => "nothing".to_owned(),
                OldContent::Text(text) => size(text.len() as u64),
                OldContent::Opaque { length } => size(*length),
            };
            let after = match after {
                None => "other content".to_owned(),
                Some(NewContent::Text(text)) => size(text.len() as u64),
                Some(NewContent::Opaque { length }) => size(*length),
            };
            vec![Line::Note(format!("content {before} → {after}, not shown"))]
        }
    }
}

fn texts(before: &str, after: &str) -> Vec<Line> {
    if before == after {
        return vec![Line::Note("only the values of secrets differ".to_owned())];
    }
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let diff = TextDiff::configure().timeout(PATIENCE).diff_slices(&old, &new);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let old = range(first.old_range().start, last.old_range().end);
        let new = range(first.new_range().start, last.new_range().end);
        lines.push(Line::Hunk(format!("@@ -{old} +{new} @@")));
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let kind = match change.tag() {
                ChangeTag::Equal => Line::Same,
                ChangeTag::Delete => Line::Old,
                ChangeTag::Insert => Line::New,
            };
            push(&mut lines, kind, change.value());
        }
    }
    lines
}

/// A range of lines as unified diffs have it.
fn range(start: usize, end: usize) -> String {
    match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        length => format!("{},{length}", start + 1),
    }
}

fn push(lines: &mut Vec<Line>, kind: fn(String) -> Line, line: &str) {
    let (text, ended) = match line.strip_suffix('\n') {
        Some(text) => (text, true),
        None => (line, false),
    };
    lines.push(kind(match text.char_indices().nth(LONGEST_LINE) {
        Some((cut, _)) => format!("{}… ({} characters)", &text[..cut], text.chars().count()),
        None => text.to_owned(),
    }));
    if !ended {
        lines.push(Line::Note("\\ no newline at end of file".to_owned()));
    }
}
