//! The values of config and inventories that tasks were made from, for `explain`.

use serde::{Deserialize, Serialize};

/// A value of the config or an inventory that the declaration of a task names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ValueUse {
    /// As the role writes it (`cx.env.app_host`); `None` for a secret that came into the task by another way.
    pub written: Option<String>,
    /// The key in the YAML, dotted where it is nested: `APP_HOST`, `smtp.password`.
    pub key: String,
    /// The value as it may be shown: on one line, not too long, secrets by name.
    pub shown: String,
    /// Whether it does not stand in the declaration, but in a loop or condition around it.
    pub around: bool,
    /// The YAML file, relative to the site.
    pub file: String,
    /// Where the value is defined there; from 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

impl ValueUse {
    /// Where the value is defined: `config.yaml:14:5`.
    pub fn place(&self) -> String {
        format!("{}:{}:{}", self.file, self.line, self.column)
    }
}
