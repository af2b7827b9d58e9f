//! `config.yaml`: the environments and their values.
//!
//! ```yaml
//! common:                 # values of all environments; so are all other keys of the top level
//!   ACME_EMAIL: ops@example.org
//! environments:
//!   dev:
//!     APP_HOST: app.dev.example.org
//!     DB_PASSWORD: !file secrets/dev/db_password
//! ```

use std::collections::HashMap;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place, nearest};
use crate::field;
use crate::source::Source;
use crate::yaml::{self, Key, Map, Node, Value};

const TOP: [&str; 2] = ["environments", "common"];

/// What a config holds.
#[derive(Clone, Debug)]
pub struct Config {
    /// Values of all environments.
    pub common: Map,
    /// The environments in the order of the file: name and own values.
    pub environments: Vec<(Key, Map)>,
    /// Names of environments that are there but cannot be read; what is wrong with them has been said.
    pub broken: Vec<String>,
    /// Whether it is known which environments there are.
    pub complete: bool,
}

/// Reads a config. Without one only if the text is no YAML mapping.
pub fn parse(source: &Source) -> (Option<Config>, Diagnostics) {
    let (node, mut diagnostics) = yaml::parse(source);
    let config = node.and_then(|node| read(&node, &mut diagnostics));
    (config, diagnostics)
}

fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Config> {
    let Value::Map(top) = &node.value else {
        let what = if node.is_left_empty() { "the config is empty" } else { "the config is not a mapping" };
        let error = Diagnostic::error(Code::WRONG_TYPE, what)
            .at(node.place.clone(), node.kind())
            .help("begin it with `environments:`");
        diagnostics.push(error);
        return None;
    };
    let mut config =
        Config { common: Map::default(), environments: Vec::new(), broken: Vec::new(), complete: true };
    let mut found = false;
    for (key, node) in &top.entries {
        match key.name.as_str() {
            "environments" => {
                found = true;
                environments(key, node, &mut config, diagnostics);
            }
            "common" => {
                if let Some(map) = field::map(key, node, diagnostics) {
                    map.entries.iter().for_each(|entry| common(entry.clone(), &mut config, diagnostics));
                }
            }
            name => match nearest(name, TOP).filter(|_| matches!(node.value, Value::Map(_))) {
                Some(near) => {
                    if near == "environments" {
                        found = true;
                        config.complete = false;
                    }
                    let error = Diagnostic::error(Code::UNKNOWN_KEY, format!("unknown key `{name}`"))
                        .at(key.place.clone(), "not a key of the config")
                        .help(format!("did you mean `{near}`?"));
                    diagnostics.push(error);
                }
                None => common((key.clone(), node.clone()), &mut config, diagnostics),
            },
        }
    }
    if !found {
        config.complete = false;
        missing_environments(top, node, diagnostics);
    }
    values(&config.common, diagnostics);
    for (_, map) in &config.environments {
        values(map, diagnostics);
    }
    Some(config)
}

fn missing_environments(top: &Map, node: &Node, diagnostics: &mut Diagnostics) {
    let near = nearest("environments", top.entries.iter().map(|(key, _)| key.name.as_str()));
    let error = Diagnostic::error(Code::MISSING_KEY, "the config has no `environments`")
        .at(node.place.clone(), "in this mapping")
        .help("add `environments:` with a mapping of values for each");
    diagnostics.push(match near.and_then(|near| top.entry(near)) {
        Some((key, _)) => error.related(key.place.clone(), "is this meant to be it?"),
        None => error,
    });
}

fn common(entry: (Key, Node), config: &mut Config, diagnostics: &mut Diagnostics) {
    let (key, node) = entry;
    match config.common.entry(&key.name) {
        Some((first, _)) => diagnostics.push(
            Diagnostic::error(Code::DUPLICATE_KEY, format!("common value `{}` stands twice", key.name))
                .at(key.place, "again here")
                .related(first.place.clone(), "first here")
                .help("keys of the top level and of `common` are the same values; remove one"),
        ),
        None => config.common.entries.push((key, node)),
    }
}

fn environments(key: &Key, node: &Node, config: &mut Config, diagnostics: &mut Diagnostics) {
    let map = field::map(key, node, diagnostics);
    config.complete = map.is_some_and(|map| !map.entries.is_empty());
    let Some(map) = map else { return };
    if map.entries.is_empty() {
        let error = Diagnostic::error(Code::EMPTY_VALUE, "there are no environments")
            .at(node.place.clone(), "empty")
            .help("add one: `environments: { dev: { … } }`");
        diagnostics.push(error);
    }
    let all_empty = map.entries.iter().all(|(_, node)| is_bare(node));
    for (name, node) in &map.entries {
        if all_empty {
            config.environments.push((name.clone(), Map::default()));
        } else if is_bare(node) {
            let error =
                Diagnostic::error(Code::EMPTY_VALUE, format!("environment `{}` has no values", name.name))
                    .at(name.place.clone(), "empty")
                    .help("give it the values that the other environments have");
            diagnostics.push(field::used(error, node));
            config.broken.push(name.name.clone());
        } else if let Some(map) = field::map(name, node, diagnostics) {
            config.environments.push((name.clone(), map.clone()));
        } else {
            config.broken.push(name.name.clone());
        }
    }
}

fn is_bare(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Map(map) => map.entries.is_empty(),
        _ => false,
    }
}

/// What can be said of values without comparing environments.
pub(crate) fn values(map: &Map, diagnostics: &mut Diagnostics) {
    for (key, node) in &map.entries {
        value(&key.name, node, diagnostics);
    }
}

fn value(name: &str, node: &Node, diagnostics: &mut Diagnostics) {
    match &node.value {
        Value::Null if node.is_left_empty() => {
            let error = Diagnostic::error(Code::EMPTY_VALUE, format!("`{name}` is empty"))
                .at(node.place.clone(), "no value")
                .help(format!(
                    "write the value, `{name}: null` if there is none, or `{name}: \"\"` for empty text"
                ));
            diagnostics.push(field::used(error, node));
        }
        Value::List(items) => items.iter().for_each(|item| value(name, item, diagnostics)),
        Value::Map(map) => values(map, diagnostics),
        _ => {}
    }
}

/// Warns of literal values whose names, or whose looks, are those of secrets: once for each name.
pub(crate) fn literal_secrets<'m>(maps: impl IntoIterator<Item = &'m Map>, diagnostics: &mut Diagnostics) {
    let mut found: Vec<(String, Vec<Place>)> = Vec::new();
    let mut index: HashMap<String, usize> = HashMap::new();
    for map in maps {
        literals(map, "", &mut |name, place| {
            let at = *index.entry(name.to_owned()).or_insert_with(|| {
                found.push((name.to_owned(), Vec::new()));
                found.len() - 1
            });
            if !found[at].1.contains(place) {
                found[at].1.push(place.clone());
            }
        });
    }
    for (name, places) in found {
        let Some((first, others)) = places.split_first() else {
            continue;
        };
        let variable = name.rsplit('.').next().unwrap_or(&name).to_uppercase();
        let file = name.to_lowercase();
        let mut warning = Diagnostic::warning(Code::LITERAL_SECRET, format!("`{name}` looks like a secret"))
            .at(first.clone(), "readable by all who can read this file")
            .help(format!("tag it: `!env {variable}` or `!file secrets/{file}`"));
        for other in others.iter().take(3) {
            warning = warning.related(other.clone(), "and here");
        }
        diagnostics.push(warning);
    }
}

fn literals(map: &Map, path: &str, found: &mut impl FnMut(&str, &Place)) {
    for (key, node) in &map.entries {
        let name = if path.is_empty() { key.name.clone() } else { format!("{path}.{}", key.name) };
        let secret = sounds_secret(&key.name);
        literal(&name, node, secret, found);
    }
}

fn literal(name: &str, node: &Node, secret: bool, found: &mut impl FnMut(&str, &Place)) {
    match &node.value {
        Value::Text(text) if node.tag.is_some() || text.is_empty() => {}
        Value::Text(text) if secret || text.contains("PRIVATE KEY-----") => found(name, &node.place),
        Value::List(items) => items.iter().for_each(|item| literal(name, item, secret, found)),
        Value::Map(map) => literals(map, name, found),
        _ => {}
    }
}

/// Whether a key names something that is usually secret: `DB_PASSWORD`, `apiKey`, but not `PASSWORD_FILE`.
fn sounds_secret(key: &str) -> bool {
    let words = crate::shape::words(key);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let about =
        ["file", "path", "dir", "length", "ttl", "expiry", "policy", "name", "id", "url", "host", "public"];
    if words.last().is_some_and(|last| about.contains(last)) {
        return false;
    }
    let alone = [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "pass",
        "secret",
        "secrets",
        "token",
        "tokens",
        "private",
        "salt",
        "credential",
        "credentials",
        "apikey",
        "signer",
        "passwords",
    ];
    let keys = ["api", "access", "signing", "encryption", "auth", "master"];
    words.iter().any(|word| alone.contains(word))
        || words.windows(2).any(|pair| keys.contains(&pair[0]) && matches!(pair[1], "key" | "keys"))
}
