//! A directory.

use paracrine_model::protocol::{Difference, Failure};
use paracrine_model::resource::directory::Directory;

use crate::manage::{Comparison, Manage, Turn};
use crate::world::owners::Owners;
use crate::world::paths::{Attributes, PathKind, PathState};
use crate::world::{Step, World};

/// What is there.
#[derive(Debug)]
pub struct State {
    at: PathState,
    owners: Owners,
    /// To making or changing it.
    obstacle: Option<Failure>,
}

impl Manage for Directory {
    type State = State;

    const LOOKED_AT_AT_ONCE: bool = false;

    fn announce(&self, world: &mut World) {
        world.announce_directory(&self.path);
    }

    fn observe(&self, _turn: &Turn<'_>, world: &mut World) -> Result<State, Failure> {
        let mut at = world.path_state(&self.path)?;
        let owners = world.owners(self.owner.as_str(), self.group.as_str(), &mut at);
        let differs = (at.owner.as_str(), at.group.as_str(), at.mode)
            != (self.owner.as_str(), self.group.as_str(), self.mode.bits());
        let obstacle = match at.kind {
            PathKind::Missing => world.paths.obstacle(&self.path)?,
            PathKind::Directory if differs => world.paths.obstacle_to_attributes(&self.path)?,
            _ => None,
        };
        Ok(State { at, owners, obstacle })
    }

    fn compare(&self, state: &State, _turn: &Turn<'_>, world: &World) -> Result<Comparison, Failure> {
        let mut comparison = Comparison::default();
        match &state.at.kind {
            PathKind::Missing => {
                world.require_parent(&state.at)?;
                comparison.differences.push(Difference::Create);
                comparison.may = world.path_may_be_brought(&self.path);
            }
            PathKind::Directory => {
                comparison.attribute("owner", Some(&state.at.owner), self.owner.as_str());
                comparison.attribute("group", Some(&state.at.group), self.group.as_str());
                comparison.attribute("mode", Some(&state.at.mode()), &self.mode.to_string());
            }
            other => {
                let message = format!("{} is a {}, not a directory", self.path, other.describe());
                let help = match other {
                    PathKind::Link { .. } => {
                        "declare the directory that it leads to, or remove the link by hand"
                    }
                    _ => "move it away by hand, or give the directory another path",
                };
                return Err(Failure::new(message).help(help));
            }
        }
        world.require_owners(&state.owners)?;
        state.obstacle.clone().map_or(Ok(comparison), Err)
    }

    fn apply(&self, state: &State, _turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
        let (uid, gid) = state.owners.ids()?;
        let attributes = Attributes { uid, gid, mode: self.mode.bits() };
        match state.at.kind {
            PathKind::Directory => world.paths.set_attributes(&self.path, &state.at.kind, attributes),
            _ => world.paths.make_directory(&self.path, attributes),
        }
    }

    fn step(&self) -> Step<'_> {
        Step::Quick
    }

    fn predict(&self, _state: &State, world: &mut World) {
        let made =
            PathState::made(PathKind::Directory, self.owner.as_str(), self.group.as_str(), self.mode.bits());
        world.predict_path(&self.path, made);
    }
}

#[cfg(test)]
mod tests;
