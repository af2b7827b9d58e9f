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
        Value::Text(text) if node.tag.is_none() && is_placeholder(text) => {
            placeholder(name, node, diagnostics);
        }
        _ => {}
    }
    if let Some((message, label, help)) = misread(name, node) {
        let warning = Diagnostic::warning(Code::MISREAD, message).at(node.place.clone(), label).help(help);
        diagnostics.push(field::used(warning, node));
    }
}

/// What is to be said of a value that is not what it looks like: message, label, help.
fn misread(name: &str, node: &Node) -> Option<(String, String, String)> {
    let written = node.spelling.as_deref()?;
    let quote = format!("quote it: `\"{written}\"`");
    let read = match &node.value {
        Value::Int(int) => int.to_string(),
        Value::Float(float) if float.is_finite() => match float.to_string() {
            long if long.len() > 20 => format!("{float:e}"),
            short => short,
        },
        // YAML 1.1, and many a tool, have another meaning for these.
        Value::Text(_) => {
            let message = format!("`{name}` is the text `{written}`, which older tools read otherwise");
            let help = match written.to_ascii_lowercase().as_str() {
                "yes" | "on" => format!("{quote}, or write `true`"),
                "no" | "off" => format!("{quote}, or write `false`"),
                _ if written.contains('_') => format!("{quote}, or write `{}`", written.replace('_', "")),
                _ => quote,
            };
            return Some((message, "text".to_owned(), help));
        }
        _ => return None,
    };
    // `0o644` is how modes are written, `1.0` how a decimal number is that happens to be whole.
    let is_mode = written.strip_prefix("0o").is_some_and(|digits| matches!(digits.len(), 3 | 4));
    if read == written || is_mode || written.strip_suffix(".0") == Some(&read) {
        return None;
    }
    let message = format!("`{name}` is written as `{written}`, and is the number {read}");
    Some((
        message,
        format!("read as {read}"),
        format!("if it is text, {quote}; if it is a number, write `{read}`"),
    ))
}

/// Whether somebody meant to write a value here, and has not.
pub(crate) fn is_placeholder(text: &str) -> bool {
    let bare = text.trim();
    let inner = bare.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let words = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.'))
            && text.chars().any(char::is_alphabetic)
    };
    inner.is_some_and(words)
        || matches!(
            bare,
            "CHANGEME" | "CHANGE_ME" | "CHANGE-ME" | "TODO" | "FIXME" | "TBD" | "REPLACEME" | "REPLACE_ME"
        )
        || bare.starts_with("TODO:")
}

/// A value that nobody has written yet: a mistake where it should be a secret.
fn placeholder(name: &str, node: &Node, diagnostics: &mut Diagnostics) {
    let message = format!("`{name}` is a placeholder");
    let found = match sounds_secret(name) {
        true => Diagnostic::error(Code::SECRET_PLACEHOLDER, message),
        false => Diagnostic::warning(Code::SECRET_PLACEHOLDER, message),
    };
    let found = found.at(node.place.clone(), "not a value yet").help("give it its value");
    diagnostics.push(field::used(found, node));
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
            .help(match first.file.ends_with(".json") {
                // There are no tags in JSON.
                true => format!("keep it out of this file: a YAML file has tags for it, `!env {variable}`"),
                false => format!("tag it: `!env {variable}` or `!file secrets/{file}`"),
            });
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
        Value::Text(text) if node.tag.is_some() || text.is_empty() || is_placeholder(text) => {}
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
    // What something secret has, and is not secret itself.
    let about = [
        "file",
        "path",
        "dir",
        "length",
        "ttl",
        "expiry",
        "policy",
        "name",
        "id",
        "url",
        "uri",
        "host",
        "public",
        "ip",
        "ips",
        "address",
        "addresses",
        "subnet",
        "subnets",
        "cidr",
        "network",
        "networks",
        "port",
        "ports",
        "zone",
        "domain",
        "interface",
        "dns",
        "endpoint",
        "type",
        "algorithm",
        "rounds",
        "user",
        "username",
        "prefix",
        "header",
        "mode",
        "backend",
        "provider",
        "store",
        "manager",
        "age",
        "count",
        "min",
        "max",
        "required",
        "enabled",
        "registry",
    ];
    if words.last().is_some_and(|last| about.contains(last)) {
        return false;
    }
    let alone = [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "secrets",
        "token",
        "tokens",
        "credential",
        "credentials",
        "apikey",
        "signer",
        "passwords",
    ];
    let keys = ["api", "access", "signing", "encryption", "auth", "master", "private"];
    // `pass_through` and `salt_master` are other things.
    words.iter().any(|word| alone.contains(word))
        || words.last().is_some_and(|last| matches!(*last, "pass" | "salt" | "private"))
        || words.windows(2).any(|pair| keys.contains(&pair[0]) && matches!(pair[1], "key" | "keys"))
}
