//! Resources: things with a desired state. One file per resource; its other half, which observes, compares and
//! applies, is the file of the same name in the agent.
//!
//! To add one: write `resource/NAME.rs` here and in the agent, and add a line to `resources!` below and to the
//! agent's list. The compiler names what is missing.

// A field that was taken out and is used for nothing: somebody forgot to answer for it.
#![deny(unused_variables, unused_must_use)]

pub mod absent;
pub mod apt_package;
pub mod command;
pub mod directory;
pub mod file;
pub mod group;
pub mod hostname;
pub mod link;
pub mod owned;
pub mod service;
#[cfg(test)]
mod shown;
pub mod unit;
pub mod user;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::facet::{AnyResource, Describe, Facets, FileFacet, LateText, Variant};
use crate::text::Text;

/// A reason, for `expose`: somebody will read it.
#[cfg(feature = "declare")]
pub(crate) fn reason(reason: &str) -> Result<String, String> {
    if reason.trim().is_empty() { Err("is empty".into()) } else { Ok(reason.to_owned()) }
}

/// A resource as a variant of [`Resource`].
pub trait Kind: Variant<Any = Resource> {}

impl<K: Variant<Any = Resource>> Kind for K {}

/// The plan of one host while roles fill it.
#[cfg(feature = "declare")]
pub type Plan = crate::declare::Plan<Resource>;

macro_rules! resources {
    ($($variant:ident: $module:ident::$type:ident,)+) => {
        /// Any resource.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Resource {
            $(#[doc = concat!("See [`", stringify!($module), "::", stringify!($type), "`].")] $variant($module::$type),)+
        }

        impl Resource {
            /// The word for it: `file`, `package`.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => <$module::$type as Describe>::KIND,)+ }
            }

            /// What it is called.
            pub fn name(&self) -> &str {
                match self { $(Self::$variant(resource) => resource.name(),)+ }
            }

            /// All else that it says about itself.
            pub fn facets(&self) -> Facets<'_> {
                match self { $(Self::$variant(resource) => resource.facets(),)+ }
            }

            /// The words for all of them, in the order of the list.
            pub const KINDS: &'static [&'static str] = &[$(<$module::$type as Describe>::KIND,)+];
        }

        /// All of them by their own names.
        pub mod all {
            $(pub use super::$module::$type;)+
        }

        $(
            impl From<$module::$type> for Resource {
                fn from(resource: $module::$type) -> Self { Self::$variant(resource) }
            }
            impl Variant for $module::$type {
                type Any = Resource;
                fn of_mut(resource: &mut Resource) -> Option<&mut Self> {
                    match resource { Resource::$variant(resource) => Some(resource), _ => None }
                }
                fn of(resource: &Resource) -> Option<&Self> {
                    match resource { Resource::$variant(resource) => Some(resource), _ => None }
                }
            }
        )+
    };
}

// The list of all resources.
resources! {
    Absent: absent::Absent,
    AptPackage: apt_package::AptPackage,
    Command: command::Command,
    Directory: directory::Directory,
    File: file::File,
    Group: group::Group,
    Hostname: hostname::Hostname,
    Link: link::Link,
    Service: service::Service,
    Unit: unit::Unit,
    User: user::User,
}

impl Resource {
    /// What it should be, attribute by attribute, as it may be shown.
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        self.facets().attributes.into_iter().map(|(name, shown)| (name, shown.to_string())).collect()
    }

    /// The late text in it.
    pub fn texts(&self) -> Vec<&Text> {
        self.facets().texts().map(LateText::text).collect()
    }

    /// What should be in its file, if it is one.
    pub fn content(&self) -> Option<&Content> {
        self.facets().files().next().map(FileFacet::content)
    }
}

impl AnyResource for Resource {
    fn kind(&self) -> &'static str {
        Self::kind(self)
    }

    fn name(&self) -> &str {
        Self::name(self)
    }

    fn facets(&self) -> Facets<'_> {
        Self::facets(self)
    }
}

/// `file /etc/motd`
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}
