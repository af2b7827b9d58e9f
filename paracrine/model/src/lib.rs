//! What Paracrine talks about: config, inventory, resources, plans, and what controller and agent say to each
//! other. Data and rules only; nothing here reads a file, opens a connection or knows a host.

pub mod artifact;
#[cfg(feature = "build")]
pub mod config;
pub mod content;
#[cfg(feature = "declare")]
pub mod declare;
#[cfg(feature = "build")]
pub mod deployment;
pub mod diagnostic;
pub mod facet;
#[cfg(feature = "build")]
pub mod field;
pub mod hash;
pub mod host;
#[cfg(feature = "build")]
pub mod inventory;
pub mod late;
pub mod mask;
pub mod name;
pub mod plan;
pub mod protocol;
pub mod receipt;
pub mod resource;
pub mod secret;
#[cfg(feature = "build")]
pub mod shape;
#[cfg(feature = "build")]
pub mod source;
pub mod text;
pub mod trigger;
#[cfg(feature = "build")]
pub mod value;
#[cfg(feature = "build")]
pub mod yaml;
