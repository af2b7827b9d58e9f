//! What is known of names and values while a template is scanned.

use std::collections::HashMap;

use minijinja::Value;
use minijinja::value::ValueKind;

use super::late;
use super::machinery::ast;
use super::value::Record;

/// What is known of an expression.
#[derive(Clone)]
pub(super) enum Known<'s> {
    /// It is one of these values.
    Values(Vec<Value>),
    /// It is text in which late values, of these names, were placed.
    Captured(String),
    /// It is a macro.
    Macro(&'s ast::Macro<'s>),
    /// It is an imported template with these names.
    Module(HashMap<&'s str, Known<'s>>),
    /// It could be anything.
    Anything,
}

/// At most so many values are followed where there are several.
const FOLLOWED: usize = 64;

impl<'s> Known<'s> {
    /// The late values that it is, for messages.
    pub(super) fn late(&self) -> Option<String> {
        match self {
            Self::Values(values) => values.iter().find_map(late::of).map(late::names),
            Self::Captured(names) => Some(names.clone()),
            _ => None,
        }
    }

    /// What the items of it are.
    pub(super) fn items(&self) -> Self {
        let Self::Values(values) = self else {
            return Self::Anything;
        };
        let items =
            values.iter().filter(|value| late::of(value).is_none()).filter_map(|value| value.try_iter().ok());
        Self::of(items.flatten())
    }

    /// What the values of it are, whatever their keys.
    fn values(&self) -> Self {
        let Self::Values(values) = self else {
            return Self::Anything;
        };
        let inner = values.iter().filter(|value| late::of(value).is_none()).filter_map(|value| {
            let is_map = value.kind() == ValueKind::Map;
            let items: Vec<Value> = value.try_iter().ok()?.collect();
            Some(items.into_iter().filter_map(
                move |item| {
                    if is_map { value.get_item(&item).ok() } else { Some(item) }
                },
            ))
        });
        Self::of(inner.flatten())
    }

    /// One of these, of which not too many are followed.
    pub(super) fn of(values: impl Iterator<Item = Value>) -> Self {
        let values: Vec<Value> = values.take(FOLLOWED).collect();
        if values.is_empty() { Self::Anything } else { Self::Values(values) }
    }

    /// What is at a key of it, which is `None` where it is not a constant.
    pub(super) fn item(&self, key: Option<&Value>) -> Self {
        match (self, key) {
            (Self::Values(values), Some(key)) => {
                let found = values.iter().filter(|value| late::of(value).is_none());
                Self::of(
                    found.filter_map(|value| value.get_item(key).ok()).filter(|value| !value.is_undefined()),
                )
            }
            (Self::Module(names), Some(key)) => {
                key.as_str().and_then(|key| names.get(key)).cloned().unwrap_or(Self::Anything)
            }
            _ => self.values(),
        }
    }

    /// The keys of it where it has not that one, for sure.
    pub(super) fn lacks(&self, key: &str) -> Option<Vec<String>> {
        match self {
            Self::Values(values) => {
                let records: Option<Vec<&Record>> =
                    values.iter().map(|value| value.downcast_object_ref::<Record>()).collect();
                let keys: Vec<String> =
                    records?.iter().flat_map(|record| record.keys()).map(str::to_owned).collect();
                (!keys.iter().any(|known| known == key)).then_some(keys)
            }
            Self::Module(names) => {
                (!names.contains_key(key)).then(|| names.keys().map(|name| (*name).to_owned()).collect())
            }
            _ => None,
        }
    }

    /// What either of two can be.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (captured @ Self::Captured(_), _) | (_, captured @ Self::Captured(_)) => captured,
            (Self::Values(mut values), Self::Values(others)) => {
                values.extend(others);
                Self::Values(values)
            }
            (late, _) | (_, late) if late.late().is_some() => late,
            _ => Self::Anything,
        }
    }
}

/// The names that are visible at a place of a template.
#[derive(Clone, Default)]
pub(super) struct Scope<'s> {
    frames: Vec<HashMap<&'s str, Known<'s>>>,
    /// Paths that an `is defined` around this place lets through.
    guarded: Vec<String>,
}

impl<'s> Scope<'s> {
    pub(super) fn new(values: &'s [(&'static str, Value)]) -> Self {
        let context =
            values.iter().map(|(name, value)| (*name, Known::Values(vec![value.clone()]))).collect();
        Self { frames: vec![context, HashMap::new()], guarded: Vec::new() }
    }

    pub(super) fn push(&mut self) {
        self.frames.push(HashMap::new());
    }

    /// Leaves a frame; gives the names that were set in it.
    pub(super) fn pop(&mut self) -> HashMap<&'s str, Known<'s>> {
        self.frames.pop().unwrap_or_default()
    }

    pub(super) fn set(&mut self, name: &'s str, known: Known<'s>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.insert(name, known);
        }
    }

    /// Sets a name where it is already, in whatever frame.
    pub(super) fn replace(&mut self, name: &'s str, known: Known<'s>) {
        match self.frames.iter_mut().rev().find_map(|frame| frame.get_mut(name)) {
            Some(there) => *there = known,
            None => self.set(name, known),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Known<'s>> {
        self.frames.iter().rev().find_map(|frame| frame.get(name))
    }

    /// All names that are visible.
    pub(super) fn names(&self) -> impl Iterator<Item = &'s str> + '_ {
        self.frames.iter().flat_map(HashMap::keys).copied()
    }

    pub(super) fn is_guarded(&self, path: &str) -> bool {
        self.guarded.iter().any(|guarded| {
            path.strip_prefix(guarded.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Runs a scan in which these paths may be undefined.
    pub(super) fn guard<R>(&mut self, paths: Vec<String>, scan: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.guarded.len();
        self.guarded.extend(paths);
        let result = scan(self);
        self.guarded.truncate(before);
        result
    }
}

/// `a.b.c`, where an expression is as plain as that.
pub(super) fn path(expr: &ast::Expr<'_>) -> Option<String> {
    match expr {
        ast::Expr::Var(var) => Some(var.id.to_owned()),
        ast::Expr::GetAttr(attr) => Some(format!("{}.{}", path(&attr.expr)?, attr.name)),
        _ => None,
    }
}

/// The paths that are defined where a condition is as `holds` says.
pub(super) fn guards(condition: &ast::Expr<'_>, holds: bool) -> Vec<String> {
    match condition {
        ast::Expr::Test(test)
            if (test.name == "defined" && holds) || (test.name == "undefined" && !holds) =>
        {
            path(&test.expr).into_iter().collect()
        }
        ast::Expr::UnaryOp(not) if matches!(not.op, ast::UnaryOpKind::Not) => guards(&not.expr, !holds),
        ast::Expr::BinOp(both)
            if matches!((both.op, holds), (ast::BinOpKind::ScAnd, true) | (ast::BinOpKind::ScOr, false)) =>
        {
            let mut all = guards(&both.left, holds);
            all.extend(guards(&both.right, holds));
            all
        }
        _ => Vec::new(),
    }
}
