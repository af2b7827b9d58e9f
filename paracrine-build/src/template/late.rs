//! Late values inside the template engine: objects that can be placed and nothing else.
//!
//! While a template is rendered, a late value that is placed (`{{ password }}`) becomes a placeholder: a non-character, an
//! index with letters of both cases, another non-character. The output is then cut at the placeholders into spans.
//! Whatever else asks an object for its text, truth, order or length leaves a mark in the [`Rendering`] that it was made for,
//! and a placeholder that was changed on its way (by a filter over captured text, say) is not one any more: both are errors.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::Value;
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr, ValueKind};
use paracrine_model::late::Late;
use paracrine_model::text::Text;

/// Begins a placeholder; never part of real text, as Unicode reserves it for uses like this one.
const OPEN: char = '\u{fdd0}';
/// Ends a placeholder.
const CLOSE: char = '\u{fdd1}';

/// A late value as the engine sees it, for one rendering.
pub(super) struct LateObject {
    text: Text,
    rendering: Arc<Rendering>,
}

/// The value of a text: late where something in it is.
pub(super) fn value(text: &Text, rendering: &Arc<Rendering>) -> Value {
    match text.literal() {
        Some(literal) => Value::from(literal),
        None => Value::from_object(LateObject { text: text.clone(), rendering: Arc::clone(rendering) }),
    }
}

/// The late text that a value is.
pub(super) fn of(value: &Value) -> Option<&Text> {
    value.downcast_object_ref::<LateObject>().map(|late| &late.text)
}

/// What stands for a late value in the output.
pub(super) fn placeholder(value: &Value) -> Option<String> {
    value.downcast_object_ref::<LateObject>().map(|late| late.rendering.place(&late.text))
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

/// What happens to the late values of one rendering. Their objects share it; the engine wants that to be safe for threads.
#[derive(Default)]
pub(super) struct Rendering(Mutex<Happened>);

#[derive(Default)]
struct Happened {
    /// The texts behind the placeholders, by index.
    placed: Vec<Text>,
    /// A late value of which something else was asked.
    misused: Option<Text>,
}

/// What came of a rendering.
pub(super) enum Finished {
    /// The text with its late spans.
    Text(Text),
    /// A late value was used for something else than placing it.
    Misused(Option<Text>),
}

impl Rendering {
    fn happened(&self) -> MutexGuard<'_, Happened> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As if nothing had happened.
    pub(super) fn forget(&self) {
        *self.happened() = Happened::default();
    }

    /// The placeholder for a late text.
    fn place(&self, text: &Text) -> String {
        let placed = &mut self.happened().placed;
        placed.push(text.clone());
        format!("{OPEN}pLaCe{}{CLOSE}", placed.len() - 1)
    }

    /// Cuts the output at the placeholders.
    pub(super) fn finish(&self, output: &str) -> Finished {
        let Happened { placed, misused } = std::mem::take(&mut *self.happened());
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
}

/// Whether text from outside would be taken for a placeholder.
pub(super) fn clashes(text: &str) -> bool {
    text.contains([OPEN, CLOSE])
}

impl LateObject {
    fn misused(&self) {
        self.rendering.happened().misused = Some(self.text.clone());
    }
}

/// As it may be shown.
impl fmt::Debug for LateObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text)
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
        write!(f, "{}", self.text)
    }
}
