//! From the values of the files to the types that `site!` generated from them.
//!
//! The types were made from the same files, so this fails only where a file changed between the two.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::diagnostic::{Code, Diagnostic, Place};
use crate::secret::{Secret, SecretSource};
use crate::yaml::{Node, Value};

/// A type that a value of the files can become. `site!` implements it for `Env`, `Vars` and what they hold.
pub trait FromValue: Sized {
    /// The value.
    ///
    /// # Errors
    /// The value is not of this type.
    fn from_value(node: &Node, path: &Path<'_>) -> Result<Self, Mismatch>;

    /// The value where the key is absent.
    fn absent() -> Option<Self> {
        None
    }
}

/// Where a value is among values; a secret is known by it: `DB_PASSWORD`, `smtp.password`, `tokens.0`.
#[derive(Clone, Copy, Debug)]
pub struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Root,
    Key(&'p str),
    Item(usize),
}

impl<'p> Path<'p> {
    /// The top.
    pub const ROOT: Path<'static> = Path { parent: None, step: Step::Root };

    fn key(&'p self, key: &'p str) -> Self {
        Path { parent: Some(self), step: Step::Key(key) }
    }

    fn item(&'p self, index: usize) -> Self {
        Path { parent: Some(self), step: Step::Item(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
            if !matches!(parent.step, Step::Root) {
                f.write_str(".")?;
            }
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Key(key) => f.write_str(key),
            Step::Item(index) => write!(f, "{index}"),
        }
    }
}

/// A value is not what it was when the types were generated.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// Which value.
    pub path: String,
    /// Where it stands, or where it is missing.
    pub place: Place,
    /// What the types want.
    pub wanted: &'static str,
    /// What is there.
    pub found: &'static str,
}

impl Mismatch {
    fn new(node: &Node, path: &Path<'_>, wanted: &'static str) -> Self {
        Self { path: path.to_string(), place: node.place.clone(), wanted, found: node.kind() }
    }

    /// A name that the types do not know.
    pub fn unknown(name: &str, place: &Place) -> Self {
        Self { path: name.to_owned(), place: place.clone(), wanted: "absent", found: "there" }
    }

    /// As a diagnostic.
    pub fn diagnostic(&self) -> Diagnostic {
        let Self { path, place, wanted, found } = self;
        Diagnostic::error(
            Code::WRONG_TYPE,
            format!("`{path}` is {found}, but was {wanted} when `site!` read it"),
        )
        .at(place.clone(), *found)
        .help("the file changed while the site was built; build again")
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostic().fmt(f)
    }
}

impl std::error::Error for Mismatch {}

impl FromValue for bool {
    fn from_value(node: &Node, path: &Path<'_>) -> Result<Self, Mismatch> {
        match node.value {
            Value::Bool(value) => Ok(value),
            _ => Err(Mismatch::new(node, path, "a truth value")),
        }
    }
}

impl FromValue for i64 {
    fn from_value(node: &Node, path: &Path<'_>) -> Result<Self, Mismatch> {
        match node.value {
            Value::Int(value) => Ok(value),
            _ => Err(Mismatch::new(node, path, "a whole number")),
        }
    }
}

impl FromValue for f64 {
    fn from_value(node: &Node, path: &Path<'_>) -> Result<Self, Mismatch> {
        match node.value {
            Value::Float(value) => Ok(value),
            Value::Int(value) => Ok(value as f64),
            _ => Err(Mismatch::new(node, path, "a number")),
        }
    }
}

impl FromValue for String {
    fn from_value(node: &Node, path: &Path<'_>) -> Result<Self, Mismatch> {
        match &node.value {
            Value::Text(value) if node.tag.is_none() => Ok(value.clone()),
            _ => Err(Mismatch::new(node, path, "text")),
        }
    }
}

impl FromValue for Secret {
    fn from_value(node: &Node, path: &Path<'_>) -> Result<Self, Mismatch> {
        match node.provider() {
            Some(provider) => Ok(Secret::new(SecretSource { name: path.to_string(), provider })),
            None => Err(Mismatch::new(node, path, "a secret")),
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(node: &Node, path: &Path<'_>) -> Result<Self, Mismatch> {
        match node.value {
            Value::Null => Ok(None),
            _ => T::from_value(node, path).map(Some),
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(node: &Node, path: &Path<'_>) -> Result<Self, Mismatch> {
        match &node.value {
            Value::List(items) => {
                items.iter().enumerate().map(|(index, item)| T::from_value(item, &path.item(index))).collect()
            }
            _ => Err(Mismatch::new(node, path, "a list")),
        }
    }
}

impl<T: FromValue> FromValue for BTreeMap<String, T> {
    fn from_value(node: &Node, path: &Path<'_>) -> Result<Self, Mismatch> {
        match &node.value {
            Value::Map(map) => map
                .entries
                .iter()
                .map(|(key, node)| Ok((key.name.clone(), T::from_value(node, &path.key(&key.name))?)))
                .collect(),
            _ => Err(Mismatch::new(node, path, "a mapping")),
        }
    }
}

/// The entries of a mapping by key, for generated structs.
pub struct Entries<'n> {
    node: &'n Node,
    path: &'n Path<'n>,
    by_key: HashMap<&'n str, &'n Node>,
}

impl<'n> Entries<'n> {
    /// The entries of a node.
    ///
    /// # Errors
    /// It is not a mapping.
    pub fn of(node: &'n Node, path: &'n Path<'n>) -> Result<Self, Mismatch> {
        match &node.value {
            Value::Map(map) => {
                let by_key = map.entries.iter().map(|(key, node)| (key.name.as_str(), node)).collect();
                Ok(Self { node, path, by_key })
            }
            _ => Err(Mismatch::new(node, path, "a mapping")),
        }
    }

    /// The value of a key.
    ///
    /// # Errors
    /// It is of another type, or missing and not optional.
    pub fn field<T: FromValue>(&self, key: &str) -> Result<T, Mismatch> {
        let path = self.path.key(key);
        match self.by_key.get(key) {
            Some(node) => T::from_value(node, &path),
            None => T::absent().ok_or_else(|| Mismatch {
                path: path.to_string(),
                place: self.node.place.clone(),
                wanted: "there",
                found: "missing",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn read<T: FromValue>(text: &str) -> Result<T, String> {
        let source = Source::of_text("f.yaml", format!("v: {text}\n"));
        let node = crate::yaml::parse(&source).0.unwrap();
        let entries = Entries::of(&node, &Path::ROOT).unwrap();
        entries.field("v").map_err(|mismatch| mismatch.to_string())
    }

    #[test]
    fn values_become_what_their_shape_says() {
        assert_eq!(read("true"), Ok(true));
        assert_eq!(read("7"), Ok(7_i64));
        assert_eq!(read("7"), Ok(7.0_f64));
        assert_eq!(read("7.5"), Ok(7.5_f64));
        assert_eq!(read("no"), Ok("no".to_owned()));
        assert_eq!(read("[a, b]"), Ok(vec!["a".to_owned(), "b".to_owned()]));
        let map = read("{ net.ipv4.ip_forward: 1, 10.0.0.0/8: 2 }");
        let expected = [("net.ipv4.ip_forward", 1_i64), ("10.0.0.0/8", 2)];
        assert_eq!(map, Ok(BTreeMap::from(expected.map(|(key, value)| (key.to_owned(), value)))));
        assert_eq!(read("null"), Ok(None::<i64>));
        assert_eq!(read("[1, null]"), Ok(vec![Some(1_i64), None]));
        assert_eq!(read("!env X").map(|secret: Secret| secret.source().name.clone()), Ok("v".to_owned()));
        let names = read("[!env X, !file y]")
            .map(|all: Vec<Secret>| all.iter().map(|secret| secret.source().name.clone()).collect());
        assert_eq!(names, Ok(vec!["v.0".to_owned(), "v.1".to_owned()]));
    }

    #[test]
    fn a_value_that_changed_meanwhile_is_refused_where_it_stands() {
        assert_eq!(
            read::<i64>("x"),
            Err("f.yaml:1:4: error[P0112]: `v` is text, but was a whole number when `site!` read it"
                .to_owned())
        );
        assert_eq!(
            read::<String>("!env X"),
            Err("f.yaml:1:4: error[P0112]: `v` is a secret, but was text when `site!` read it".to_owned())
        );
        assert_eq!(
            read::<Vec<bool>>("[true, 1]"),
            Err("f.yaml:1:11: error[P0112]: `v.1` is a whole number, but was a truth value when `site!` read it".to_owned())
        );
        let node = crate::yaml::parse(&Source::of_text("f.yaml", "a: 1\n".to_owned())).0.unwrap();
        let entries = Entries::of(&node, &Path::ROOT).unwrap();
        assert_eq!(
            entries.field::<i64>("b").map_err(|mismatch| mismatch.to_string()),
            Err("f.yaml:1:1: error[P0112]: `b` is missing, but was there when `site!` read it".to_owned())
        );
        assert_eq!(entries.field::<Option<i64>>("b"), Ok(None));
    }
}
