//! From errors of the engine to diagnostics at the template's line.

use std::error::Error as _;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Error, ErrorKind};
use paracrine_model::diagnostic::{Code, Diagnostic, Place};
use paracrine_model::source::Source;

use super::builtins::{self, FUEL};
use super::open::{self, Trouble};
use super::store::path_of;

/// What can stand first in a tag.
const STATEMENTS: [&str; 28] = [
    "autoescape",
    "block",
    "break",
    "call",
    "continue",
    "do",
    "elif",
    "else",
    "endautoescape",
    "endblock",
    "endcall",
    "endfilter",
    "endfor",
    "endif",
    "endmacro",
    "endraw",
    "endset",
    "endwith",
    "extends",
    "filter",
    "for",
    "from",
    "if",
    "import",
    "include",
    "macro",
    "set",
    "with",
];

/// An error and those that caused it.
fn chain(error: &Error) -> Vec<&Error> {
    let mut chain = vec![error];
    let mut outer = error;
    while let Some(inner) = outer.source().and_then(|inner| inner.downcast_ref::<Error>()) {
        chain.push(inner);
        outer = inner;
    }
    chain
}

/// Whether a template was stopped.
pub(super) fn is_endless(error: &Error) -> bool {
    chain(error).iter().any(|error| error.kind() == ErrorKind::OutOfFuel)
}

/// The diagnostic for an error in a template or in one that it includes.
pub(super) fn diagnostic(
    error: &Error,
    name: &str,
    syntax: &SyntaxConfig,
    source: impl Fn(&str) -> Option<Arc<Source>>,
) -> Diagnostic {
    let chain = chain(error);
    // The innermost is the cause; the others say how it was reached.
    let cause = chain.iter().rev().find(|error| error.name().is_some()).copied().unwrap_or(error);
    let place = |error: &Error| place_of(error, name, &source);
    let written = cause.range().and_then(|range| {
        let text = source(cause.name()?)?;
        text.text().get(range).map(str::to_owned)
    });
    let undefined = written.as_deref().filter(|_| cause.kind() == ErrorKind::UndefinedError);
    let undefined = undefined.and_then(|written| undefined_name(written, cause.detail().unwrap_or_default()));
    let place_of_cause = match (&undefined, cause.range(), cause.name().and_then(&source)) {
        // The name, not the code around it.
        (Some((at, name)), Some(range), Some(source)) => {
            source.place(range.start + at..range.start + at + name.len())
        }
        _ => place(cause),
    };
    let written = undefined.map(|(_, name)| name).or(written);
    if matches!(cause.kind(), ErrorKind::SyntaxError)
        && let Some(source) = source(cause.name().unwrap_or(name))
        && let Some(trouble) = open::find(source.text(), syntax)
        && let Some(found) = unbalanced(trouble, cause, &place_of_cause, &source)
    {
        return found;
    }
    let (code, message, label) = describe(cause, written.as_deref());
    let mut diagnostic = Diagnostic::error(code, message).at(place_of_cause.clone(), label);
    for outer in chain.iter().filter(|outer| outer.name().is_some() && !std::ptr::eq(**outer, cause)) {
        let place = place(outer);
        if place != place_of_cause {
            diagnostic = diagnostic.related(place, "reached from here");
        }
    }
    if let Some(name) = cause.detail().and_then(|detail| detail.strip_prefix("unknown statement ")) {
        diagnostic = diagnostic.nearest(name, STATEMENTS);
    }
    if code == Code::TEMPLATE_LATE {
        diagnostic = diagnostic.help("place it as it is: `{{ name }}`");
    }
    diagnostic
}

/// The name that is undefined in a piece of code, and where it begins in that.
fn undefined_name(written: &str, detail: &str) -> Option<(usize, String)> {
    // The engine knows most often: `` `user.name` is undefined ``
    let told = detail.split_once("` is undefined").and_then(|(before, _)| before.rsplit('`').next());
    let is_path =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_.".contains(c));
    let first = written.split(['|', ' ', '(', ')']).next().filter(|first| is_path(first));
    let name = told.filter(|name| written.contains(name)).or(first)?;
    Some((written.find(name)?, name.to_owned()))
}

/// Blocks that do not begin and end as they should, if that is what the parser gave up on.
fn unbalanced(trouble: Trouble, cause: &Error, at: &Place, source: &Source) -> Option<Diagnostic> {
    let error = |message: String| Diagnostic::error(Code::TEMPLATE_SYNTAX, message);
    match trouble {
        Trouble::Unclosed(bytes, written, closing) => {
            let detail = cause.detail().unwrap_or_default();
            let place = source.place(bytes);
            // A block is open wherever something in it is wrong: only the end tells that it is never closed.
            let is_block = written.starts_with("{% ") && !written.contains("raw");
            let at_end = detail.contains("unexpected end of") || !is_block && at.line > place.line;
            at_end.then(|| {
                error(format!("template syntax: `{written}` is never closed"))
                    .at(place, "opened here")
                    .help(format!("close it: `{closing}`"))
            })
        }
        Trouble::Stray(bytes, name, open) => {
            let place = source.place(bytes);
            if place.line != at.line {
                return None;
            }
            Some(match open {
                Some((opening, open)) => {
                    error(format!("template syntax: `{name}` where `end{open}` is expected"))
                        .at(place, format!("does not close `{open}`"))
                        .related(source.place(opening), format!("this `{open}` is open"))
                }
                None => {
                    let begins = name.trim_start_matches("end");
                    error(format!("template syntax: `{name}` closes nothing"))
                        .at(place, format!("no `{begins}` is open"))
                }
            })
        }
    }
}

fn place_of(error: &Error, name: &str, source: &impl Fn(&str) -> Option<Arc<Source>>) -> Place {
    let name = error.name().unwrap_or(name);
    match (source(name), error.range()) {
        (Some(source), Some(range)) => source.place(range),
        _ => Place::new(path_of(name), u32::try_from(error.line().unwrap_or(1)).unwrap_or(1), 1, 0),
    }
}

fn describe(error: &Error, written: Option<&str>) -> (Code, String, String) {
    let detail = error.detail().unwrap_or_default().trim_end_matches('.');
    let both = || match detail {
        "" => error.kind().to_string(),
        detail => detail.to_owned(),
    };
    match error.kind() {
        ErrorKind::SyntaxError if detail.starts_with("unknown statement ") => {
            let name = detail.trim_start_matches("unknown statement ");
            (Code::TEMPLATE_SYNTAX, format!("template syntax: there is no statement `{name}`"), "here".into())
        }
        ErrorKind::SyntaxError | ErrorKind::BadEscape => {
            (Code::TEMPLATE_SYNTAX, format!("template syntax: {}", both()), "here".into())
        }
        ErrorKind::UndefinedError => match written {
            Some(written) => {
                (Code::TEMPLATE_UNDEFINED, format!("`{written}` is undefined"), "undefined".into())
            }
            None => (Code::TEMPLATE_UNDEFINED, "something here is undefined".into(), "undefined".into()),
        },
        ErrorKind::OutOfFuel => (
            Code::TEMPLATE_FAILED,
            format!("a template does not end: it was stopped after {FUEL} steps"),
            "here".into(),
        ),
        ErrorKind::TemplateNotFound => (Code::TEMPLATE_MISSING, both(), "included here".into()),
        ErrorKind::UnknownFilter
        | ErrorKind::UnknownTest
        | ErrorKind::UnknownFunction
        | ErrorKind::UnknownMethod => (Code::TEMPLATE_UNKNOWN, both(), "unknown".into()),
        _ if detail.starts_with(builtins::LATE) => {
            (Code::TEMPLATE_LATE, detail.to_owned(), "not placed".into())
        }
        _ => (Code::TEMPLATE_FAILED, format!("a template failed: {}", both()), "here".into()),
    }
}
