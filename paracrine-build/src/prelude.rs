//! What roles import: `use paracrine_build::prelude::*;`
//!
//! Also what the signatures of their functions name: [`Plan`], [`Declared`] with the resources (`Declared<'_, File>`),
//! [`Task`] for any of them, [`Text`], [`Secret`]. [`site!`] makes the rest from the site's files: `Context`, `Host`, `Env`,
//! `Environment`, `Role`, `Vars`.

pub use paracrine_macros::{ForTemplate, site, text};
pub use paracrine_model::content::IntoContent;
pub use paracrine_model::format::Format;
pub use paracrine_model::given::ForTemplate;
pub use paracrine_model::host::Arch;
pub use paracrine_model::inventory::Os;
pub use paracrine_model::plan::{AnyTask, Declared, Plan, TaskRef as Task};
pub use paracrine_model::resource::all::*;
pub use paracrine_model::secret::Secret;
pub use paracrine_model::text::Text;

pub use crate::content::{local_file, template};
pub use crate::context;
pub use crate::template::{Values, serialized};
