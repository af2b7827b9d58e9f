//! The types of values: what `Env` and `Vars` look like, worked out over all environments and all hosts at once.

mod name;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

pub(crate) use name::{check as check_name, collision, is_name};
pub use name::{pascal_case, snake_case, words};

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place, is_slip};
use crate::field;
use crate::yaml::{Key, Map, Node, Value};

/// The type of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Null wherever it stands, or the item of lists that are all empty.
    Unknown,
    /// `bool`
    Bool,
    /// `i64`
    Int,
    /// `f64`
    Float,
    /// `String`
    Text,
    /// A secret.
    Secret,
    /// `Vec<…>`
    List(Box<Shape>),
    /// A struct of its own.
    Struct(Fields),
    /// `BTreeMap<String, …>`: a mapping whose keys are data (`net.ipv4.ip_forward`, a domain, a network).
    Map(Box<Shape>),
    /// `Option<…>`
    Optional(Box<Shape>),
}

impl Shape {
    /// Whether a secret is in it, however deep.
    pub fn holds_secret(&self) -> bool {
        match self {
            Self::Secret => true,
            Self::List(item) | Self::Optional(item) | Self::Map(item) => item.holds_secret(),
            Self::Struct(fields) => fields.hold_secret(),
            Self::Unknown | Self::Bool | Self::Int | Self::Float | Self::Text => false,
        }
    }
}

impl Fields {
    /// Whether a secret is in one of them, however deep.
    pub fn hold_secret(&self) -> bool {
        self.0.iter().any(|field| field.shape.holds_secret())
    }
}

/// The fields of a struct, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(pub Vec<FieldShape>);

/// A field of a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldShape {
    /// The key in the YAML.
    pub key: String,
    /// The name in Rust; not a keyword, unique in its struct.
    pub name: String,
    /// Its type.
    pub shape: Shape,
    /// Where it stands: the environment's or host's name and the place, the first few.
    pub places: Vec<(Arc<str>, Place)>,
}

/// A mapping that is compared with others: an environment's values, a host's `vars`.
#[derive(Clone, Debug)]
pub struct Member<'m> {
    /// Whose it is.
    pub owner: Arc<str>,
    /// Where something missing in it should be added.
    pub place: Place,
    /// What it holds.
    pub map: &'m Map,
}

/// What it means that a key is missing in some of the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// An error: environments say `null` where they have no value.
    Refused,
    /// An `Option`: hosts, and items of a list, differ.
    Optional,
}

/// How many places a field remembers and a diagnostic shows.
const SHOWN: usize = 3;

/// The fields that all members together have. What is wrong costs its field only.
pub fn unify(members: &[Member<'_>], missing: Missing, diagnostics: &mut Diagnostics) -> Fields {
    fields(members, "", missing, diagnostics)
}

struct Found<'m> {
    owner: Arc<str>,
    key: &'m Key,
    node: &'m Node,
    /// Whether it is one of a list's.
    item: bool,
}

fn fields(members: &[Member<'_>], path: &str, missing: Missing, diagnostics: &mut Diagnostics) -> Fields {
    let mut order: Vec<&str> = Vec::new();
    // For each key the members that have it, by index.
    let mut found: HashMap<&str, Vec<(usize, Found<'_>)>> = HashMap::new();
    for (index, member) in members.iter().enumerate() {
        for (key, node) in &member.map.entries {
            let all = found.entry(&key.name).or_insert_with(|| {
                order.push(&key.name);
                Vec::new()
            });
            all.push((index, Found { owner: Arc::clone(&member.owner), key, node, item: false }));
        }
    }
    let slips = if missing == Missing::Refused { slips(members, &order, &found) } else { Vec::new() };
    let mut fields = Fields::default();
    let mut taken: HashMap<String, (String, Place)> = HashMap::new();
    for key in order {
        if slips.iter().any(|slip| slip.wrong == key) {
            continue;
        }
        let Some(found) = found.remove(key) else { continue };
        let place = &found[0].1.key.place;
        let name = snake_case(key);
        if !check_name(key, &name, place, diagnostics) {
            continue;
        }
        if let Some((first, first_place)) = taken.get(&name) {
            collision(&name, (key, place), (first, first_place), diagnostics);
            continue;
        }
        taken.insert(name.clone(), (key.to_owned(), place.clone()));
        let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        let absent = found.len() < members.len();
        if absent && missing == Missing::Refused {
            let slips: Vec<&Slip<'_>> = slips.iter().filter(|slip| slip.right == key).collect();
            refuse_missing(&path, members, &found, &slips, diagnostics);
        }
        let found: Vec<Found<'_>> = found.into_iter().map(|(_, found)| found).collect();
        let places = found
            .iter()
            .take(SHOWN)
            .map(|found| (Arc::clone(&found.owner), found.key.place.clone()))
            .collect();
        let mut shape = value(&found, &path, missing, diagnostics);
        if absent && missing == Missing::Optional {
            shape = optional(shape);
        }
        fields.0.push(FieldShape { key: key.to_owned(), name, shape, places });
    }
    fields
}

/// A key that a member has instead of another, a slip of the finger away.
struct Slip<'m> {
    wrong: &'m str,
    right: &'m str,
    place: Place,
    owner: usize,
}

/// The keys that are others mistyped: no member has both, and fewer (or later ones) have this.
fn slips<'m>(
    members: &[Member<'m>],
    order: &[&'m str],
    found: &HashMap<&'m str, Vec<(usize, Found<'m>)>>,
) -> Vec<Slip<'m>> {
    let letters = |name: &str| name.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let partly: Vec<(usize, &'m str)> = order
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, key)| found.get(key).is_some_and(|found| found.len() < members.len()))
        .collect();
    let mut slips = Vec::new();
    for (at, wrong) in &partly {
        let Some(of_wrong) = found.get(wrong) else { continue };
        let right = partly.iter().find(|(before, right)| {
            let Some(of_right) = found.get(right) else { return false };
            // `disk1` and `disk2` are two things.
            letters(wrong) != letters(right)
                && is_slip(wrong, right)
                && (of_right.len(), at) > (of_wrong.len(), before)
                && of_wrong.iter().all(|(owner, _)| of_right.iter().all(|(other, _)| other != owner))
        });
        let Some((_, right)) = right else { continue };
        slips.extend(of_wrong.iter().map(|(owner, found)| Slip {
            wrong,
            right,
            place: found.key.place.clone(),
            owner: *owner,
        }));
    }
    slips
}

fn refuse_missing(
    path: &str,
    members: &[Member<'_>],
    found: &[(usize, Found<'_>)],
    slips: &[&Slip<'_>],
    diagnostics: &mut Diagnostics,
) {
    let key = path.rsplit('.').next().unwrap_or(path);
    for (index, member) in members.iter().enumerate() {
        if found.binary_search_by_key(&index, |(index, _)| *index).is_ok() {
            continue;
        }
        let owner = &member.owner;
        let slip = slips.iter().find(|slip| slip.owner == index);
        let message = match slip {
            Some(slip) => format!("environment `{owner}` has `{}` instead of `{path}`", slip.wrong),
            None => format!("environment `{owner}` has no `{path}`"),
        };
        let error = Diagnostic::error(Code::ENV_KEY_MISSING, message);
        let mut error = match slip {
            Some(slip) => error.at(slip.place.clone(), format!("`{key}` mistyped")),
            None => error.at(member.place.clone(), format!("`{key}` is missing here")),
        };
        for (_, found) in found.iter().take(SHOWN) {
            error = error.related(found.key.place.clone(), format!("`{}` has it", found.owner));
        }
        diagnostics.push(match slip {
            Some(_) => error.help(format!("did you mean `{key}`?")),
            None => error.help(format!("add `{key}:` to it, or `{key}: null` to make it optional")),
        });
    }
}

/// Whether a mapping is one of data: half of its keys or more are none that a role could name, and one is of a kind that only
/// data is: a domain, an address, a network, a setting with dots, a number.
fn is_data<'k>(keys: impl IntoIterator<Item = &'k str>) -> bool {
    let (mut all, mut others, mut data) = (0, 0, false);
    for key in keys {
        all += 1;
        others += usize::from(!is_name(key));
        data |= key.contains(['.', '/', ':', '*', '@']) || key.starts_with(|c: char| c.is_ascii_digit());
    }
    data && others * 2 >= all
}

/// The type of the values of mappings whose keys are data.
fn values_of_data(members: &[Member<'_>], path: &str, diagnostics: &mut Diagnostics) -> Shape {
    let mut found: Vec<Found<'_>> = Vec::new();
    for member in members {
        found.extend(member.map.entries.iter().map(|(key, node)| Found {
            owner: Arc::clone(&member.owner),
            key,
            node,
            item: false,
        }));
    }
    value(&found, path, Missing::Optional, diagnostics)
}

fn optional(shape: Shape) -> Shape {
    match shape {
        Shape::Optional(_) => shape,
        other => Shape::Optional(Box::new(other)),
    }
}

fn value(found: &[Found<'_>], path: &str, missing: Missing, diagnostics: &mut Diagnostics) -> Shape {
    let given: Vec<&Found<'_>> = found.iter().filter(|found| found.node.value != Value::Null).collect();
    let Some((first, _)) = given.split_first() else {
        // A value left empty has been refused; a `null` everywhere is an Option of nothing in particular.
        return optional(Shape::Unknown);
    };
    let kind = majority(&given).unwrap_or_else(|| basic(first.node));
    for odd in given.iter().filter(|found| !agrees(&kind, &basic(found.node))) {
        // One of the same list or mapping tells most.
        let alike = || given.iter().filter(|found| agrees(&kind, &basic(found.node)));
        let near = alike().find(|like| like.key.place == odd.key.place || like.owner == odd.owner);
        let Some(like) = near.or_else(|| alike().next()) else {
            continue;
        };
        refuse_type(path, odd, like, diagnostics);
    }
    let alike: Vec<&Found<'_>> =
        given.iter().copied().filter(|found| agrees(&kind, &basic(found.node))).collect();
    let shape = match kind {
        Shape::List(_) => Shape::List(Box::new(items(&alike, path, diagnostics))),
        Shape::Struct(_) => {
            let members: Vec<Member<'_>> = alike
                .iter()
                .filter_map(|found| match &found.node.value {
                    Value::Map(map) => {
                        let place = found.key.place.clone();
                        Some(Member { owner: Arc::clone(&found.owner), place, map })
                    }
                    _ => None,
                })
                .collect();
            let keys = members.iter().flat_map(|member| &member.map.entries);
            if is_data(keys.map(|(key, _)| key.name.as_str()).collect::<BTreeSet<_>>()) {
                Shape::Map(Box::new(values_of_data(&members, path, diagnostics)))
            } else {
                Shape::Struct(fields(&members, path, missing, diagnostics))
            }
        }
        Shape::Int | Shape::Float => {
            let whole = alike.iter().all(|found| basic(found.node) == Shape::Int);
            if whole { Shape::Int } else { Shape::Float }
        }
        other => other,
    };
    if given.len() < found.len() { optional(shape) } else { shape }
}

/// The type of all items of all lists; items that are mappings may differ in their keys.
fn items(lists: &[&Found<'_>], path: &str, diagnostics: &mut Diagnostics) -> Shape {
    let mut found: Vec<Found<'_>> = Vec::new();
    for list in lists {
        if let Value::List(items) = &list.node.value {
            found.extend(items.iter().map(|node| Found {
                owner: Arc::clone(&list.owner),
                key: list.key,
                node,
                item: true,
            }));
        }
    }
    if found.is_empty() {
        return Shape::Unknown;
    }
    value(&found, path, Missing::Optional, diagnostics)
}

/// A node's type without what is inside.
fn basic(node: &Node) -> Shape {
    if node.tag.is_some() {
        return Shape::Secret;
    }
    match node.value {
        Value::Null => Shape::Unknown,
        Value::Bool(_) => Shape::Bool,
        Value::Int(_) => Shape::Int,
        Value::Float(_) => Shape::Float,
        Value::Text(_) => Shape::Text,
        Value::List(_) => Shape::List(Box::new(Shape::Unknown)),
        Value::Map(_) => Shape::Struct(Fields::default()),
    }
}

fn agrees(one: &Shape, other: &Shape) -> bool {
    let number = |shape: &Shape| matches!(shape, Shape::Int | Shape::Float);
    one == other || (number(one) && number(other))
}

/// The type that more than half have: then the others are the odd ones, else the later.
fn majority(found: &[&Found<'_>]) -> Option<Shape> {
    let mut counts: Vec<(Shape, usize)> = Vec::new();
    for found in found {
        let kind = basic(found.node);
        match counts.iter_mut().find(|(known, _)| agrees(known, &kind)) {
            Some((_, count)) => *count += 1,
            None => counts.push((kind, 1)),
        }
    }
    counts.into_iter().find(|(_, count)| count * 2 > found.len()).map(|(kind, _)| kind)
}

fn refuse_type(path: &str, odd: &Found<'_>, like: &Found<'_>, diagnostics: &mut Diagnostics) {
    let (this, that) = (odd.node.kind(), like.node.kind());
    let message = if odd.item && odd.key.place == like.key.place {
        format!("items of `{path}` are both {that} and {this}")
    } else if odd.key.name != like.key.name {
        format!("values of `{path}` are both {that} and {this}")
    } else {
        format!("`{path}` is {this} in `{}`, but {that} in `{}`", odd.owner, like.owner)
    };
    let help = match (basic(odd.node), basic(like.node)) {
        (Shape::Secret, _) => {
            format!("a secret is one everywhere; tag the other, too: `!env {}`", variable(path))
        }
        (_, Shape::Secret) => {
            format!("a secret is one everywhere; tag it: `!env {}` or `!file secrets/…`", variable(path))
        }
        (Shape::Text, Shape::Int | Shape::Float | Shape::Bool) => {
            "remove the quotes, or quote the other".to_owned()
        }
        (_, Shape::Text) => "quote it if it is text".to_owned(),
        _ => "give it the same type everywhere".to_owned(),
    };
    let error = Diagnostic::error(Code::ENV_TYPE_DIFFERS, message)
        .at(odd.node.place.clone(), this)
        .related(like.node.place.clone(), that)
        .help(help);
    diagnostics.push(field::used(error, odd.node));
}

fn variable(path: &str) -> String {
    path.rsplit('.').next().unwrap_or(path).to_uppercase().replace('-', "_")
}
