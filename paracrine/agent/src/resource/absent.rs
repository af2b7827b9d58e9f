//! Nothing at a path.

use paracrine_model::protocol::{Difference, Failure};
use paracrine_model::resource::absent::Absent;

use crate::manage::{Comparison, Manage, Turn};
use crate::world::World;
use crate::world::paths::{PathKind, PathState};

/// What is there.
#[derive(Debug)]
pub struct State {
    at: PathState,
    /// Of a directory.
    entries: usize,
    obstacle: Option<Failure>,
}

impl Manage for Absent {
    type State = State;

    const LOOKED_AT_AT_ONCE: bool = false;

    fn observe(&self, _turn: &Turn<'_>, world: &mut World) -> Result<State, Failure> {
        let at = world.path_state(&self.path)?;
        let mut state = State { at, entries: 0, obstacle: None };
        if state.at.kind != PathKind::Missing {
            state.obstacle = world.paths.obstacle_to_removal(&self.path, &state.at)?;
        }
        if state.at.kind == PathKind::Directory && state.obstacle.is_none() {
            state.entries = world.paths.count(&self.path)?;
        }
        Ok(state)
    }

    fn compare(&self, state: &State, _turn: &Turn<'_>, world: &World) -> Result<Comparison, Failure> {
        if let Some(obstacle) = &state.obstacle {
            return Err(obstacle.clone());
        }
        let what = match (&state.at.kind, state.entries) {
            (PathKind::Missing, _) => {
                let Some(may) = world.path_may_be_brought(&self.path) else {
                    return Ok(Comparison::equal());
                };
                let what = "what is there by then".to_owned();
                return Ok(Comparison { differences: vec![Difference::Remove { what }], may: Some(may) });
            }
            (PathKind::Directory, 0) => "empty directory".to_owned(),
            (PathKind::Directory, 1) => "directory with 1 entry".to_owned(),
            (PathKind::Directory, entries) => format!("directory with {entries} entries"),
            (other, _) => other.describe(),
        };
        Ok(Comparison::of(vec![Difference::Remove { what }]))
    }

    fn apply(&self, state: &State, _turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
        match &state.obstacle {
            Some(obstacle) => Err(obstacle.clone()),
            None => world.remove(&self.path),
        }
    }

    fn predict(&self, _state: &State, world: &mut World) {
        world.predict_missing(&self.path);
    }
}

#[cfg(test)]
mod tests;
