//! Late values inside the template engine: objects that can be placed and nothing else.
//!
//! While a template is rendered, a late value that is placed (`{{ password }}`) becomes a placeholder: a non-character, an
//! index with letters of both cases, another non-character. The output is then cut at the placeholders into spans.
//! Whatever else asks an object for its text, truth, order or length leaves a mark in [`Rendering`], and a placeholder
//! that was changed on its way (by a filter over captured text, say) is not one any more: both are errors.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr, ValueKind};
use paracrine_model::late::Late;
use paracrine_model::text::Text;

/// Begins a placeholder; never part of real text, as Unicode reserves it for uses like this one.
const OPEN: char = '\u{fdd0}';
/// Ends a placeholder.
const CLOSE: char = '\u{fdd1}';

/// A late value as the engine sees it.
pub(super) struct LateObject(Text);

/// The value of a text: late where something in it is.
pub(super) fn value(text: Text) -> Value {
    match text.literal() {
        Some(literal) => Value::from(literal),
        None => Value::from_object(LateObject(text)),
    }
}

/// The late text that a value is.
pub(super) fn of(value: &Value) -> Option<&Text> {
    value.downcast_object_ref::<LateObject>().map(|late| &late.0)
}

/// The late text that a value is or holds.
pub(super) fn within(value: &Value) -> Option<Text> {
    if let Some(text) = of(value) {
        return Some(text.clone());
    }
    if !matches!(value.kind(), ValueKind::Map | ValueKind::Seq) {
        return None;
    }
    let is_map = value.kind() == ValueKind::Map;
    value.try_iter().ok()?.find_map(|item| {
        let item = if is_map { value.get_item(&item).ok()? } else { item };
        within(&item)
    })
}

/// Whether captured text with placeholders is in a value.
pub(super) fn is_captured(value: &Value) -> bool {
    if let Some(text) = value.as_str() {
        return clashes(text);
    }
    let is_map = value.kind() == ValueKind::Map;
    if !is_map && value.kind() != ValueKind::Seq {
        return false;
    }
    value.try_iter().is_ok_and(|mut items| {
        items.any(|item| {
            is_captured(&item) || (is_map && value.get_item(&item).is_ok_and(|item| is_captured(&item)))
        })
    })
}

/// The names of the late values in a text, for messages.
pub(super) fn names(text: &Text) -> String {
    let kind = if text.lates().all(Late::is_secret) { "secret" } else { "late value" };
    let names: BTreeSet<String> = text.lates().map(|late| format!("`{}`", late.name())).collect();
    format!("{kind} {}", names.into_iter().collect::<Vec<_>>().join(", "))
}

#[derive(Default)]
struct Rendering {
    /// The texts behind the placeholders, by index.
    placed: Vec<Text>,
    /// A late value of which something else was asked.
    misused: Option<Text>,
}

thread_local!(static RENDERING: RefCell<Rendering> = RefCell::default());

/// Begins a rendering: forgets the last one.
pub(super) fn begin() {
    RENDERING.with_borrow_mut(|rendering| *rendering = Rendering::default());
}

/// The placeholder for a late text.
pub(super) fn place(text: &Text) -> String {
    RENDERING.with_borrow_mut(|rendering| {
        rendering.placed.push(text.clone());
        format!("{OPEN}pLaCe{}{CLOSE}", rendering.placed.len() - 1)
    })
}

/// What came of a rendering.
pub(super) enum Finished {
    /// The text with its late spans.
    Text(Text),
    /// A late value was used for something else than placing it.
    Misused(Option<Text>),
}

/// Ends a rendering: cuts its output at the placeholders.
pub(super) fn finish(output: &str) -> Finished {
    let Rendering { placed, misused } = RENDERING.take();
    if misused.is_some() {
        return Finished::Misused(misused);
    }
    let mut text = Text::default();
    let mut rest = output;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let found = after.split_once(CLOSE).and_then(|(inside, after)| {
            let index: usize = inside.strip_prefix("pLaCe")?.parse().ok()?;
            Some((placed.get(index)?, after))
        });
        let Some((late, after)) = found else {
            return Finished::Misused(None);
        };
        text.push_str(before);
        text = text + late.clone();
        rest = after;
    }
    if rest.contains(CLOSE) {
        return Finished::Misused(None);
    }
    text.push_str(rest);
    Finished::Text(text)
}

/// Whether text from outside would be taken for a placeholder.
pub(super) fn clashes(text: &str) -> bool {
    text.contains([OPEN, CLOSE])
}

impl LateObject {
    fn misused(&self) {
        RENDERING.with_borrow_mut(|rendering| rendering.misused = Some(self.0.clone()));
    }
}

/// As it may be shown.
impl fmt::Debug for LateObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Object for LateObject {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        self.misused();
        None
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.misused();
        true
    }

    fn custom_cmp(self: &Arc<Self>, _: &DynObject) -> Option<Ordering> {
        self.misused();
        None
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.misused();
        write!(f, "{}", self.0)
    }
}
