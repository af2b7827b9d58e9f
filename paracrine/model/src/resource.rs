//! Resources: things with a desired state. One file per resource; its other half, which observes, compares and
//! applies, is the file of the same name in the agent.
//!
//! To add one: write `resource/NAME.rs` here and in the agent, and add a line to `resources!` below and to the
//! agent's list. The compiler names what is missing.

pub mod absent;
pub mod apt_package;
pub mod command;
pub mod directory;
pub mod file;
pub mod group;
pub mod link;
pub mod service;
pub mod unit;
pub mod user;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::text::Text;

/// What every resource can say about itself without a host.
pub trait Describe {
    /// The word for it in plans and reports: `file`, `package`.
    const KIND: &'static str;

    /// What it is called: a path, the name of a package.
    fn name(&self) -> &str;

    /// What it decides about. Two tasks of one plan with the same claim have to be alike.
    fn claim(&self) -> Claim;

    /// What it should be, attribute by attribute, as it may be shown; for `plan` and for conflicts.
    fn attributes(&self) -> Vec<(&'static str, String)>;

    /// The late text in it.
    fn texts(&self) -> Vec<&Text> {
        Vec::new()
    }

    /// What should be in its file, if it is one.
    fn content(&self) -> Option<&Content> {
        None
    }
}

/// What a task decides about: at most one task of a plan has a claim.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim {
    /// A path, whatever should be there.
    Path(String),
    /// A package.
    Package(String),
    /// The state of a unit.
    Unit(String),
    /// A user.
    User(String),
    /// A group.
    Group(String),
    /// A command, by the name it was given.
    Command(String),
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(name) => write!(f, "path `{name}`"),
            Self::Package(name) => write!(f, "package `{name}`"),
            Self::Unit(name) => write!(f, "service `{name}`"),
            Self::User(name) => write!(f, "user `{name}`"),
            Self::Group(name) => write!(f, "group `{name}`"),
            Self::Command(name) => write!(f, "command `{name}`"),
        }
    }
}

/// A reason, for `expose`: somebody will read it.
pub(crate) fn reason(reason: &str) -> Result<String, String> {
    if reason.trim().is_empty() { Err("is empty".into()) } else { Ok(reason.to_owned()) }
}

/// A resource as a variant of [`Resource`].
pub trait Kind: Describe + Into<Resource> {
    /// Itself, out of the enum.
    fn of_mut(resource: &mut Resource) -> Option<&mut Self>;
    /// Itself, out of the enum.
    fn of(resource: &Resource) -> Option<&Self>;
}

macro_rules! resources {
    ($($variant:ident: $type:path,)+) => {
        /// Any resource.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Resource {
            $(#[doc = concat!("See [`", stringify!($type), "`].")] $variant($type),)+
        }

        impl Resource {
            /// The word for it: `file`, `package`.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => <$type as Describe>::KIND,)+ }
            }

            /// What it is called.
            pub fn name(&self) -> &str {
                match self { $(Self::$variant(resource) => resource.name(),)+ }
            }

            /// What it decides about.
            pub fn claim(&self) -> Claim {
                match self { $(Self::$variant(resource) => resource.claim(),)+ }
            }

            /// What it should be, as it may be shown.
            pub fn attributes(&self) -> Vec<(&'static str, String)> {
                match self { $(Self::$variant(resource) => resource.attributes(),)+ }
            }

            /// The late text in it.
            pub fn texts(&self) -> Vec<&Text> {
                match self { $(Self::$variant(resource) => resource.texts(),)+ }
            }

            /// What should be in its file, if it is one.
            pub fn content(&self) -> Option<&Content> {
                match self { $(Self::$variant(resource) => resource.content(),)+ }
            }
        }

        $(
            impl From<$type> for Resource {
                fn from(resource: $type) -> Self { Self::$variant(resource) }
            }
            impl Kind for $type {
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
    Link: link::Link,
    Service: service::Service,
    Unit: unit::Unit,
    User: user::User,
}

/// `file /etc/motd`
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}
