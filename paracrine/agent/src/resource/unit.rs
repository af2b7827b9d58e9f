//! A systemd unit file: a file of root's in a directory of root's, about which systemd has to be told.

use paracrine_model::hash::Hash;
use paracrine_model::name::{AbsolutePath, AccountName, UnitName};
use paracrine_model::protocol::Failure;
use paracrine_model::resource::file::File;
use paracrine_model::resource::unit::Unit;

use super::file::State;
use crate::manage::{Comparison, Manage, Turn};
use crate::world::World;
use crate::world::units::UNIT_DIRECTORIES;

/// The unit's file.
fn file(unit: &Unit) -> File {
    File {
        path: unit.path.clone(),
        content: unit.content.clone(),
        owner: AccountName::root(),
        group: AccountName::root(),
        mode: unit.mode,
        validate: None,
        exposed: None,
    }
}

impl Manage for Unit {
    type State = State;

    fn observe(&self, turn: &Turn<'_>, world: &mut World) -> Result<State, Failure> {
        file(self).observe(turn, world)
    }

    fn compare(&self, state: &State, turn: &Turn<'_>, world: &World) -> Result<Comparison, Failure> {
        file(self).compare(state, turn, world)
    }

    fn apply(&self, state: &State, turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
        // Tells of its path, as every file does.
        file(self).apply(state, turn, world)
    }

    fn predict(&self, state: &State, world: &mut World) {
        file(self).predict(state, world);
    }

    fn wants(&self, world: &mut World) -> Option<Hash> {
        file(self).wants(world)
    }
}

/// Check: if what would be made at `path` is the file of a unit, there will be that unit.
pub(super) fn predict_unit(path: &AbsolutePath, world: &mut World) {
    let directory = path.parent();
    let lies_there = directory.is_some_and(|directory| UNIT_DIRECTORIES.contains(&directory.as_str()));
    if let (true, Ok(unit)) = (lies_there, UnitName::parse(path.file_name())) {
        world.units.predict_unit_file(&unit);
    }
}

#[cfg(test)]
mod tests;
