//! Rust's text in pieces.

use std::ops::Range;

/// What a piece of Rust is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or keyword.
    Word,
    /// Text in quotes.
    Text,
    /// A number.
    Number,
    /// Any other character.
    Mark(char),
}

/// A piece of the text with its place.
pub(super) struct Piece {
    pub(super) token: Token,
    pub(super) at: Range<usize>,
}

/// Rust in pieces, without its comments.
pub(super) struct Lexed<'t> {
    pub(super) text: &'t str,
    pub(super) pieces: Vec<Piece>,
    /// The first byte of each line.
    lines: Vec<usize>,
}

impl Lexed<'_> {
    /// The text of a piece.
    pub(super) fn word(&self, piece: usize) -> &str {
        self.pieces.get(piece).map_or("", |piece| &self.text[piece.at.clone()])
    }

    fn line_of(&self, byte: usize) -> usize {
        self.lines.partition_point(|first| *first <= byte) - 1
    }

    /// The number of the line of a piece.
    pub(super) fn number(&self, piece: usize) -> u32 {
        u32::try_from(self.place(piece).0 + 1).unwrap_or(u32::MAX)
    }

    /// The first piece of the statement that a piece lies in.
    pub(super) fn statement(&self, piece: usize) -> usize {
        let before = (0..piece).rev().find(|at| matches!(self.word(*at), ";" | "{" | "}"));
        before.map_or(0, |before| before + 1)
    }

    /// The line of a piece, and its bytes there.
    pub(super) fn place(&self, piece: usize) -> (usize, Range<usize>) {
        self.span(self.pieces[piece].at.clone())
    }

    /// The line of some bytes, and which they are there.
    pub(super) fn span(&self, at: Range<usize>) -> (usize, Range<usize>) {
        let line = self.line_of(at.start);
        let first = self.lines[line];
        (line, at.start - first..at.end - first)
    }
}

/// Takes Rust apart, as far as roles use it.
pub(super) fn lex(text: &str) -> Lexed<'_> {
    let bytes = text.as_bytes();
    let mut pieces = Vec::new();
    let mut lines = vec![0];
    lines.extend(text.match_indices('\n').map(|(at, _)| at + 1));
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let end_of =
            |good: &dyn Fn(u8) -> bool| start + bytes[start..].iter().take_while(|byte| good(**byte)).count();
        let token = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = end_of(&|byte| byte != b'\n');
                continue;
            }
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'"' => {
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                Token::Text
            }
            byte if byte.is_ascii_digit() => {
                at = end_of(&|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                Token::Number
            }
            byte if byte.is_ascii_alphabetic() || byte == b'_' => {
                at = end_of(&|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                Token::Word
            }
            byte => {
                at += 1;
                Token::Mark(byte as char)
            }
        };
        pieces.push(Piece { token, at: start..at });
    }
    Lexed { text, pieces, lines }
}
