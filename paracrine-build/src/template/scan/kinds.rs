//! Kinds of values that cannot be compared: a number and text, a truth value and text.

use std::ops::Range;

use paracrine_model::diagnostic::{Code, Diagnostic};

use super::super::machinery::{self, ast};
use super::super::scope::{Known, Plain};
use super::Scan;

/// How two values are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// Whether they are the same.
    Same,
    /// Which is larger.
    Order,
    /// Not at all.
    None,
}

impl Comparison {
    pub(super) fn of(op: ast::CompareOpKind) -> Self {
        match op {
            ast::CompareOpKind::Eq | ast::CompareOpKind::Ne => Self::Same,
            ast::CompareOpKind::Lt
            | ast::CompareOpKind::Lte
            | ast::CompareOpKind::Gt
            | ast::CompareOpKind::Gte => Self::Order,
            ast::CompareOpKind::In | ast::CompareOpKind::NotIn => Self::None,
        }
    }

    pub(super) fn of_operator(op: ast::BinOpKind) -> Self {
        match op {
            ast::BinOpKind::Eq | ast::BinOpKind::Ne => Self::Same,
            ast::BinOpKind::Lt | ast::BinOpKind::Lte | ast::BinOpKind::Gt | ast::BinOpKind::Gte => {
                Self::Order
            }
            _ => Self::None,
        }
    }
}

/// What an operator gives, as far as its operands tell.
pub(super) fn of_operator<'s>(op: ast::BinOpKind, left: &Known<'s>, right: &Known<'s>) -> Known<'s> {
    let numbers = left.plain() == Some(Plain::Number) && right.plain() == Some(Plain::Number);
    match op {
        ast::BinOpKind::Concat => Known::Kind(Plain::Text),
        ast::BinOpKind::Add
        | ast::BinOpKind::Sub
        | ast::BinOpKind::Mul
        | ast::BinOpKind::Div
        | ast::BinOpKind::FloorDiv
        | ast::BinOpKind::Rem
        | ast::BinOpKind::Pow
            if numbers =>
        {
            Known::Kind(Plain::Number)
        }
        _ => Known::Anything,
    }
}

/// What a filter gives, whatever it is given.
pub(super) fn of_filter<'s>(name: &str) -> Known<'s> {
    match name {
        "length" | "count" | "int" | "float" | "round" | "abs" => Known::Kind(Plain::Number),
        "lower" | "upper" | "title" | "capitalize" | "replace" | "trim" | "join" | "string" | "format"
        | "tojson" | "indent" | "escape" | "e" | "safe" => Known::Kind(Plain::Text),
        _ => Known::Anything,
    }
}

/// An operand and what is known of it.
type Side<'a, 's> = (&'a ast::Expr<'s>, Known<'s>);

impl<'s> Scan<'s> {
    /// Reports a comparison that says the same whatever the values.
    pub(super) fn unlike(
        &mut self,
        how: Comparison,
        left: &Side<'_, 's>,
        right: &Side<'_, 's>,
        bytes: &Range<usize>,
    ) {
        if how == Comparison::None || self.quiet + self.expanding > 0 {
            return;
        }
        let (kind, text, other) = match (left.1.plain(), right.1.plain()) {
            (Some(kind @ (Plain::Number | Plain::Bool)), Some(Plain::Text)) => (kind, right, left),
            (Some(Plain::Text), Some(kind @ (Plain::Number | Plain::Bool))) => (kind, left, right),
            _ => return,
        };
        // `workers == "auto"` asks whether a value that may be either is text; `workers == "2"` does not.
        let texts = text.1.texts();
        let reads_as_it = texts.as_ref().is_some_and(|texts| texts.iter().all(|text| reads_as(kind, text)));
        if how == Comparison::Same && !reads_as_it {
            return;
        }
        let word = kind.word();
        let message = match how {
            Comparison::Same => format!("{word} is never equal to text"),
            _ => format!("{word} cannot be compared with text"),
        };
        let written = |side: &Side<'_, 's>| {
            let bytes = begin(side.0)..machinery::bytes(side.0.span()).end;
            self.at.source.text().get(bytes).unwrap_or_default().to_owned()
        };
        let label = format!("`{}` is {word}, `{}` is text", written(other), written(text));
        let bare = texts.as_deref().filter(|_| matches!(text.0, ast::Expr::Const(_))).and_then(|texts| {
            let [only] = texts else { return None };
            reads_as(kind, only).then(|| only.trim().to_lowercase())
        });
        let help = match (bare, kind) {
            (Some(bare), Plain::Number) => format!("write it without quotes: `{bare}`"),
            (Some(bare), _) if bare == "true" || bare == "false" => {
                format!("write it without quotes: `{bare}`")
            }
            (_, Plain::Number) => format!("make the text a number: `{}|int`", written(text)),
            (_, _) => "ask for the value itself: `{% if name %}`, `{% if not name %}`".to_owned(),
        };
        let error =
            Diagnostic::error(Code::TEMPLATE_FAILED, message).at(self.place(bytes.clone()), label).help(help);
        self.found.push(error);
    }
}

/// Where an expression begins: the span of a filter is its name.
fn begin(expr: &ast::Expr<'_>) -> usize {
    match expr {
        ast::Expr::Filter(filter) => filter.expr.as_ref().map_or(usize::MAX, begin),
        _ => machinery::bytes(expr.span()).start,
    }
}

/// Whether a text reads as a value of this kind.
fn reads_as(kind: Plain, text: &str) -> bool {
    let text = text.trim();
    match kind {
        Plain::Number => text.parse::<f64>().is_ok() && text.ends_with(|c: char| c.is_ascii_digit()),
        Plain::Bool => {
            ["true", "false", "yes", "no", "on", "off"].contains(&text.to_ascii_lowercase().as_str())
        }
        Plain::Text | Plain::List => false,
    }
}
