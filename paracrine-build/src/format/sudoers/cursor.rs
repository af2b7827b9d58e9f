//! Lines of sudoers, and reading them from left to right.

use super::super::finding::Finding;
use super::wrong;

/// A line with those that continue it.
pub(super) struct Line {
    pub(super) text: String,
    /// Where in it the lines of the file begin.
    starts: Vec<(usize, u32)>,
    /// Whether it ends in a backslash, and the file with it.
    pub(super) is_open: bool,
}

impl Line {
    /// All lines, without comments.
    pub(super) fn all(text: &str) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        let mut continued = false;
        for (number, line) in (1u32..).zip(text.lines()) {
            if !continued {
                all.push(Self { text: String::new(), starts: Vec::new(), is_open: false });
            }
            let Some(last) = all.last_mut() else { break };
            let code = last.without_comment(line, continued);
            let stripped = code.trim_end();
            // Blanks may follow the backslash.
            let escapes = stripped.bytes().rev().take_while(|byte| *byte == b'\\').count();
            let goes_on = escapes % 2 == 1 && code.len() == line.len();
            let piece = if goes_on { &stripped[..stripped.len() - 1] } else { code };
            if continued {
                last.text.push(' ');
            }
            last.starts.push((last.text.len(), number));
            last.text.push_str(if continued { piece.trim_start() } else { piece });
            last.is_open = goes_on;
            continued = goes_on;
        }
        all.retain(|line| !line.text.trim().is_empty());
        all
    }

    /// A piece of a line up to its comment. Within quotes there is none, but quotes mean nothing in commands.
    fn without_comment<'t>(&self, piece: &'t str, continued: bool) -> &'t str {
        let directive = !continued
            && ["#include ", "#include\t", "#includedir ", "#includedir\t"]
                .iter()
                .any(|word| piece.starts_with(word));
        if directive {
            return piece;
        }
        let settings = if continued { &self.text } else { piece }.trim_start().starts_with("Defaults");
        let mut in_command = !settings && self.text.contains('=');
        let (mut quoted, mut before) = (false, ' ');
        for (at, c) in piece.char_indices() {
            match c {
                '"' if before != '\\' && !in_command => quoted = !quoted,
                '=' if !quoted && !settings => in_command = true,
                '#' if !quoted && before != '\\' && !is_id(&piece[at..]) => return &piece[..at],
                _ => {}
            }
            before = if before == '\\' && c == '\\' { ' ' } else { c };
        }
        piece
    }

    /// The line of the file in which that byte stands.
    pub(super) fn number(&self, at: usize) -> u32 {
        let before = self.starts.iter().rev().find(|(start, _)| *start <= at);
        before.or(self.starts.first()).map_or(1, |(_, number)| *number)
    }
}

/// `#1000`, and `#-1`: an id, where `#` otherwise begins a comment.
fn is_id(text: &str) -> bool {
    let rest = text.get(1..).unwrap_or_default();
    rest.strip_prefix('-').unwrap_or(rest).starts_with(|c: char| c.is_ascii_digit())
}

/// How far a line has been read.
pub(super) struct Cursor<'t> {
    line: &'t Line,
    rest: &'t str,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(line: &'t Line) -> Self {
        Self { line, rest: &line.text }
    }

    /// What has not been read, from its first word.
    pub(super) fn rest(&mut self) -> &'t str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    /// Whether blanks come next.
    pub(super) fn at_blank(&self) -> bool {
        self.rest.starts_with([' ', '\t'])
    }

    /// Goes on behind so many bytes.
    pub(super) fn skip(&mut self, bytes: usize) -> &'t str {
        let (read, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        read
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.rest().is_empty()
    }

    /// Takes a text that comes next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        match self.rest().strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes a word: with quotes, an id, or plain; `None` where none comes next.
    pub(super) fn word(&mut self) -> Result<Option<&'t str>, Finding> {
        let rest = self.rest();
        if let Some(inner) = rest.strip_prefix('"') {
            let mut before = ' ';
            let close = inner.char_indices().find(|(_, c)| {
                let found = *c == '"' && before != '\\';
                before = *c;
                found
            });
            let Some((close, _)) = close else {
                return Err(self.wrong(rest, "a `\"` is not closed"));
            };
            if close == 0 {
                return Err(self.wrong("\"\"", "sudo takes no empty text"));
            }
            self.rest = &inner[close + 1..];
            return Ok(Some(&inner[..close]));
        }
        let length = if is_id(rest) && rest.starts_with('#') {
            1 + rest[1..].find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(rest.len() - 1)
        } else {
            plain(rest, "#>!=:,() \t\"")
        };
        Ok((length > 0).then(|| self.skip(length)))
    }

    /// Takes all up to one of these characters that no backslash precedes.
    pub(super) fn until(&mut self, ends: &str) -> &'t str {
        let length = plain(self.rest(), ends);
        self.skip(length)
    }

    /// What is wrong at the place that has been reached.
    pub(super) fn wrong(&self, word: &str, message: impl Into<String>) -> Finding {
        let at = self.line.text.len() - self.rest.len();
        wrong(self.line.number(at), word.trim_end(), message)
    }
}

/// How long the text is before one of these characters that no backslash precedes.
fn plain(text: &str, ends: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().find(|(_, c)| {
        let found = !escaped && ends.contains(*c);
        escaped = *c == '\\' && !escaped;
        found
    });
    end.map_or(text.len(), |(at, _)| at)
}
