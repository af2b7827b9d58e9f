//! The agent halves of the resources: one file each, named like its other half in the model.

mod absent;
mod apt_package;
mod command;
mod directory;
mod file;
mod group;
mod hostname;
mod link;
mod service;
mod unit;
mod user;

use paracrine_model::protocol::{Difference, Failure, Lacking};
use paracrine_model::resource::{self as model, Resource};

use crate::manage::{Comparison, Manage, Observed, Turn};
use crate::world::{Step, World};

macro_rules! resources {
    ($($variant:ident: $type:path,)+) => {
        /// A resource with what was observed of it, whichever it is: from the look at it until its task is done.
        #[allow(clippy::large_enum_variant, reason = "only those of neighbours are there at once")]
        pub enum AnyObserved<'t> {
            $(#[doc = concat!("See [`", stringify!($type), "`].")] $variant(Observed<'t, $type>),)+
        }

        impl<'t> AnyObserved<'t> {
            /// Observes.
            ///
            /// # Errors
            /// What cannot be observed, or after an apply does not hold.
            pub fn of(resource: &'t Resource, turn: &Turn<'_>, world: &mut World) -> Result<Self, Failure> {
                Ok(match resource {
                    $(Resource::$variant(resource) => {
                        Self::$variant(Observed { resource, state: resource.observe(turn, world)? })
                    })+
                })
            }

            /// Says what differs.
            ///
            /// # Errors
            /// A state that cannot be made equal.
            pub fn compare(&self, turn: &Turn<'_>, world: &World) -> Result<Comparison, Failure> {
                match self { $(Self::$variant(seen) => seen.resource.compare(&seen.state, turn, world),)+ }
            }

            /// Makes equal.
            ///
            /// # Errors
            /// What went wrong.
            pub fn apply(&self, turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
                match self { $(Self::$variant(seen) => seen.resource.apply(&seen.state, turn, world),)+ }
            }

            /// Check: tries out what [`Self::apply`] tries first.
            ///
            /// # Errors
            /// What that would fail with.
            pub fn rehearse(&self, world: &mut World) -> Result<Option<String>, Failure> {
                match self { $(Self::$variant(seen) => seen.resource.rehearse(&seen.state, world),)+ }
            }

            /// Tells the overlay what [`Self::apply`] would have made.
            pub fn predict(&self, world: &mut World) {
                match self { $(Self::$variant(seen) => seen.resource.predict(&seen.state, world),)+ }
            }

            /// Makes neighbours of one kind equal at once; says of each what came of it.
            pub fn apply_all(all: &[&Self], world: &mut World) -> Vec<Result<(), Failure>> {
                match all.first() {
                    None => Vec::new(),
                    $(Some(Self::$variant(_)) => {
                        let all = all.iter().filter_map(|one| match one { Self::$variant(seen) => Some(seen), _ => None });
                        Manage::apply_together(&all.collect::<Vec<_>>(), world)
                    })+
                }
            }

            /// Tells the overlay what [`Self::apply_all`] would have made; says of each what [`Self::rehearse`] says of one.
            pub fn predict_all(all: &[&Self], world: &mut World) -> Vec<Result<Option<String>, Failure>> {
                match all.first() {
                    None => Vec::new(),
                    $(Some(Self::$variant(_)) => {
                        let all = all.iter().filter_map(|one| match one { Self::$variant(seen) => Some(seen), _ => None });
                        Manage::predict_together(&all.collect::<Vec<_>>(), world)
                    })+
                }
            }
        }

        /// Whether neighbours of this kind are applied at once.
        pub fn together(resource: &Resource) -> bool {
            match resource { $(Resource::$variant(_) => <$type as Manage>::TOGETHER,)+ }
        }

        /// Whether it is looked at as soon as it was applied.
        pub fn looked_at_at_once(resource: &Resource) -> bool {
            match resource { $(Resource::$variant(_) => <$type as Manage>::LOOKED_AT_AT_ONCE,)+ }
        }

        /// A resource without a row in the suite's table does not compile here.
        #[cfg(test)]
        mod all {
            use super::model;
            $(
                #[test]
                #[allow(non_snake_case, reason = "named like the resource")]
                fn $variant() {
                    crate::suite::passes::<$type>();
                }
            )+
        }

        /// Registers what can be looked up for all tasks at once.
        pub fn announce(resource: &Resource, world: &mut World) {
            match resource { $(Resource::$variant(resource) => resource.announce(world),)+ }
        }

        /// What it will do to files.
        pub(crate) fn step(resource: &Resource) -> Step<'_> {
            match resource { $(Resource::$variant(resource) => resource.step(),)+ }
        }

        /// Says, before the first change of an apply, what is known by then to be impossible.
        ///
        /// # Errors
        /// What that is.
        pub fn foresee(resource: &Resource, world: &mut World) -> Result<(), Failure> {
            match resource { $(Resource::$variant(resource) => resource.foresee(world),)+ }
        }

        /// The files that its tools write to mend these differences.
        pub(crate) fn tools_write(resource: &Resource, differences: &[Difference]) -> &'static [&'static str] {
            match resource { $(Resource::$variant(resource) => resource.tools_write(differences),)+ }
        }

        /// The content that it will ask for, as far as can be told before the first change.
        pub fn wants(resource: &Resource, world: &mut World) -> Option<Lacking> {
            match resource { $(Resource::$variant(resource) => resource.wants(world),)+ }
        }
    };
}

// The list of all resources.
resources! {
    Absent: model::absent::Absent,
    AptPackage: model::apt_package::AptPackage,
    Command: model::command::Command,
    Directory: model::directory::Directory,
    File: model::file::File,
    Group: model::group::Group,
    Hostname: model::hostname::Hostname,
    Link: model::link::Link,
    Service: model::service::Service,
    Unit: model::unit::Unit,
    User: model::user::User,
}
