//! Which values of config and inventories each task was made from, for `explain`.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use paracrine_model::artifact::{ValueId, Writer};
use paracrine_model::deployment::Deployment;
use paracrine_model::diagnostic::Place;
use paracrine_model::plan::ValueUse;
use paracrine_model::secret::SecretSource;
use paracrine_model::shape::{Fields, Shape};
use paracrine_model::yaml::{Key, Map, Node, Value};

use crate::mentions::{Mention, Mentions, Root};
use crate::site_plan::HostView;

/// A value is shown up to so many characters.
const MOST: usize = 120;

/// Where secrets stand.
type Secrets = HashMap<SecretSource, Place>;

/// Finds the values; what is alike for many tasks or hosts is worked out once.
pub(crate) struct ValueUses<'s> {
    deployment: &'s Deployment,
    mentions: Mentions<'s>,
    /// By environment and mention, which its list names and its place in it.
    of_env: HashMap<(usize, *const Mention), Option<Told>>,
    /// By environment.
    secrets: HashMap<usize, Rc<Secrets>>,
}

/// A value that the writer was told of.
#[derive(Clone)]
struct Told {
    id: ValueId,
    /// The name of a secret.
    secret: Option<Rc<str>>,
}

impl<'s> ValueUses<'s> {
    /// For the site at `root`.
    pub(crate) fn new(root: &'s Path, deployment: &'s Deployment) -> Self {
        Self { deployment, mentions: Mentions::new(root), of_env: HashMap::new(), secrets: HashMap::new() }
    }

    /// For each task of a host its values, as the writer names them.
    pub(crate) fn of(&mut self, view: HostView<'_>, writer: &mut Writer) -> Vec<Vec<ValueId>> {
        let host = &self.deployment.hosts[view.index()];
        let secrets_of_env = self.secrets_of(host.environment);
        let mut secrets_of_host = Secrets::new();
        secrets_in(&host.vars, "", &mut secrets_of_host);
        let mut tasks = Vec::with_capacity(view.tasks().len());
        for task in view.tasks() {
            let mut values = Vec::new();
            let mut named: Vec<Rc<str>> = Vec::new();
            for mention in self.mentions.of(&task.origin).iter() {
                if let Some(Told { id, secret }) = self.value(view.index(), mention, writer) {
                    values.push(id);
                    named.extend(secret);
                }
            }
            for secret in task.resource.texts().into_iter().flat_map(|text| text.sources()) {
                if named.iter().any(|known| **known == *secret.name) {
                    continue;
                }
                named.push(secret.name.as_str().into());
                let place = secrets_of_host.get(secret).or_else(|| secrets_of_env.get(secret));
                values.extend(place.map(|place| writer.value(unnamed(secret, place))));
            }
            tasks.push(values);
        }
        tasks
    }

    fn secrets_of(&mut self, environment: usize) -> Rc<Secrets> {
        let deployment = self.deployment;
        let made = || {
            let mut secrets = Secrets::new();
            secrets_in(&deployment.environments[environment].values, "", &mut secrets);
            Rc::new(secrets)
        };
        Rc::clone(self.secrets.entry(environment).or_insert_with(made))
    }

    fn value(&mut self, host: usize, mention: &Mention, writer: &mut Writer) -> Option<Told> {
        let deployment = self.deployment;
        let host = &deployment.hosts[host];
        match mention.root {
            Root::Env => {
                // Mentions live as long as what found them.
                let key = (host.environment, std::ptr::from_ref(mention));
                if let Some(known) = self.of_env.get(&key) {
                    return known.clone();
                }
                let environment = &deployment.environments[host.environment];
                let value = used(mention, &deployment.env, &environment.values, &environment.place);
                let known = value.map(|value| tell(value, writer));
                self.of_env.insert(key, known.clone());
                known
            }
            Root::Vars => {
                let value = used(mention, &deployment.vars, &host.vars, &host.place)?;
                Some(tell(value, writer))
            }
        }
    }
}

fn tell((value, secret): (ValueUse, bool), writer: &mut Writer) -> Told {
    let secret = secret.then(|| value.key.as_str().into());
    Told { id: writer.value(value), secret }
}

/// A mention as a value, and whether that is a secret; `None` where the fields are none of these.
fn used(mention: &Mention, fields: &Fields, values: &Node, owner: &Place) -> Option<(ValueUse, bool)> {
    let (mut fields, mut at) = (Some(fields), Some(values));
    let mut path = String::new();
    let mut place = owner;
    let mut found = None;
    for name in &mention.fields {
        let Some(field) = fields.and_then(|fields| fields.0.iter().find(|field| field.name == *name)) else {
            break;
        };
        path = joined(&path, &field.key);
        let entry = at.and_then(map_of).and_then(|map| map.entry(&field.key));
        if let Some((key, node)) = entry {
            place = defined(key, node);
        }
        at = entry.map(|(_, node)| node);
        found = Some(at);
        fields = match &field.shape {
            Shape::Struct(fields) => Some(fields),
            _ => None,
        };
    }
    let node = found?;
    let shown = node.map_or_else(|| "(not there)".to_owned(), |node| shown(node, &path));
    let secret = node.is_some_and(|node| node.tag.is_some());
    let written = Some(mention.written.clone());
    let value = ValueUse { written, around: mention.around, ..value(path, shown, place) };
    Some((value, secret))
}

/// A secret that is in a task, but not named in its declaration.
fn unnamed(secret: &SecretSource, place: &Place) -> ValueUse {
    value(secret.name.clone(), secret_shown(&secret.name), place)
}

fn value(key: String, shown: String, place: &Place) -> ValueUse {
    let file = place.file.to_string();
    ValueUse { written: None, key, shown, around: false, file, line: place.line, column: place.column }
}

/// Where a value is written: its key, or what its alias stands for.
fn defined<'n>(key: &'n Key, node: &'n Node) -> &'n Place {
    if node.used.is_some() && key.used.is_none() { &node.place } else { &key.place }
}

fn map_of(node: &Node) -> Option<&Map> {
    match &node.value {
        Value::Map(map) => Some(map),
        _ => None,
    }
}

fn joined(path: &str, step: &str) -> String {
    if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") }
}

/// The secrets in a value, named as `site!` names them, and where their keys stand.
fn secrets_in(node: &Node, path: &str, found: &mut Secrets) {
    match &node.value {
        Value::Map(map) => {
            for (key, node) in &map.entries {
                let path = joined(path, &key.name);
                match node.provider() {
                    Some(provider) => {
                        found.insert(SecretSource { name: path, provider }, defined(key, node).clone());
                    }
                    None => secrets_in(node, &path, found),
                }
            }
        }
        Value::List(items) => {
            for (index, node) in items.iter().enumerate() {
                let path = joined(path, &index.to_string());
                match node.provider() {
                    Some(provider) => {
                        found.insert(SecretSource { name: path, provider }, node.place.clone());
                    }
                    None => secrets_in(node, &path, found),
                }
            }
        }
        _ => {}
    }
}

fn secret_shown(name: &str) -> String {
    format!("‹secret {name}›")
}

/// A value on one line and not too long; secrets by name.
fn shown(node: &Node, path: &str) -> String {
    let mut text = String::new();
    write(node, path, &mut text);
    if text.chars().count() > MOST {
        text = text.chars().take(MOST - 1).chain(['…']).collect();
    }
    text
}

fn write(node: &Node, path: &str, text: &mut String) {
    if text.len() > 4 * MOST {
        return;
    }
    if node.tag.is_some() {
        text.push_str(&secret_shown(path));
        return;
    }
    match &node.value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Int(_) | Value::Float(_) if node.spelling.is_some() => text.extend(node.spelling.as_deref()),
        Value::Int(value) => text.push_str(&value.to_string()),
        Value::Float(value) => text.push_str(&value.to_string()),
        Value::Text(value) if value.is_empty() => text.push_str("\"\""),
        Value::Text(value) => {
            let mut lines = value.trim_end().lines();
            text.extend(lines.next());
            text.push_str(if lines.next().is_some() { " …" } else { "" });
        }
        Value::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                write(item, &joined(path, &index.to_string()), text);
            }
            text.push(']');
        }
        Value::Map(map) => {
            text.push('{');
            for (index, (key, node)) in map.entries.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { " " });
                text.push_str(&key.name);
                text.push_str(": ");
                write(node, &joined(path, &key.name), text);
            }
            text.push_str(" }");
        }
    }
}

#[cfg(test)]
mod tests;
