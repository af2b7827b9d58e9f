//! A systemd unit file: a file of root's, about which systemd has to be told (the world does that for every file of a unit).

use paracrine_model::protocol::{Failure, Lacking};
use paracrine_model::resource::unit::Unit;

use crate::manage::{Comparison, Manage, Turn};
use crate::whole_file::{State, WholeFile};
use crate::world::{Step, World};

fn whole(unit: &Unit) -> WholeFile<'_> {
    WholeFile {
        path: &unit.path,
        content: &unit.content,
        owner: "root",
        group: "root",
        mode: unit.mode,
        validate: None,
    }
}

impl Manage for Unit {
    type State = State;

    const LOOKED_AT_AT_ONCE: bool = false;

    fn observe(&self, _turn: &Turn<'_>, world: &mut World) -> Result<State, Failure> {
        whole(self).observe(world)
    }

    fn compare(&self, state: &State, _turn: &Turn<'_>, world: &World) -> Result<Comparison, Failure> {
        whole(self).compare(state, world)
    }

    fn apply(&self, state: &State, _turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
        whole(self).apply(state, world)
    }

    fn rehearse(&self, state: &State, world: &mut World) -> Result<Option<String>, Failure> {
        whole(self).rehearse(state, world)
    }

    fn predict(&self, state: &State, world: &mut World) {
        whole(self).predict(state, world);
    }

    fn step(&self) -> Step<'_> {
        whole(self).step()
    }

    fn wants(&self, world: &mut World) -> Option<Lacking> {
        whole(self).wants(world)
    }
}

#[cfg(test)]
mod tests;
