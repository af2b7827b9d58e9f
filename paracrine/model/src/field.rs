//! Values with their places, and the reading of keys that want a certain type.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use crate::yaml::{Key, Map, Node, Value};

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> Field<T> {
    pub(crate) fn new(value: T, place: &Place) -> Self {
        Self { value, place: place.clone() }
    }
}

/// Text; a number counts as its spelling.
pub(crate) fn text(key: &Key, node: &Node, diagnostics: &mut Diagnostics) -> Option<Field<String>> {
    match (&node.value, &node.spelling) {
        _ if node.tag.is_some() => wrong(key, node, "text", diagnostics),
        (Value::Text(text), _) if text.trim().is_empty() => empty(key, node, diagnostics),
        (Value::Text(text), _) => Some(Field::new(text.clone(), &node.place)),
        (Value::Int(_) | Value::Float(_), Some(spelling)) => {
            Some(Field::new(spelling.to_string(), &node.place))
        }
        _ => wrong(key, node, "text", diagnostics),
    }
}

/// A whole number; its digits in quotes, as programs write inventories, can mean nothing else.
pub(crate) fn int(key: &Key, node: &Node, diagnostics: &mut Diagnostics) -> Option<Field<i64>> {
    match &node.value {
        Value::Int(int) => Some(Field::new(*int, &node.place)),
        Value::Text(text) if node.tag.is_none() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            match text.parse() {
                Ok(int) => Some(Field::new(int, &node.place)),
                Err(_) => wrong(key, node, "a whole number", diagnostics),
            }
        }
        _ => wrong(key, node, "a whole number", diagnostics),
    }
}

/// `true` or `false`, also in quotes.
pub(crate) fn boolean(key: &Key, node: &Node, diagnostics: &mut Diagnostics) -> Option<bool> {
    match &node.value {
        Value::Bool(value) => Some(*value),
        Value::Text(text) if node.tag.is_none() && text == "true" => Some(true),
        Value::Text(text) if node.tag.is_none() && text == "false" => Some(false),
        _ => wrong(key, node, "`true` or `false`", diagnostics),
    }
}

/// A mapping.
pub(crate) fn map<'n>(key: &Key, node: &'n Node, diagnostics: &mut Diagnostics) -> Option<&'n Map> {
    match &node.value {
        Value::Map(map) => Some(map),
        _ => wrong(key, node, "a mapping", diagnostics),
    }
}

/// A list.
pub(crate) fn list<'n>(key: &Key, node: &'n Node, diagnostics: &mut Diagnostics) -> Option<&'n [Node]> {
    match &node.value {
        Value::List(items) => Some(items),
        _ => wrong(key, node, "a list", diagnostics),
    }
}

/// Says what a key wants and what it has.
pub(crate) fn wrong<T>(key: &Key, node: &Node, wants: &str, diagnostics: &mut Diagnostics) -> Option<T> {
    let name = &key.name;
    if node.is_left_empty() {
        return empty(key, node, diagnostics);
    }
    let error = match &node.tag {
        Some(tag) => Diagnostic::error(Code::UNKNOWN_TAG, format!("`{name}` cannot be a secret"))
            .at(tag.place.clone(), "this tag")
            .help("secrets are values of the config and of `vars`"),
        None => {
            let message = format!("`{name}` wants {wants}, not {}", node.kind());
            let error = Diagnostic::error(Code::WRONG_TYPE, message).at(node.place.clone(), node.kind());
            match wants {
                "text" if node.spelling.is_some() => error.help("quote it if it is text"),
                "a list" => error.help(format!("write `{name}: [first, second]`")),
                _ => error,
            }
        }
    };
    diagnostics.push(used(error, node));
    None
}

/// Says that a key has no value.
pub(crate) fn empty<T>(key: &Key, node: &Node, diagnostics: &mut Diagnostics) -> Option<T> {
    let error = Diagnostic::error(Code::EMPTY_VALUE, format!("`{}` is empty", key.name))
        .at(node.place.clone(), "no value")
        .help("write the value, or remove the key");
    diagnostics.push(used(error, node));
    None
}

/// Adds where an aliased or merged value is used.
pub(crate) fn used(diagnostic: Diagnostic, node: &Node) -> Diagnostic {
    match &node.used {
        Some(place) => diagnostic.related(place.clone(), "used here"),
        None => diagnostic,
    }
}

/// Says that nothing reads a key, and which near one is read.
pub(crate) fn unknown(key: &Key, of: &str, known: &[&str], diagnostics: &mut Diagnostics) {
    let error = Diagnostic::error(Code::UNKNOWN_KEY, format!("unknown key `{}`", key.name))
        .at(key.place.clone(), format!("not a key of {of}"));
    diagnostics.push(match crate::diagnostic::nearest(&key.name, known.iter().copied()) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help(format!("the keys are {}", listed(known))),
    });
}

/// `a`, `b` and `c`
pub(crate) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}
