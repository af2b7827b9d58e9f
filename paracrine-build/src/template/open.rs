//! What is open where a template's syntax breaks off: the parser only knows where it gave up.

use std::ops::Range;

use minijinja::syntax::SyntaxConfig;

use super::machinery::{self, Token};

/// What is wrong with how blocks begin and end.
pub(super) enum Trouble {
    /// This is never closed: how it is written, and what would close it.
    Unclosed(Range<usize>, String, String),
    /// The tag at the first place closes nothing, or not what is open: its name, and the block that is open, with its name.
    Stray(Range<usize>, String, Option<(Range<usize>, String)>),
}

/// Tags that begin what another ends.
const BLOCKS: [&str; 8] = ["for", "if", "with", "autoescape", "filter", "block", "macro", "call"];

/// Looks for the first such trouble.
pub(super) fn find(source: &str, syntax: &SyntaxConfig) -> Option<Trouble> {
    let mut open: Vec<(Range<usize>, &str)> = Vec::new();
    // A tag or place that is not closed yet, and where its closing would be seen.
    let mut tag: Option<(Range<usize>, &str)> = None;
    let mut end = 0;
    let mut tokens = machinery::tokens(source, syntax).peekable();
    while let Some(token) = tokens.next() {
        let (token, span) = match token {
            Ok(token) => token,
            Err(error) => return broken_off(source, end, error.detail().unwrap_or_default(), tag),
        };
        let bytes = machinery::bytes(span);
        end = bytes.end;
        match token {
            Token::VariableStart => tag = Some((bytes, "}}")),
            Token::VariableEnd | Token::BlockEnd => tag = None,
            Token::BlockStart => {
                tag = Some((bytes.clone(), "%}"));
                let Some(Ok((Token::Ident(name), at))) = tokens.peek() else { continue };
                let (name, at) = (*name, machinery::bytes(*at));
                let whole = bytes.start..at.end;
                if BLOCKS.contains(&name) || name == "set" && is_block(source.get(at.end..)?) {
                    open.push((whole, name));
                } else if let Some(ended) = name.strip_prefix("end") {
                    match open.last() {
                        Some((_, last)) if *last == ended => {
                            open.pop();
                        }
                        Some((opening, last)) => {
                            let last = Some((opening.clone(), (*last).to_owned()));
                            return Some(Trouble::Stray(at, name.to_owned(), last));
                        }
                        None => return Some(Trouble::Stray(at, name.to_owned(), None)),
                    }
                }
            }
            _ => {}
        }
    }
    if let Some((bytes, closing)) = tag {
        return Some(unclosed(source, bytes, closing.to_owned()));
    }
    let (bytes, name) = open.pop()?;
    Some(Trouble::Unclosed(bytes, format!("{{% {name} %}}"), format!("{{% end{name} %}}")))
}

/// `{% set x %}` begins a block, `{% set x = 1 %}` does not.
fn is_block(rest: &str) -> bool {
    let head = rest.split("%}").next().unwrap_or_default();
    !head.split('|').next().unwrap_or_default().contains('=')
}

fn unclosed(source: &str, bytes: Range<usize>, closing: String) -> Trouble {
    let written = source.get(bytes.clone()).unwrap_or_default().to_owned();
    Trouble::Unclosed(bytes, written, closing)
}

/// What the scanner was in when it reached the end.
fn broken_off(source: &str, end: usize, why: &str, tag: Option<(Range<usize>, &str)>) -> Option<Trouble> {
    let rest = source.get(end..)?;
    let find = |word: &str| rest.find(word).map(|at| end + at..end + at + word.len());
    if why.contains("comment") {
        return Some(unclosed(source, find("{#")?, "#}".to_owned()));
    }
    if why.contains("raw") {
        let word = find("raw")?;
        let begin = source.get(..word.start)?.rfind("{%")?;
        return Some(Trouble::Unclosed(begin..word.end, "{% raw %}".into(), "{% endraw %}".into()));
    }
    if why.contains("string") {
        let at = rest.find(['"', '\''])?;
        let quote = rest.get(at..=at)?.to_owned();
        return Some(unclosed(source, end + at..end + at + 1, quote));
    }
    let (bytes, closing) = tag?;
    // A character that cannot stand there: the closing may come after it.
    (!rest.contains(closing)).then(|| unclosed(source, bytes, closing.to_owned()))
}
