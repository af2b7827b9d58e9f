//! What roles import: `use paracrine_build::prelude::*;`

pub use paracrine_macros::{site, text};
pub use paracrine_model::plan::{AnyTask, Declared, Plan};
pub use paracrine_model::secret::Secret;
pub use paracrine_model::text::Text;

pub use crate::context;
pub use crate::local_file::local_file;
pub use crate::template::template;
