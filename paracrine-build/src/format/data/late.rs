//! Late values in data: as far as what they will be does not matter for what is around them.

use super::LATE;

/// How a language quotes, and what comments it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    /// `"…"`, and no comments that matter.
    Json,
    /// `"…"`, `'…'`, both three times over lines, and `#`.
    Toml,
}

/// The text with a number in place of each late value that stands where a value belongs; those within quotes stay.
/// `None` where a late value may be something else.
pub(super) fn filled(text: &str, quoting: Quoting) -> Option<String> {
    if !text.contains(LATE) {
        return Some(text.to_owned());
    }
    let mut filled = String::new();
    // The brackets that are open.
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(length) = quoted(rest, quoting) {
            filled.push_str(&rest[..length]);
            rest = &rest[length..];
        } else if c == LATE {
            let after = rest.trim_start_matches(LATE);
            let before = filled.trim_end().chars().next_back();
            let next = after.trim_start_matches([' ', '\t']).chars().next();
            let opens = match before {
                None => quoting == Quoting::Json,
                Some(',' | '[') => open.last() == Some(&'['),
                before => matches!(before, Some(':' | '=')),
            };
            let ends = matches!(next, None | Some(',' | '}' | ']' | '\n' | '\r' | '#' | '/'));
            if !opens || !ends {
                return None;
            }
            filled.push('0');
            rest = after;
        } else {
            match c {
                '[' | '{' => open.push(c),
                ']' | '}' => drop(open.pop()),
                _ => {}
            }
            filled.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    Some(filled)
}

/// How long the quoted text or the comment is that begins here.
fn quoted(text: &str, quoting: Quoting) -> Option<usize> {
    let quotes: &[&str] = match quoting {
        Quoting::Json => &["\""],
        Quoting::Toml => &["\"\"\"", "'''", "\"", "'"],
    };
    if quoting == Quoting::Toml && text.starts_with('#') {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let quote = *quotes.iter().find(|quote| text.starts_with(**quote))?;
    let mut escaped = false;
    let inner = &text[quote.len()..];
    let end = inner.char_indices().find(|(at, c)| {
        let found = !escaped && inner[*at..].starts_with(quote) || quote.len() == 1 && *c == '\n';
        escaped = *c == '\\' && !escaped && quote.starts_with('"');
        found
    });
    Some(end.map_or(text.len(), |(at, _)| (quote.len() + at + quote.len()).min(text.len())))
}
