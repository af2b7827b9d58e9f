//! In what contents are written.

use serde::{Deserialize, Serialize};

/// In what a content is written, where its path does not tell: `plan.file(…).format(Format::Toml)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// JSON without comments.
    Json,
    /// JSON whose reader takes comments and commas before closing brackets.
    Jsonc,
    /// A value of JSON in each line.
    JsonLines,
    /// TOML.
    Toml,
    /// YAML, one document or several.
    Yaml,
    /// Sections in brackets, and keys with values.
    Ini,
    /// None that anybody checks.
    Unchecked,
}
