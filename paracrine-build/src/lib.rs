//! The build helper of Paracrine: what a site's `build.rs` uses.
//!
//! ```text
//! config, inventories ─► Deployment ─► a Context per host ─► roles ─► a plan per host ─► checks ─► plan.bin, agents, site.rs
//! ```
//!
//! [`compile()`] is all that a `build.rs` calls; [`prelude`] is what roles import; [`refusals`] lists all that can be wrong.
//! [`Compile::check`] does the same without printing or writing anything, for tests. Environment variables change what
//! happens:
//!
//! | variable | value | means |
//! | --- | --- | --- |
//! | `PARACRINE_SECRETS` | `defer` | a secret that does not resolve is a warning: for builds that may not see secrets |
//! | `PARACRINE_SECRETS` | `resolve` | `!command`, `!sops` and `!age` are run, to see that they say something: for builds where it is deployed from |
//! | `PARACRINE_DIAGNOSTICS` | `json`, `github` | problems as JSON lines or as annotations for GitHub |
//! | `PARACRINE_AGENT` | `skip` | build no agents; the binary can show plans, but not deploy |
//! | `PARACRINE_AGENT_X86_64` | a path | use this executable as the agent for that architecture |
//!
//! Editors run build scripts, too: where a first build of the agent disturbs, give them `PARACRINE_AGENT=skip`.

mod agents;
mod cargo;
mod checked;
mod checks;
mod compile;
mod content;
mod fingerprint;
mod folder;
mod format;
mod input_files;
mod large;
mod local_files;
mod machine_secrets;
mod mentions;
mod output;
mod panic;
mod per_host;
mod plans;
pub mod policies;
mod policy;
pub mod prelude;
#[doc = include_str!("refusals.md")]
pub mod refusals {}
mod rust_places;
mod schema;
mod show;
pub mod site;
mod site_files;
mod site_plan;
pub mod template;
mod value_uses;

pub use checked::Checked;
pub use compile::{Compile, compile};
pub use content::{LocalFile, Template, local_file, template};
pub use paracrine_macros::{ForTemplate, site, text};
pub use paracrine_model as model;
pub use policy::Policy;
pub use site::SiteContext;
pub use site_plan::{HostView, SitePlan};

/// What code that macros generate refers to. Not for people.
#[doc(hidden)]
pub mod __private {
    pub use paracrine_model::deployment::Deployment;
    pub use paracrine_model::given::{ForTemplate, Given};
    pub use paracrine_model::host::{Arch, by_name};
    pub use paracrine_model::inventory::Os;
    pub use paracrine_model::secret::Secret;
    pub use paracrine_model::text::{Place, Text};
    pub use paracrine_model::value::{Entries, FromValue, Mismatch, Path};
    pub use paracrine_model::yaml::Node;
    pub use serde;
}
