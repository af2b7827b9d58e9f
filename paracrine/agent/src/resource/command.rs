//! A guarded command.

mod guard;
#[cfg(test)]
mod tests;

use std::time::Duration;

use paracrine_model::protocol::{Difference, Failure};
use paracrine_model::resource::command::Command;

use crate::manage::{Comparison, Due, Look, Manage, Turn};
use crate::world::accounts::User;
use crate::world::paths::PathKind;
use crate::world::process::{Program, tail};
use crate::world::redact::Mask;
use crate::world::{ACCOUNTS, Maker, Reach, World};

use guard::{Guarding, Verdict};

/// What is known of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Who runs it; `None` for the agent's own user.
    user: Option<User>,
    /// What its guards said. They are not asked where it is run whatever they say, nor again afterwards but for those
    /// that have to hold then.
    verdict: Verdict,
}

impl Manage for Command {
    type State = State;

    fn observe(&self, turn: &Turn<'_>, world: &mut World) -> Result<State, Failure> {
        let user = match &self.user {
            Some(name) => match world.accounts.user(name.as_str()) {
                Some(user) => Some(user),
                None if world.may_be_brought(ACCOUNTS).is_some() => {
                    Some(User { name: name.to_string(), ..User::default() })
                }
                None => {
                    return Err(Failure::new(format!("the user {name} does not exist")).help(format!(
                        "declare it before, with `plan.user(\"{name}\")`, or the package that brings it"
                    )));
                }
            },
            None => None,
        };
        let guarding = Guarding::new(self, user, world)?;
        // A condition alone says when to act, not how things should be.
        let tells = self.creates.is_some() || self.unless.is_some();
        let verdict = match turn.look {
            Look::After => {
                guarding.holds_afterwards()?;
                Verdict::Nothing
            }
            Look::Closing { changed } if tells => guarding.verdict(!changed)?,
            Look::First if turn.due.is_empty() && self.is_guarded() => guarding.verdict(true)?,
            Look::Closing { .. } | Look::First => Verdict::Nothing,
        };
        Ok(State { user: guarding.user, verdict })
    }

    fn compare(&self, state: &State, turn: &Turn<'_>, _world: &World) -> Result<Comparison, Failure> {
        Ok(match &state.verdict {
            _ if !turn.due.is_empty() => run(causes(turn.due), None),
            Verdict::Run { because, may } => run(because.clone(), may.clone()),
            Verdict::Nothing => Comparison::equal(),
        })
    }

    fn apply(&self, state: &State, _turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
        let script = world.resolve(&self.script)?;
        // A command may start a unit whose file was just written.
        world.units.daemon_reload_if_needed()?;
        let mut program = Program::script(script)
            .directory(self.directory.as_ref().map_or("/", |directory| directory.as_str()))
            .timeout(Duration::from_secs(self.timeout.into()))
            .interruptible();
        if let Some(user) = &state.user {
            program = program.login(&user.login()?);
        }
        let finished = program.run();
        // Whatever came of it, it may have changed anything.
        world.accounts.forget();
        world.packages.forget();
        world.units.forget();
        world.paths.forget();
        let finished = finished?;
        if finished.succeeded() {
            return Ok(());
        }
        // Masked before it is cut, so that no part of a value is left over at the cut.
        let output = Mask::new(&world.values).text(&finished.output);
        Err(Failure::new(format!("the command {}", finished.how())).output(tail(&output)))
    }

    fn rehearse(&self, _state: &State, world: &mut World) -> Result<Option<String>, Failure> {
        let Some(directory) = &self.directory else { return Ok(None) };
        match world.path_state(directory)?.kind {
            PathKind::Missing if world.path_may_be_brought(directory).is_none() => {
                Err(Failure::new(format!("the directory {directory} does not exist")))
            }
            PathKind::File { .. } | PathKind::Other(_) => {
                Err(Failure::new(format!("{directory} is not a directory")))
            }
            // A link is followed when it is run.
            PathKind::Missing | PathKind::Directory | PathKind::Link { .. } => Ok(None),
        }
    }

    fn predict(&self, _state: &State, world: &mut World) {
        // What it creates is left to its being one that makes things: whether that is a file or a directory, whose and
        // with what in it, only the command knows, and what depends on it is told that it may be there.
        let reach = match (&self.changes, &self.creates) {
            (Some(paths), made) => Reach::Only(paths.iter().chain(made).cloned().collect()),
            (None, Some(made)) => Reach::Makes(made.clone()),
            (None, None) => Reach::Anything,
        };
        if reach != Reach::Only(Vec::new()) {
            world.makers.push(Maker::Command { name: self.name.clone(), reach });
        }
    }
}

fn run(because: String, may: Option<String>) -> Comparison {
    Comparison { differences: vec![Difference::Action { verb: "run".to_owned(), because }], may }
}

fn causes(due: &[Due]) -> String {
    let mut causes: Vec<&str> = Vec::new();
    for due in due {
        if !causes.contains(&due.because.as_str()) {
            causes.push(&due.because);
        }
    }
    causes.join(", ")
}
