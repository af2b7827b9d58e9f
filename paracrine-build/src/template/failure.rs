//! From errors of the engine to diagnostics at the template's line.

use std::error::Error as _;
use std::sync::Arc;

use minijinja::{Error, ErrorKind};
use paracrine_model::diagnostic::{Code, Diagnostic, Place};
use paracrine_model::source::Source;

use super::builtins;
use super::store::path_of;

/// The diagnostic for an error in a template or in one that it includes.
pub(super) fn diagnostic(
    error: &Error,
    name: &str,
    source: impl Fn(&str) -> Option<Arc<Source>>,
) -> Diagnostic {
    let mut chain = vec![error];
    let mut outer = error;
    while let Some(inner) = outer.source().and_then(|inner| inner.downcast_ref::<Error>()) {
        chain.push(inner);
        outer = inner;
    }
    // The innermost is the cause; the others say how it was reached.
    let cause = chain.iter().rev().find(|error| error.name().is_some()).copied().unwrap_or(error);
    let place = |error: &Error| place_of(error, name, &source);
    let written = cause.range().and_then(|range| {
        let text = source(cause.name()?)?;
        text.text().get(range).map(str::to_owned)
    });
    let place_of_cause = place(cause);
    let (code, message, label) = describe(cause, written.as_deref());
    let mut diagnostic = Diagnostic::error(code, message).at(place_of_cause.clone(), label);
    for outer in chain.iter().filter(|outer| outer.name().is_some() && !std::ptr::eq(**outer, cause)) {
        let place = place(outer);
        if place != place_of_cause {
            diagnostic = diagnostic.related(place, "reached from here");
        }
    }
    if code == Code::TEMPLATE_LATE {
        diagnostic = diagnostic.help("place it as it is: `{{ name }}`");
    }
    diagnostic
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
        ErrorKind::SyntaxError | ErrorKind::BadEscape => {
            (Code::TEMPLATE_SYNTAX, format!("template syntax: {}", both()), "here".into())
        }
        ErrorKind::UndefinedError => match written {
            Some(written) => {
                (Code::TEMPLATE_UNDEFINED, format!("`{written}` is undefined"), "undefined".into())
            }
            None => (Code::TEMPLATE_UNDEFINED, "something here is undefined".into(), "undefined".into()),
        },
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
