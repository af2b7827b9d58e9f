//! Secrets: known by name when building, by value only on the controller at run time and on the host that uses them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Where the value of a secret comes from, as the config's tag says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Provider {
    /// `!env NAME`: an environment variable of the controller.
    Env(String),
    /// `!file path`: a file's content without its final newline; relative to the site.
    File(String),
    /// `!command "…"`: the output of a shell command without its final newline.
    Command(String),
    /// `!sops file#key`: one key of a file that the `sops` program decrypts.
    Sops {
        /// Relative to the site.
        file: String,
        /// Dotted for nested ones.
        key: String,
    },
    /// `!age file`: a file that the `age` program decrypts.
    Age(String),
}

/// As it is written in the config.
impl std::fmt::Display for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "!env {name}"),
            Self::File(path) => write!(f, "!file {path}"),
            Self::Command(command) => write!(f, "!command {command:?}"),
            Self::Sops { file, key } => write!(f, "!sops {file}#{key}"),
            Self::Age(file) => write!(f, "!age {file}"),
        }
    }
}

/// A secret by name: it can be placed (with `text!`, in a template, where a resource takes late text) and nothing else.
///
/// There is no way to its value, its length or a comparison here, because when roles run there is no value yet:
///
/// ```compile_fail
/// fn leak(secret: &paracrine_model::secret::Secret) -> String {
///     format!("{secret}") // `Secret` has no `Display`
/// }
/// ```
///
/// Nor can it be shown while looking for mistakes, as what is shown might end in a file that is deployed:
///
/// ```compile_fail
/// fn leak(secret: &paracrine_model::secret::Secret) -> String {
///     format!("{secret:?}") // `Secret` has no `Debug`
/// }
/// ```
///
/// Nor can it be serialised, alone or in anything else:
///
/// ```compile_fail
/// #[derive(serde::Serialize)]
/// struct Login {
///     password: paracrine_model::secret::Secret, // `Secret` has no `Serialize`
/// }
/// ```
#[derive(Clone)]
pub struct Secret(Arc<SecretSource>);

/// The name and provider of a [`Secret`]: what a plan and the controller know of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SecretSource {
    /// The key in the config (`DB_PASSWORD`).
    pub name: String,
    /// Where its value comes from.
    pub provider: Provider,
}

/// The mark of the secret.
impl std::fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "‹secret {}›", self.name)
    }
}

impl Secret {
    /// Names a secret. Roles get theirs from the generated `Env` and need not call this.
    pub fn new(source: SecretSource) -> Self {
        Self(Arc::new(source))
    }

    /// Name and provider.
    pub fn source(&self) -> &SecretSource {
        &self.0
    }
}
