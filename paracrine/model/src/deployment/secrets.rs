//! Whether the providers of secrets give anything, as far as that can be seen when building.

use std::collections::HashSet;

use super::Deployment;
use crate::config::is_placeholder;
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

    /// What the shell has against a command, without running it; `None`: nothing.
    fn malformed(&mut self, command: &str) -> Option<String>;

    /// What the program of a provider says.
    ///
    /// # Errors
    /// Why it says nothing, as half a sentence about it.
    fn run(&mut self, provider: &Provider) -> Result<Vec<u8>, String>;
}

/// What a build does about secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// Looks whether they can be there, and runs nothing.
    #[default]
    Look,
    /// Asks their providers too: for builds on the machine that deploys.
    Resolve,
    /// Takes what is wrong for a warning: for builds that may not see secrets.
    Defer,
}

impl Secrets {
    /// As `PARACRINE_SECRETS` has it.
    pub fn named(name: &str) -> Self {
        match name {
            "resolve" => Self::Resolve,
            "defer" => Self::Defer,
            _ => Self::Look,
        }
    }
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

/// Checks the providers of all secrets that a host can use.
pub fn check_secrets(deployment: &Deployment, resolver: &mut dyn Resolver, secrets: Secrets) -> Diagnostics {
    let mut check = Check { resolver, secrets, diagnostics: Diagnostics::new(), seen: HashSet::new() };
    for environment in deployment.environments.iter().filter(|environment| !environment.hosts.is_empty()) {
        check.node("", &environment.values);
    }
    for host in &deployment.hosts {
        check.node("", &host.vars);
    }
    if secrets != Secrets::Defer {
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
    secrets: Secrets,
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
            Provider::Command(command) => {
                if let Some(why) = self.resolver.malformed(command) {
                    let help = "see that the shell takes it: `sh -n -c '…'`".to_owned();
                    let message = format!("secret `{name}`: its command is no shell command: {why}");
                    return Err((Code::SECRET_UNRESOLVED, message, "does not resolve", help));
                }
                match programs_of(command).find(|program| !self.resolver.program(program)) {
                    Some(program) => Err(no_program(name, program)),
                    None => self.resolved(name, provider, "the command"),
                }
            }
            Provider::Sops { file, key } => {
                let bytes = self.file(name, file)?;
                sops_key(name, file, key, bytes)?;
                match self.resolver.program("sops") {
                    true => self.resolved(name, provider, "sops"),
                    false => Err(no_program(name, "sops")),
                }
            }
            Provider::Age(path) => {
                let bytes = self.file(name, path)?;
                if bytes.is_empty() {
                    return Err(empty(name, &format!("file `{path}`")));
                }
                // What it begins with, in binary and in armour (age-encryption.org/v1).
                let heads: [&[u8]; 2] = [b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----"];
                if !heads.iter().any(|head| bytes.trim_ascii_start().starts_with(head)) {
                    let help = format!("encrypt it: `age --encrypt --recipient … --output {path} FILE`");
                    let message = format!("secret `{name}`: `{path}` is not encrypted");
                    return Err((Code::SECRET_UNRESOLVED, message, "does not resolve", help));
                }
                match self.resolver.program("age") {
                    true => self.resolved(name, provider, "age"),
                    false => Err(no_program(name, "age")),
                }
            }
        }
    }

    /// Asks the provider, where that is wanted, and looks whether what it says can be a secret.
    fn resolved(&mut self, name: &str, provider: &Provider, what: &str) -> Result<(), Trouble> {
        if self.secrets != Secrets::Resolve {
            return Ok(());
        }
        match self.resolver.run(provider) {
            Ok(bytes) => content(name, &bytes, &format!("what {what} says")),
            Err(why) => {
                let help = "run it by hand to see; `PARACRINE_SECRETS=defer` builds without".to_owned();
                let message = format!("secret `{name}`: {what} {why}");
                Err((Code::SECRET_UNRESOLVED, message, "does not resolve", help))
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
    if is_placeholder(text) || is_unset(text) {
        let help = "give it its value".to_owned();
        let message = format!("secret `{name}`: {what} holds a placeholder");
        return Err((Code::SECRET_PLACEHOLDER, message, "a placeholder", help));
    }
    Ok(())
}

/// Whether a secret is none yet, whatever it may be elsewhere: `changeme`, `your-password-here`, a variable that nobody replaced.
fn is_unset(text: &str) -> bool {
    let folded = text.to_lowercase().replace(['-', '_', ' ', '<', '>', '!'], "");
    let around = |open: &str, close: &str| text.starts_with(open) && text.ends_with(close);
    let words = ["password", "secret", "token", "key", "passphrase", "value"];
    let yours = folded.strip_prefix("your").or_else(|| folded.strip_prefix("insert"));
    let named = |rest: &str| words.iter().any(|word| rest.trim_end_matches("here").ends_with(word));
    matches!(folded.as_str(), "changeme" | "todo" | "fixme" | "tbd" | "placeholder" | "replaceme" | "...")
        || (folded.len() >= 3 && folded.bytes().all(|byte| byte == b'x'))
        || (folded.len() >= 3 && folded.bytes().all(|byte| byte == b'*'))
        || yours.is_some_and(named)
        || around("${", "}")
        || around("{{", "}}")
}

fn no_program(name: &str, program: &str) -> Trouble {
    let message = format!("secret `{name}`: there is no program `{program}`");
    let help = format!("install `{program}`; `PARACRINE_SECRETS=defer` builds without");
    (Code::SECRET_UNRESOLVED, message, "does not resolve", help)
}

/// The programs that a shell command starts, where these are plain to see: the first of each piece of a pipe.
fn programs_of(command: &str) -> impl Iterator<Item = &str> {
    const SHELL: [&str; 23] = [
        "cd", "echo", "printf", "test", "if", "for", "while", "case", "eval", "exec", "export", "set",
        "read", "command", "true", "umask", "false", "unset", "trap", "wait", "until", "local", "exit",
    ];
    // Quotes, variables, chains and functions are too much for the eye of this.
    let is_simple = !command.contains(['\'', '"', '`', '$', '(', '{', '\\', '#', '\n', '&', ';']);
    let pieces = if is_simple { command.split('|').collect() } else { vec![command] };
    let plain = |word: &&str| {
        word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '+' | '~'))
            && !SHELL.contains(word)
            && *word != "."
    };
    pieces.into_iter().filter_map(|piece| piece.split_whitespace().next()).filter(plain)
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
