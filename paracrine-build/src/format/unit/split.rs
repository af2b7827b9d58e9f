//! Words of a value as systemd splits them, with quotes and escapes.

/// What quotes and backslashes are to a parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    /// Quotes are characters like others; a backslash takes the next one as it is.
    Plain,
    /// Quotes enclose; a backslash takes the next character as it is.
    Quoted,
    /// Quotes enclose; backslashes stay.
    Raw,
    /// Quotes enclose; backslashes begin the escapes of C.
    Escaped,
}

/// A quote that is not closed, and what it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unclosed(pub(super) String);

/// A value that is being split.
pub(super) struct Split<'t> {
    /// What has not been read, without blanks before it.
    pub(super) rest: &'t str,
    quotes: Quotes,
    /// Backslashes that begin nothing, with what follows each.
    pub(super) unknown: Vec<String>,
}

const BLANKS: &[char] = &[' ', '\t', '\n', '\r'];

impl<'t> Split<'t> {
    pub(super) fn new(text: &'t str, quotes: Quotes) -> Self {
        Self { rest: text.trim_start_matches(BLANKS), quotes, unknown: Vec::new() }
    }

    /// The next word.
    pub(super) fn word(&mut self) -> Result<Option<String>, Unclosed> {
        let mut rest = self.rest.trim_start_matches(BLANKS);
        self.rest = "";
        if rest.is_empty() {
            return Ok(None);
        }
        let mut word = String::new();
        let mut open: Option<(char, &str)> = None;
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            match (c, open) {
                ('\\', _) if self.quotes != Quotes::Raw => {
                    rest = &after[self.escape(after, &mut word)..];
                    continue;
                }
                ('"' | '\'', None) if self.quotes != Quotes::Plain => open = Some((c, rest)),
                (_, Some((quote, _))) if quote == c => open = None,
                (_, None) if BLANKS.contains(&c) => {
                    self.rest = rest.trim_start_matches(BLANKS);
                    return Ok(Some(word));
                }
                _ => word.push(c),
            }
            rest = after;
        }
        match open {
            Some((_, from)) => Err(Unclosed(from.to_owned())),
            None => Ok(Some(word)),
        }
    }

    /// Adds what a backslash and `after` stand for to a word; how much of `after` belongs to it.
    fn escape(&mut self, after: &str, word: &mut String) -> usize {
        let next = after.chars().next();
        let known = match next {
            Some(c) if self.quotes != Quotes::Escaped => Some((c, c.len_utf8())),
            Some('a') => Some(('\u{7}', 1)),
            Some('b') => Some(('\u{8}', 1)),
            Some('f') => Some(('\u{c}', 1)),
            Some('n') => Some(('\n', 1)),
            Some('r') => Some(('\r', 1)),
            Some('t') => Some(('\t', 1)),
            Some('v') => Some(('\u{b}', 1)),
            Some('s') => Some((' ', 1)),
            Some(c @ ('\\' | '"' | '\'')) => Some((c, 1)),
            Some('x') => code(after, 1, 2, 16),
            Some('u') => code(after, 1, 4, 16),
            Some('U') => code(after, 1, 8, 16),
            Some('0'..='7') => code(after, 0, 3, 8),
            _ => None,
        };
        let length = next.map_or(0, char::len_utf8);
        match known {
            Some((c, length)) => {
                word.push(c);
                length
            }
            None => {
                let escape = format!("\\{}", &after[..length]);
                word.push_str(&escape);
                self.unknown.push(escape);
                length
            }
        }
    }
}

/// A character by its number, which begins after `skip` bytes.
fn code(after: &str, skip: usize, digits: usize, radix: u32) -> Option<(char, usize)> {
    let number = u32::from_str_radix(after.get(skip..skip + digits)?, radix).ok()?;
    // A byte may be a part of a character; what it becomes does not matter here.
    let c = char::from_u32(number).filter(|c| *c != '\0')?;
    Some((c, skip + digits))
}

/// All words.
pub(super) fn words(text: &str, quotes: Quotes) -> Result<Vec<String>, Unclosed> {
    let mut split = Split::new(text, quotes);
    let mut all = Vec::new();
    while let Some(word) = split.word()? {
        all.push(word);
    }
    Ok(all)
}
