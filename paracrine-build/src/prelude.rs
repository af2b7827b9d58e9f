//! What roles import: `use paracrine_build::prelude::*;`

pub use paracrine_macros::{site, text};
pub use paracrine_model::plan::{AnyTask, Declared, Plan};
pub use paracrine_model::secret::Secret;
pub use paracrine_model::text::Text;

pub use crate::content::{local_file, template};
pub use crate::context;
