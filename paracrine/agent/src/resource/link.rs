//! A symbolic link.

use paracrine_model::protocol::{Difference, Failure};
use paracrine_model::resource::link::Link;

use crate::manage::{Comparison, Manage, Turn};
use crate::world::paths::{PathKind, PathState};
use crate::world::{Step, World};

/// What is there.
#[derive(Debug)]
pub struct State {
    at: PathState,
    /// To making or replacing it.
    obstacle: Option<Failure>,
}

impl Manage for Link {
    type State = State;

    const LOOKED_AT_AT_ONCE: bool = false;

    fn announce(&self, world: &mut World) {
        world.units.announce_link(&self.path);
    }

    fn observe(&self, _turn: &Turn<'_>, world: &mut World) -> Result<State, Failure> {
        let at = world.path_state(&self.path)?;
        let equal = matches!(&at.kind, PathKind::Link { target } if *target == self.target);
        let obstacle = if equal { None } else { world.paths.obstacle(&self.path)? };
        Ok(State { at, obstacle })
    }

    fn compare(&self, state: &State, _turn: &Turn<'_>, world: &World) -> Result<Comparison, Failure> {
        let mut comparison = Comparison::default();
        match &state.at.kind {
            PathKind::Missing => {
                world.require_parent(&state.at)?;
                comparison.differences.push(Difference::Create);
                comparison.may = world.path_may_be_brought(&self.path);
            }
            PathKind::Link { target } => comparison.attribute("target", Some(target), &self.target),
            PathKind::File { .. } | PathKind::Other("fifo" | "socket") => {
                comparison.differences.push(Difference::Remove { what: state.at.kind.describe() });
                comparison.differences.push(Difference::Create);
            }
            PathKind::Directory | PathKind::Other(_) => {
                let message =
                    format!("{} is a {}, which no link replaces", self.path, state.at.kind.describe());
                return Err(Failure::new(message).help("move it away by hand, or give the link another path"));
            }
        }
        state.obstacle.clone().map_or(Ok(comparison), Err)
    }

    fn apply(&self, _state: &State, _turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
        let staged = world.paths.stage_link(&self.path, &self.target)?;
        world.put(staged)
    }

    fn step(&self) -> Step<'_> {
        Step::Quick
    }

    fn predict(&self, _state: &State, world: &mut World) {
        let kind = PathKind::Link { target: self.target.clone() };
        world.predict_path(&self.path, PathState::made(kind, "root", "root", 0o777));
    }
}

#[cfg(test)]
mod tests;
