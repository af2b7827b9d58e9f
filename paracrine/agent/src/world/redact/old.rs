//! What was in a file, as far as it may be shown.
//!
//! A file that holds secrets, or that not everybody may read, is never shown. What is shown instead is put together
//! from the desired text alone, whose literal parts and public values are known to all who see the plan: a line of the
//! old file that is a line of the desired text is shown as that line, and one that would be if its late values were
//! others, as that line with a mark. So whatever the old file holds, and however wrong a line is recognised, no byte of it gets out.

use std::collections::HashMap;

use paracrine_model::late::{Late, LateValues};
use paracrine_model::protocol::OldContent;
use paracrine_model::text::{Span, Text};

use super::Mask;

/// Longer files are not shown.
pub(crate) const LARGEST_SHOWN: u64 = 64 * 1024;

/// Stands for a line that may hold a secret.
const HIDDEN: &str = "‹hidden line›";

/// Steps of fitting lines of one file to lines of the desired text, after which no more are recognised.
const STEPS: u32 = 2_000_000;

/// Steps of fitting one line to one line.
const STEPS_OF_LINE: u32 = 20_000;

/// What was in a file.
///
/// `desired` is `None` where what should be there is no text or not known here; `private` tells that not everybody
/// may read the old file.
pub(crate) fn old_content(
    old: &[u8],
    desired: Option<&Text>,
    values: &LateValues,
    private: bool,
) -> OldContent {
    let opaque = OldContent::Opaque { length: old.len() as u64 };
    let text = match std::str::from_utf8(old) {
        Ok(text) if old.len() as u64 <= LARGEST_SHOWN => text,
        _ => return opaque,
    };
    if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\t' | '\r')) {
        return opaque;
    }
    if private || desired.is_some_and(Text::is_secret) {
        let nothing = Text::default();
        OldContent::Text(Lines::of(desired.unwrap_or(&nothing), values).redact(text))
    } else {
        OldContent::Text(Mask::new(values).text(text))
    }
}

/// A piece of a line.
#[derive(Clone, Debug)]
enum Piece<'a> {
    Literal(&'a str),
    /// With its value, if it is known.
    Late(&'a Late, Option<&'a str>),
}

/// A line of the desired text. With its values in place it may be several lines.
struct Line<'a> {
    pieces: Vec<Piece<'a>>,
    /// With its values in place; `None` where one is not known yet.
    resolved: Option<String>,
}

impl<'a> Line<'a> {
    fn push(&mut self, piece: Piece<'a>, value: Option<&str>) {
        self.pieces.push(piece);
        match (&mut self.resolved, value) {
            (Some(resolved), Some(value)) => resolved.push_str(value),
            (resolved, _) => *resolved = None,
        }
    }

    fn has_late(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Late(..)))
    }

    /// Whether there is anything in it by which a line with other values can be told.
    fn is_recognisable(&self) -> bool {
        self.has_late()
            && self
                .pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Literal(text) if !text.trim().is_empty()))
    }

    /// Whether a value in it has several lines now.
    fn long_value(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Late(_, Some(value)) if value.contains('\n')))
    }

    fn shown(&self, mut same: impl FnMut() -> bool) -> String {
        self.pieces.iter().fold(String::new(), |mut shown, piece| {
            match piece {
                Piece::Literal(text) => shown.push_str(text),
                Piece::Late(late, value) => match (same(), value) {
                    (true, Some(value)) if !late.is_secret() => shown.push_str(value),
                    (true, _) => shown.push_str(&late.to_string()),
                    // `‹another secret DB_PASSWORD›`
                    (false, Some(_)) => shown.push_str(&late.mark("another")),
                    // Which may prove to be what should be there.
                    (false, None) => shown.push_str(&late.mark("present")),
                },
            }
            shown
        })
    }
}

/// The lines of the desired text, and where to find them.
struct Lines<'a> {
    lines: Vec<Line<'a>>,
    /// By the first of the lines that they are with their values in place; in order.
    by_first: HashMap<String, Vec<usize>>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a Text, values: &'a LateValues) -> Self {
        let new = || Line { pieces: Vec::new(), resolved: Some(String::new()) };
        let mut lines = vec![new()];
        for span in text.spans() {
            match span {
                Span::Literal(literal) => {
                    for (index, part) in literal.split('\n').enumerate() {
                        if index > 0 {
                            lines.push(new());
                        }
                        if let (Some(line), false) = (lines.last_mut(), part.is_empty()) {
                            line.push(Piece::Literal(part), Some(part));
                        }
                    }
                }
                Span::Late(late) => {
                    if let Some(line) = lines.last_mut() {
                        let value = values.get(late);
                        line.push(Piece::Late(late, value), value);
                    }
                }
            }
        }
        // What follows the final line break is no line.
        if lines.last().is_some_and(|line| line.pieces.is_empty()) {
            lines.pop();
        }
        let mut by_first: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, line) in lines.iter().enumerate() {
            let first = line.resolved.as_ref().and_then(|resolved| resolved.split('\n').next());
            if let Some(first) = first {
                by_first.entry(first.to_owned()).or_default().push(index);
            }
        }
        Self { lines, by_first }
    }

    fn redact(&self, old: &str) -> String {
        let mut shown = Shown::default();
        let mut rest = old;
        let mut steps = STEPS;
        // The line of the desired text that was recognised last, and whether what follows may belong to it.
        let (mut last, mut open): (Option<usize>, bool) = (None, false);
        while !rest.is_empty() {
            if let Some((index, length)) = self.equal(rest, last) {
                shown.push(&self.lines[index].shown(|| true), &mut rest, length);
                (last, open) = (Some(index), false);
                continue;
            }
            let length = rest.find('\n').unwrap_or(rest.len());
            if let Some((index, text)) = self.similar(&rest[..length], last, &mut steps) {
                shown.push(&text, &mut rest, length);
                (last, open) = (Some(index), self.lines[index].long_value());
                continue;
            }
            let next = last.map_or(0, |last| last + 1);
            match self.lines.get(next) {
                // One more line of a value that had several.
                _ if open => shown.swallow(&mut rest, length),
                // A line with nothing but a secret, where the desired text has one.
                Some(line) if line.has_late() && !line.is_recognisable() => {
                    shown.push(&line.shown(|| false), &mut rest, length);
                    (last, open) = (Some(next), line.long_value());
                }
                // No place for a secret.
                _ if length == 0 => shown.push("", &mut rest, length),
                _ => shown.push(HIDDEN, &mut rest, length),
            }
        }
        shown.text
    }

    /// The line of the desired text that `rest` begins with, and its length; rather one after `last` than before.
    fn equal(&self, rest: &str, last: Option<usize>) -> Option<(usize, usize)> {
        let first = rest.split('\n').next().unwrap_or_default();
        let fitting = self.by_first.get(first)?.iter().filter_map(|index| {
            let resolved = self.lines[*index].resolved.as_deref()?;
            let after = rest.strip_prefix(resolved)?;
            (after.is_empty() || after.starts_with('\n')).then_some((*index, resolved.len()))
        });
        let longest = fitting.clone().map(|(_, length)| length).max()?;
        let mut best = fitting.filter(|(_, length)| *length == longest);
        let first = best.clone().next();
        best.find(|(index, _)| last.is_none_or(|last| *index > last)).or(first)
    }

    /// The line of the desired text that `line` would be if its late values were others; rather one after `last`.
    fn similar(&self, line: &str, last: Option<usize>, steps: &mut u32) -> Option<(usize, String)> {
        let next = last.map_or(0, |last| last + 1).min(self.lines.len());
        let order = (next..self.lines.len()).chain(0..next);
        for index in order {
            let candidate = &self.lines[index];
            if !candidate.is_recognisable() {
                continue;
            }
            let mut same = Vec::new();
            let allowed = STEPS_OF_LINE.min(*steps);
            let mut left = allowed;
            let fitting = fits(&candidate.pieces, line, &mut same, &mut left);
            *steps -= allowed - left;
            if fitting {
                let mut same = same.into_iter();
                return Some((index, candidate.shown(|| same.next().unwrap_or_default())));
            }
        }
        None
    }
}

/// Whether a line consists of these pieces, with anything in place of late ones; tells for each of those whether its
/// value is there, preferring that it is.
fn fits(pieces: &[Piece<'_>], line: &str, same: &mut Vec<bool>, steps: &mut u32) -> bool {
    let Some(left) = steps.checked_sub(1) else {
        return false;
    };
    *steps = left;
    let Some((piece, after)) = pieces.split_first() else {
        return line.is_empty();
    };
    match piece {
        Piece::Literal(text) => line.strip_prefix(text).is_some_and(|rest| fits(after, rest, same, steps)),
        Piece::Late(_, value) => {
            let known = same.len();
            let value = value.filter(|value| !value.is_empty());
            if let Some(rest) = value.and_then(|value| line.strip_prefix(value)) {
                same.push(true);
                if fits(after, rest, same, steps) {
                    return true;
                }
                same.truncate(known);
            }
            let ends = line.char_indices().map(|(at, letter)| at + letter.len_utf8());
            for end in ends {
                match steps.checked_sub(1) {
                    Some(left) => *steps = left,
                    None => return false,
                }
                // Only an end after which what follows can follow is worth an attempt.
                let rest = &line[end..];
                let possible = match after.first() {
                    None => rest.is_empty(),
                    Some(Piece::Literal(text)) => rest.starts_with(text),
                    Some(Piece::Late(..)) => !rest.is_empty(),
                };
                if !possible {
                    continue;
                }
                same.push(false);
                if fits(after, rest, same, steps) {
                    return true;
                }
                same.truncate(known);
            }
            false
        }
    }
}

/// The text that is shown.
#[derive(Default)]
struct Shown {
    text: String,
}

impl Shown {
    /// Shows a line in place of the next `length` bytes, with a line break if one follows there.
    fn push(&mut self, line: &str, rest: &mut &str, length: usize) {
        self.text.push_str(line);
        *rest = &rest[length..];
        if let Some(after) = rest.strip_prefix('\n') {
            self.text.push('\n');
            *rest = after;
        }
    }

    /// Passes over a line that belongs to the one before.
    fn swallow(&mut self, rest: &mut &str, length: usize) {
        *rest = &rest[length..];
        match rest.strip_prefix('\n') {
            Some(after) => *rest = after,
            None => {
                // The file ends without a line break here, and so does what is shown.
                self.text.pop();
            }
        }
    }
}
