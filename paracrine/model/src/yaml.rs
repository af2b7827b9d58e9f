//! YAML as Paracrine means it, with the place of everything.
//!
//! YAML 1.2: `no`, `on`, `0644` and `1_000` are text, `0o644` is a number. Keys are text and stand once; `<<` merges;
//! aliases are bounded; the only tags besides YAML's own are those of secrets. JSON is YAML. This module alone knows the
//! library that scans the text.

mod compose;
mod scalar;
mod syntax;
#[cfg(test)]
pub(crate) mod tests;
mod well_formed;

use crate::diagnostic::{Diagnostics, Place};
use crate::secret::Provider;
use crate::source::Source;

pub use well_formed::well_formed;

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands: a scalar with its tag, a flow collection from its bracket on, a block collection's first key or
    /// dash, the key of an empty value. An aliased or merged value: where it is defined.
    pub place: Place,
    /// The tag of a secret.
    pub tag: Option<Tag>,
    /// How a number, a truth value or a `null` is spelled, and text without quotes that YAML 1.1 reads as one of these; `None`
    /// for other text, collections and values left empty.
    pub spelling: Option<Box<str>>,
    /// The alias or merge that brought it here.
    pub used: Option<Place>,
}

/// What a [`Node`] is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping.
    Map(Map),
}

/// The entries of a mapping, in the order of the file; merged ones last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    /// Key and value.
    pub entries: Vec<(Key, Node)>,
}

/// A key of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// As it is written.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// The merge that brought it here.
    pub used: Option<Place>,
}

/// The tag of a secret, with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    /// Which.
    pub kind: TagKind,
    /// Where it stands, without the value.
    pub place: Place,
}

/// The tags of secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKind {
    /// `!env NAME`
    Env,
    /// `!file path`
    File,
    /// `!command "…"`
    Command,
    /// `!sops file#key`
    Sops,
    /// `!age file`
    Age,
}

impl TagKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Env, Self::File, Self::Command, Self::Sops, Self::Age];

    /// As it is written: `!env`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Env => "!env",
            Self::File => "!file",
            Self::Command => "!command",
            Self::Sops => "!sops",
            Self::Age => "!age",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What stands after it, for messages: `a variable's name`.
    pub fn wants(self) -> &'static str {
        match self {
            Self::Env => "the name of an environment variable",
            Self::File | Self::Age => "the path of a file",
            Self::Command => "a shell command",
            Self::Sops => "`file#key`",
        }
    }
}

impl Map {
    /// The value of a key.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|(_, node)| node)
    }

    /// A key and its value.
    pub fn entry(&self, name: &str) -> Option<&(Key, Node)> {
        self.entries.iter().find(|(key, _)| key.name == name)
    }
}

impl Node {
    /// Whether nothing at all was written, not even `null`.
    pub fn is_left_empty(&self) -> bool {
        self.value == Value::Null && self.spelling.is_none()
    }

    /// The provider that the tag names. The composer has refused tags on anything but text, and malformed ones.
    pub fn provider(&self) -> Option<Provider> {
        let (Some(tag), Value::Text(text)) = (&self.tag, &self.value) else {
            return None;
        };
        Some(match tag.kind {
            TagKind::Env => Provider::Env(text.clone()),
            TagKind::File => Provider::File(text.clone()),
            TagKind::Command => Provider::Command(text.clone()),
            TagKind::Sops => {
                let (file, key) = text.rsplit_once('#')?;
                Provider::Sops { file: file.to_owned(), key: key.to_owned() }
            }
            TagKind::Age => Provider::Age(text.clone()),
        })
    }

    /// What it is, for messages: `a number`, `text`, `a secret`.
    pub fn kind(&self) -> &'static str {
        if self.tag.is_some() {
            return "a secret";
        }
        match self.value {
            Value::Null if self.spelling.is_none() => "nothing",
            Value::Null => "null",
            Value::Bool(_) => "a truth value",
            Value::Int(_) => "a whole number",
            Value::Float(_) => "a decimal number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

/// Reads a text. Without a value only where the text is not YAML at all; else every problem costs what it concerns only.
pub fn parse(source: &Source) -> (Option<Node>, Diagnostics) {
    compose::compose(source)
}
