//! The format string: literal pieces and places.

use syn::ext::IdentExt;
use syn::parse::Parser;

/// A piece of a format string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// As it stands, braces undoubled.
    Literal(String),
    /// A place for a value.
    Place(Name),
}

/// Which value a place means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// `{}`
    Next,
    /// `{0}`
    Index(usize),
    /// `{name}`
    Named(String),
}

/// The pieces of a format string; what is wrong with it, for people, otherwise.
pub(super) fn parse(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        let (brace, after) = rest[at..].split_at(1);
        if let Some(after) = after.strip_prefix(brace) {
            literal.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return Err(format!("`}}` closes nothing after {}; write `}}}}` for a brace", context(&literal)));
        }
        let Some((inside, after)) = after.split_once('}') else {
            return Err("`{` is not closed; write `{{` for a brace".to_owned());
        };
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Place(name(inside)?));
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

fn context(before: &str) -> String {
    let tail: String = before.chars().rev().take(12).collect::<Vec<_>>().into_iter().rev().collect();
    if tail.is_empty() { "a place or the beginning".to_owned() } else { format!("{tail:?}") }
}

fn name(inside: &str) -> Result<Name, String> {
    let trimmed = inside.trim();
    if trimmed.is_empty() {
        return Ok(Name::Next);
    }
    if trimmed.contains(':') {
        let what = trimmed.split(':').next().unwrap_or_default().trim();
        return Err(format!(
            "`{{{trimmed}}}` has a format specification, which late values cannot have; write `{{{what}}}`, and format the \
             argument with `format!` if it is known when building"
        ));
    }
    if trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
        return trimmed
            .parse()
            .map(Name::Index)
            .map_err(|_| format!("`{{{trimmed}}}` is too large an index"));
    }
    match syn::Ident::parse_any.parse_str(trimmed) {
        Ok(_) => {}
        Err(_) => {
            return Err(format!(
                "`{{{trimmed}}}` is not a name; write `{{}}` and give the value after the text: `text!(\"…{{}}…\", {trimmed})`; \
                 write `{{{{` for a brace"
            ));
        }
    }
    if syn::parse_str::<syn::Ident>(trimmed).is_err() {
        return Err(format!("`{{{trimmed}}}` is a word of Rust's own; name the argument otherwise"));
    }
    Ok(Name::Named(trimmed.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.to_owned())
    }

    fn named(name: &str) -> Piece {
        Piece::Place(Name::Named(name.to_owned()))
    }

    #[test]
    fn a_format_string_is_literals_and_places() {
        for (text, pieces) in [
            ("", vec![]),
            ("plain", vec![literal("plain")]),
            ("a={}\n", vec![literal("a="), Piece::Place(Name::Next), literal("\n")]),
            ("{}{}", vec![Piece::Place(Name::Next), Piece::Place(Name::Next)]),
            ("{0}-{12}", vec![Piece::Place(Name::Index(0)), literal("-"), Piece::Place(Name::Index(12))]),
            ("{name}{ spaced }", vec![named("name"), named("spaced")]),
            ("{{}}", vec![literal("{}")]),
            ("{{{x}}}", vec![literal("{"), named("x"), literal("}")]),
            ("wörld {ü} 日", vec![literal("wörld "), named("ü"), literal(" 日")]),
            ("{{\"a\": 1}}", vec![literal("{\"a\": 1}")]),
        ] {
            assert_eq!(parse(text), Ok(pieces), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_write() {
        for (text, why) in [
            ("{", "`{` is not closed; write `{{` for a brace"),
            ("a {b", "`{` is not closed; write `{{` for a brace"),
            ("}", "`}` closes nothing after a place or the beginning; write `}}` for a brace"),
            ("some text }", "`}` closes nothing after \"some text \"; write `}}` for a brace"),
            (
                "{:?}",
                "`{:?}` has a format specification, which late values cannot have; write `{}`, and format the argument with \
                 `format!` if it is known when building",
            ),
            (
                "{port:>5}",
                "`{port:>5}` has a format specification, which late values cannot have; write `{port}`, and format the \
                 argument with `format!` if it is known when building",
            ),
            (
                "{cx.env.x}",
                "`{cx.env.x}` is not a name; write `{}` and give the value after the text: `text!(\"…{}…\", cx.env.x)`; write \
                 `{{` for a brace",
            ),
            ("{99999999999999999999}", "`{99999999999999999999}` is too large an index"),
            ("{match}", "`{match}` is a word of Rust's own; name the argument otherwise"),
        ] {
            assert_eq!(parse(text), Err(why.to_owned()), "{text}");
        }
    }
}
