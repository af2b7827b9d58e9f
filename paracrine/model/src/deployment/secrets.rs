//! Whether the providers of secrets give anything, as far as that can be seen when building.

use std::collections::HashSet;

use super::Deployment;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity, nearest};
use crate::secret::Provider;
use crate::source::Source;
use crate::yaml::{self, Map, Node, Value};

/// Where the check of secrets looks. The build helper asks the machine, tests a map. Contents are looked at and
/// forgotten; none gets into a diagnostic.
pub trait Resolver {
    /// An environment variable.
    fn env(&mut self, name: &str) -> Presence;

    /// A file's content; the path is relative to the site, absolute, or begins with `~/`.
    fn file(&mut self, path: &str) -> Presence;

    /// Whether the shell would find a program.
    fn program(&mut self, name: &str) -> bool;
}

/// What is where a secret should be.
#[derive(Clone, PartialEq, Eq)]
pub enum Presence {
    /// Nothing.
    Absent,
    /// Something that cannot be read, and why.
    Unreadable(String),
    /// Its bytes.
    There(Vec<u8>),
}

/// Checks the providers of all secrets that a host can use. `defer`: what is wrong is a warning, for builds that may not
/// see secrets.
pub fn check_secrets(deployment: &Deployment, resolver: &mut dyn Resolver, defer: bool) -> Diagnostics {
    let mut check = Check { resolver, diagnostics: Diagnostics::new(), seen: HashSet::new() };
    for environment in deployment.environments.iter().filter(|environment| !environment.hosts.is_empty()) {
        check.node("", &environment.values);
    }
    for host in &deployment.hosts {
        check.node("", &host.vars);
    }
    if !defer {
        return check.diagnostics;
    }
    let mut deferred = Diagnostics::new();
    for mut diagnostic in check.diagnostics {
        diagnostic.severity = Severity::Warning;
        deferred.push(diagnostic);
    }
    deferred
}

struct Check<'r> {
    resolver: &'r mut dyn Resolver,
    diagnostics: Diagnostics,
    seen: HashSet<crate::diagnostic::Place>,
}

/// What is wrong with a secret: code, message, label, help.
type Trouble = (Code, String, &'static str, String);

impl Check<'_> {
    fn node(&mut self, path: &str, node: &Node) {
        if let Some(provider) = node.provider() {
            // Common values and defaults come by once for each who has them.
            if self.seen.insert(node.place.clone())
                && let Err((code, message, label, help)) = self.provider(path, &provider)
            {
                let error = Diagnostic::error(code, message).at(node.place.clone(), label).help(help);
                self.diagnostics.push(error);
            }
            return;
        }
        let join = |step: &str| {
            if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") }
        };
        match &node.value {
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.node(&join(&index.to_string()), item);
                }
            }
            Value::Map(map) => {
                for (key, node) in &map.entries {
                    self.node(&join(&key.name), node);
                }
            }
            _ => {}
        }
    }

    fn provider(&mut self, name: &str, provider: &Provider) -> Result<(), Trouble> {
        match provider {
            Provider::Env(variable) => {
                let presence = self.resolver.env(variable);
                let what = format!("environment variable `{variable}`");
                let bytes = present(name, presence, &what, "is not set", || {
                    format!("set it: `export {variable}=…`; `PARACRINE_SECRETS=defer` builds without")
                })?;
                content(name, &bytes, &what)
            }
            Provider::File(path) => {
                let bytes = self.file(name, path)?;
                content(name, &bytes, &format!("file `{path}`"))
            }
            Provider::Command(command) => match program_of(command) {
                Some(program) if !self.resolver.program(program) => Err(no_program(name, program)),
                _ => Ok(()),
            },
            Provider::Sops { file, key } => {
                let bytes = self.file(name, file)?;
                sops_key(name, file, key, bytes)?;
                if self.resolver.program("sops") { Ok(()) } else { Err(no_program(name, "sops")) }
            }
            Provider::Age(path) => {
                let bytes = self.file(name, path)?;
                if bytes.is_empty() {
                    return Err(empty(name, &format!("file `{path}`")));
                }
                if self.resolver.program("age") { Ok(()) } else { Err(no_program(name, "age")) }
            }
        }
    }

    fn file(&mut self, name: &str, path: &str) -> Result<Vec<u8>, Trouble> {
        let presence = self.resolver.file(path);
        present(name, presence, &format!("file `{path}`"), "is not there", || {
            format!("write the secret to `{path}`; `PARACRINE_SECRETS=defer` builds without")
        })
    }
}

fn present(
    name: &str,
    presence: Presence,
    what: &str,
    absent: &str,
    help: impl FnOnce() -> String,
) -> Result<Vec<u8>, Trouble> {
    let trouble = |why: String, help| {
        Err((Code::SECRET_UNRESOLVED, format!("secret `{name}`: {what} {why}"), "does not resolve", help))
    };
    match presence {
        Presence::There(bytes) => Ok(bytes),
        Presence::Absent => trouble(absent.to_owned(), help()),
        Presence::Unreadable(why) => trouble(
            format!("cannot be read: {}", why.trim_end_matches('.')),
            "let whoever builds read it".to_owned(),
        ),
    }
}

fn empty(name: &str, what: &str) -> Trouble {
    let help = "give it its value; an empty secret is none".to_owned();
    (Code::SECRET_EMPTY, format!("secret `{name}`: {what} is empty"), "empty", help)
}

/// Whether the content of a secret can be one.
fn content(name: &str, bytes: &[u8], what: &str) -> Result<(), Trouble> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let help = "a secret is text; encode bytes, with base64 for example".to_owned();
        return Err((
            Code::SECRET_UNRESOLVED,
            format!("secret `{name}`: {what} is not UTF-8"),
            "not text",
            help,
        ));
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(empty(name, what));
    }
    let folded = text.to_lowercase().replace(['-', '_', ' ', '<', '>'], "");
    let placeholder =
        matches!(folded.as_str(), "changeme" | "todo" | "fixme" | "tbd" | "placeholder" | "replaceme")
            || (folded.len() >= 3 && folded.bytes().all(|byte| byte == b'x'));
    if placeholder {
        let help = "give it its value".to_owned();
        let message = format!("secret `{name}`: {what} holds a placeholder");
        return Err((Code::SECRET_PLACEHOLDER, message, "a placeholder", help));
    }
    Ok(())
}

fn no_program(name: &str, program: &str) -> Trouble {
    let message = format!("secret `{name}`: there is no program `{program}`");
    let help = format!("install `{program}`; `PARACRINE_SECRETS=defer` builds without");
    (Code::SECRET_UNRESOLVED, message, "does not resolve", help)
}

/// The program that a shell command starts with, where that is plain to see.
fn program_of(command: &str) -> Option<&str> {
    const SHELL: [&str; 16] = [
        "cd", "echo", "printf", "test", "if", "for", "while", "case", "eval", "exec", "export", "set",
        "read", "command", "true", "umask",
    ];
    let first = command.split_whitespace().next()?;
    let plain =
        first.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '+' | '~'));
    (plain && !SHELL.contains(&first) && first != ".").then_some(first)
}

/// Whether a sops file has a key: its keys are in clear. Formats that have none, or not in clear, are left to `sops`.
fn sops_key(name: &str, file: &str, key: &str, bytes: Vec<u8>) -> Result<(), Trouble> {
    let structured = [".yaml", ".yml", ".json"].iter().any(|ending| file.ends_with(ending));
    if !structured {
        return Ok(());
    }
    let trouble =
        |message: String, help: String| Err((Code::SECRET_UNRESOLVED, message, "does not resolve", help));
    let root = Source::new(file, bytes).ok().and_then(|source| yaml::parse(&source).0).map(|node| node.value);
    let Some(Value::Map(top)) = root else {
        return trouble(
            format!("secret `{name}`: `{file}` cannot be read"),
            "encrypt it again with `sops`".to_owned(),
        );
    };
    if top.get("sops").is_none() {
        let help = format!("encrypt it: `sops encrypt --in-place {file}`");
        return trouble(format!("secret `{name}`: `{file}` is not encrypted"), help);
    }
    let mut map: &Map = &top;
    let mut steps = key.split('.').peekable();
    while let Some(step) = steps.next() {
        match (map.get(step).map(|node| &node.value), steps.peek()) {
            (Some(Value::Map(inner)), Some(_)) => map = inner,
            (Some(Value::Map(_) | Value::List(_)), None) => {
                let help = "name the key of one text in it".to_owned();
                return trouble(format!("secret `{name}`: `{key}` in `{file}` is not one value"), help);
            }
            (Some(_), None) => {}
            _ => {
                let known = map.entries.iter().map(|(key, _)| key.name.as_str()).filter(|key| *key != "sops");
                let help = match nearest(step, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("add it: `sops edit {file}`"),
                };
                return trouble(format!("secret `{name}`: `{file}` has no key `{key}`"), help);
            }
        }
    }
    Ok(())
}
