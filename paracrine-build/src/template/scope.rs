//! What is known of names and values while a template is scanned.

use std::collections::HashMap;
use std::rc::Rc;

use minijinja::Value;
use minijinja::value::ValueKind;
use paracrine_model::diagnostic::Place;

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
    /// It is the `loop` of a loop.
    Loop,
    /// It is something of this name that can only be called: `super`, `caller`.
    Callable(&'static str),
    /// It is an argument that a call of a macro lacks.
    Missing(Rc<Lacking>),
    /// It is a value of this kind.
    Kind(Plain),
    /// It could be anything.
    Anything,
}

/// A call that lacks an argument.
pub(super) struct Lacking {
    pub(super) name: String,
    pub(super) argument: String,
    pub(super) call: Place,
    /// How deep in branches and in what may be undefined the call stands.
    pub(super) branches: usize,
    pub(super) quiet: usize,
}

/// A kind of value that holds no others by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Bool,
    Number,
    Text,
    List,
}

impl Plain {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Bool => "a truth value",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List => "a list",
        }
    }

    fn of(value: &Value) -> Option<Self> {
        match value.kind() {
            ValueKind::Bool => Some(Self::Bool),
            ValueKind::Number => Some(Self::Number),
            ValueKind::String => Some(Self::Text),
            ValueKind::Seq => Some(Self::List),
            _ => None,
        }
    }
}

/// What `loop` has, and what can be called on it.
pub(super) const OF_LOOP: [&str; 11] = [
    "index",
    "index0",
    "revindex",
    "revindex0",
    "first",
    "last",
    "length",
    "depth",
    "depth0",
    "previtem",
    "nextitem",
];
pub(super) const CALLS_OF_LOOP: [&str; 2] = ["cycle", "changed"];

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
            Self::Loop => (!OF_LOOP.contains(&key)).then(|| OF_LOOP.map(str::to_owned).into()),
            _ => None,
        }
    }

    /// What kind of value it is, where it is sure to be one that holds no others by name.
    pub(super) fn plain(&self) -> Option<Plain> {
        match self {
            Self::Values(values) => {
                let mut kinds = values
                    .iter()
                    .map(|value| if late::of(value).is_some() { None } else { Plain::of(value) });
                let first = kinds.next()??;
                kinds.all(|kind| kind == Some(first)).then_some(first)
            }
            Self::Kind(plain) => Some(*plain),
            _ => None,
        }
    }

    /// The texts that it can be, where all of them are known.
    pub(super) fn texts(&self) -> Option<Vec<&str>> {
        match self {
            Self::Values(values) => values.iter().map(Value::as_str).collect(),
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
            (one, other) => match (one.plain(), other.plain()) {
                (Some(one), Some(other)) if one == other => Self::Kind(one),
                _ => Self::Anything,
            },
        }
    }
}

/// The names that are visible at a place of a template.
#[derive(Clone, Default)]
pub(super) struct Scope<'s> {
    frames: Vec<HashMap<&'s str, Known<'s>>>,
    /// Paths that an `is defined` around this place lets through.
    guarded: Vec<String>,
    /// Names that a condition around this place asks about: what they are in this branch is not what they are elsewhere.
    asked: Vec<&'s str>,
}

/// What a condition says of the branch that it leads to.
#[derive(Default)]
pub(super) struct Guards<'s> {
    /// Paths that are defined there.
    defined: Vec<String>,
    asked: Vec<&'s str>,
}

impl<'s> Scope<'s> {
    pub(super) fn new(values: &'s [(&'static str, Value)]) -> Self {
        let context =
            values.iter().map(|(name, value)| (*name, Known::Values(vec![value.clone()]))).collect();
        Self { frames: vec![context, HashMap::new()], guarded: Vec::new(), asked: Vec::new() }
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

    /// Whether a condition around this place asks about what an expression begins with.
    pub(super) fn is_asked(&self, expr: &ast::Expr<'_>) -> bool {
        root(expr).is_some_and(|root| self.asked.contains(&root))
    }

    /// Runs a scan of a branch of which this is known.
    pub(super) fn guard<R>(&mut self, guards: Guards<'s>, scan: impl FnOnce(&mut Self) -> R) -> R {
        let before = (self.guarded.len(), self.asked.len());
        self.guarded.extend(guards.defined);
        self.asked.extend(guards.asked);
        let result = scan(self);
        self.guarded.truncate(before.0);
        self.asked.truncate(before.1);
        result
    }
}

/// The name that `a.b["c"]` begins with; `None` where it is no such path.
fn root<'s>(expr: &ast::Expr<'s>) -> Option<&'s str> {
    match expr {
        ast::Expr::Var(var) => Some(var.id),
        ast::Expr::GetAttr(attr) => root(&attr.expr),
        ast::Expr::GetItem(item) => root(&item.expr),
        _ => None,
    }
}

/// The names that an expression mentions.
fn names<'s>(expr: &ast::Expr<'s>, found: &mut Vec<&'s str>) {
    let args = |args: &[ast::CallArg<'s>], found: &mut Vec<&'s str>| {
        for arg in args {
            match arg {
                ast::CallArg::Pos(expr)
                | ast::CallArg::Kwarg(_, expr)
                | ast::CallArg::PosSplat(expr)
                | ast::CallArg::KwargSplat(expr) => names(expr, found),
            }
        }
    };
    match expr {
        ast::Expr::Var(var) => found.push(var.id),
        ast::Expr::Const(_) => {}
        ast::Expr::Slice(slice) => names(&slice.expr, found),
        ast::Expr::UnaryOp(unary) => names(&unary.expr, found),
        ast::Expr::BinOp(binary) => {
            names(&binary.left, found);
            names(&binary.right, found);
        }
        ast::Expr::Compare(compare) => {
            names(&compare.expr, found);
            compare.ops.iter().for_each(|op| names(&op.expr, found));
        }
        ast::Expr::IfExpr(choice) => {
            names(&choice.test_expr, found);
            names(&choice.true_expr, found);
            choice.false_expr.iter().for_each(|other| names(other, found));
        }
        ast::Expr::Filter(filter) => {
            filter.expr.iter().for_each(|expr| names(expr, found));
            args(&filter.args, found);
        }
        ast::Expr::Test(test) => {
            names(&test.expr, found);
            args(&test.args, found);
        }
        ast::Expr::GetAttr(attr) => names(&attr.expr, found),
        ast::Expr::GetItem(item) => {
            names(&item.expr, found);
            names(&item.subscript_expr, found);
        }
        ast::Expr::Call(call) => {
            names(&call.expr, found);
            args(&call.args, found);
        }
        ast::Expr::List(list) => list.items.iter().for_each(|item| names(item, found)),
        ast::Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| names(item, found)),
        ast::Expr::Map(map) => map.keys.iter().chain(&map.values).for_each(|item| names(item, found)),
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

/// What is known where a condition is as `holds` says.
pub(super) fn guards<'s>(condition: &ast::Expr<'s>, holds: bool) -> Guards<'s> {
    let mut asked = Vec::new();
    names(condition, &mut asked);
    Guards { defined: defined(condition, holds), asked }
}

/// The paths that are defined where a condition is as `holds` says.
fn defined(condition: &ast::Expr<'_>, holds: bool) -> Vec<String> {
    match condition {
        ast::Expr::Test(test)
            if (test.name == "defined" && holds) || (test.name == "undefined" && !holds) =>
        {
            path(&test.expr).into_iter().collect()
        }
        ast::Expr::UnaryOp(not) if matches!(not.op, ast::UnaryOpKind::Not) => defined(&not.expr, !holds),
        ast::Expr::BinOp(both)
            if matches!((both.op, holds), (ast::BinOpKind::ScAnd, true) | (ast::BinOpKind::ScOr, false)) =>
        {
            let mut all = defined(&both.left, holds);
            all.extend(defined(&both.right, holds));
            all
        }
        _ => Vec::new(),
    }
}
