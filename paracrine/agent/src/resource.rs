//! The agent halves of the resources: one file each, named like its other half in the model.

mod absent;
mod apt_package;
mod command;
mod directory;
mod file;
mod group;
mod link;
mod service;
mod unit;
mod user;

use paracrine_model::protocol::Failure;
use paracrine_model::resource::{Kind, Resource};

use crate::manage::{Comparison, Manage, Turn};
use crate::world::World;

fn examine<R: Manage>(resource: &R, turn: &Turn<'_>, world: &mut World) -> Result<Comparison, Failure> {
    let state = resource.observe(world)?;
    resource.compare(&state, turn, world)
}

fn apply<R: Manage>(resource: &R, turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
    let state = resource.observe(world)?;
    resource.apply(&state, turn, world)
}

fn predict<R: Manage>(resource: &R, world: &mut World) {
    // What cannot be observed has been reported by `examine`; there is nothing to predict from.
    if let Ok(state) = resource.observe(world) {
        resource.predict(&state, world);
    }
}

/// Those of the kind of `first`.
fn same<'a, R: Kind>(_first: &R, resources: &[&'a Resource]) -> Vec<&'a R> {
    resources.iter().filter_map(|resource| R::of(resource)).collect()
}

macro_rules! resources {
    ($($variant:ident,)+) => {
        /// Observes and compares.
        ///
        /// # Errors
        /// What the resource cannot look at or knows that it cannot make.
        pub fn examine_any(resource: &Resource, turn: &Turn<'_>, world: &mut World) -> Result<Comparison, Failure> {
            match resource { $(Resource::$variant(resource) => examine(resource, turn, world),)+ }
        }

        /// Makes equal.
        ///
        /// # Errors
        /// What went wrong.
        pub fn apply_any(resource: &Resource, turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
            match resource { $(Resource::$variant(resource) => apply(resource, turn, world),)+ }
        }

        /// Tells the overlay what `apply` would have made.
        pub fn predict_any(resource: &Resource, world: &mut World) {
            match resource { $(Resource::$variant(resource) => predict(resource, world),)+ }
        }

        /// Whether neighbours of this kind are applied at once.
        pub fn together(resource: &Resource) -> bool {
            fn of<R: Manage>(_: &R) -> bool { R::TOGETHER }
            match resource { $(Resource::$variant(resource) => of(resource),)+ }
        }

        /// Makes neighbours of one kind equal at once.
        ///
        /// # Errors
        /// What went wrong.
        pub fn apply_all(resources: &[&Resource], world: &mut World) -> Result<(), Failure> {
            match resources.first() {
                None => Ok(()),
                $(Some(Resource::$variant(first)) => Manage::apply_together(&same(first, resources), world),)+
            }
        }

        /// Tells the overlay what `apply_all` would have made.
        ///
        /// # Errors
        /// What is known now to be impossible.
        pub fn predict_all(resources: &[&Resource], world: &mut World) -> Result<(), Failure> {
            match resources.first() {
                None => Ok(()),
                $(Some(Resource::$variant(first)) => Manage::predict_together(&same(first, resources), world),)+
            }
        }

        /// Registers what can be looked up for all tasks at once.
        pub fn announce_any(resource: &Resource, world: &mut World) {
            match resource { $(Resource::$variant(resource) => resource.announce(world),)+ }
        }
    };
}

// The list of all resources.
resources! { Absent, AptPackage, Command, Directory, File, Group, Link, Service, Unit, User, }
