//! Guards: asked in a check as well, where what they look at may not be what it will be in an apply.

use std::path::Path;
use std::time::Duration;

use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::Failure;
use paracrine_model::resource::command::Command;

use crate::world::accounts::User;
use crate::world::paths::PathKind;
use crate::world::process::{End, Finished, Program, tail};
use crate::world::{Maker, World};

/// A command with what has to be known to ask its guards.
pub(super) struct Guarding<'a> {
    command: &'a Command,
    /// Who runs it; `None` for the agent's own user.
    pub(super) user: Option<User>,
    /// Whether what it creates is there.
    created: bool,
    /// Check only: why guards may answer otherwise in an apply.
    doubt: Option<String>,
    /// Check only: the same, about what it creates.
    doubt_created: Option<String>,
    /// Check only: why guards cannot be asked before an apply.
    unaskable: Option<String>,
}

/// What the guards say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is nothing to do.
    Nothing,
    /// There is something to do.
    Run {
        /// `/srv/app does not exist`
        because: String,
        /// Check only: why that is not certain.
        may: Option<String>,
    },
}

/// What one guard says.
struct Answer {
    yes: bool,
    finished: Finished,
}

impl<'a> Guarding<'a> {
    pub(super) fn new(command: &'a Command, user: Option<User>, world: &mut World) -> Result<Self, Failure> {
        let created = match &command.creates {
            Some(path) => !matches!(world.path_state(path)?.kind, PathKind::Missing),
            None => false,
        };
        let doubt_created =
            command.creates.as_ref().filter(|_| !created).and_then(|path| world.path_may_be_brought(path));
        let doubt = doubt(command, world);
        let unaskable = unaskable(command, user.as_ref(), world);
        Ok(Self { command, user, created, doubt, doubt_created, unaskable })
    }

    /// Asks the guards in order, those that are `conditions` of the command or not; the first that forbids it ends it.
    pub(super) fn verdict(&self, conditions: bool) -> Result<Verdict, Failure> {
        let (mut reasons, mut may) = (Vec::new(), None);
        if let Some(path) = &self.command.creates {
            if self.created {
                return Ok(Verdict::Nothing);
            }
            reasons.push(format!("{path} does not exist"));
            may.clone_from(&self.doubt_created);
        }
        for (guard, runs_when) in self.guards(conditions) {
            if let Some(why) = &self.unaskable {
                may = Some(format!("its guard can be asked only then: {why}"));
                reasons.push(format!("`{guard}` cannot be asked yet"));
                continue;
            }
            let answer = self.ask(guard)?;
            let says = if answer.yes { "succeeds" } else { "fails" };
            match &self.doubt {
                Some(doubt) => {
                    may = Some(format!("its guard `{guard}` may answer otherwise then: {doubt}"));
                    reasons.push(format!("`{guard}` {says} now"));
                }
                None if answer.yes == runs_when => reasons.push(format!("`{guard}` {says}")),
                None => return Ok(Verdict::Nothing),
            }
        }
        Ok(Verdict::Run { because: reasons.join(", "), may })
    }

    /// Fails if what has to hold after the command does not.
    pub(super) fn holds_afterwards(&self) -> Result<(), Failure> {
        if let Some(path) = self.command.creates.as_ref().filter(|_| !self.created) {
            return Err(Failure::new(format!("the command succeeded, but {path} does not exist"))
                .help("`creates` names the path whose existence tells that there is nothing to do"));
        }
        if let Some(guard) = &self.command.unless {
            let answer = self.ask(guard)?;
            if !answer.yes {
                return Err(Failure::new(format!(
                    "the command succeeded, but its guard `{guard}` still fails"
                ))
                .output(tail(&answer.finished.said()))
                .help("`unless` has to succeed when there is nothing to do"));
            }
        }
        Ok(())
    }

    /// The guards that are commands, and what each has to be for something to be done.
    fn guards(&self, conditions: bool) -> impl Iterator<Item = (&String, bool)> {
        let unless = self.command.unless.iter().map(|guard| (guard, false));
        let only_if = self.command.only_if.iter().filter(move |_| conditions);
        unless.chain(only_if.map(|guard| (guard, true)))
    }

    /// As the command's user and in its directory, as it would be run itself.
    fn ask(&self, guard: &str) -> Result<Answer, Failure> {
        let mut program = Program::shell(guard)
            .directory(self.command.directory.as_ref().map_or("/", AbsolutePath::as_str))
            .timeout(Duration::from_secs(self.command.timeout.into()))
            .interruptible()
            .apart();
        if let Some(user) = &self.user {
            program = program.login(&user.login()?);
        }
        let finished = program.run()?;
        let broken = |message: String| Err(Failure::new(message).output(tail(&finished.said())));
        match finished.end {
            // The shell's word for programs that it cannot run; but `command -v`, which says the same to ask for
            // one, says it without a word. In a check a package that is pending may bring the program.
            End::Status(126 | 127) if !finished.errors.trim().is_empty() && self.doubt.is_none() => {
                broken(format!("the guard `{guard}` cannot be run"))
            }
            End::Status(_) => Ok(Answer { yes: finished.succeeded(), finished }),
            _ => broken(format!("the guard `{guard}` {}", finished.how())),
        }
    }
}

/// Check only: why guards may answer otherwise in an apply.
fn doubt(command: &Command, world: &mut World) -> Option<String> {
    let guards: Vec<&String> = command.unless.iter().chain(&command.only_if).collect();
    if guards.is_empty() {
        return None;
    }
    // Other paths than those that they name could matter, but to doubt every guard whenever some file changes would
    // make each check full of doubts.
    let mut named: Vec<_> = guards.iter().flat_map(|guard| paths_in(guard)).collect();
    named.extend(command.directory.clone());
    let doubtful = |maker: &&Maker| match maker {
        Maker::Package(_) => true,
        Maker::Command { reach, .. } => reach.paths().is_none_or(|paths| {
            let meets =
                |made: &AbsolutePath, path: &AbsolutePath| path.is_at_or_below(made) || made.is_below(path);
            named.iter().any(|path| paths.iter().any(|made| meets(made, path)))
        }),
    };
    match world.makers.iter().rev().find(doubtful) {
        Some(Maker::Package(name)) => return Some(format!("package {name} is installed before it")),
        Some(Maker::Command { name, .. }) => return Some(format!("command `{name}` is run before it")),
        None => {}
    }
    if world.units.predicts_anything() {
        return Some("the state of services is changed before it".to_owned());
    }
    if world.accounts.predicts_anything() {
        return Some("users or groups are changed before it".to_owned());
    }
    let changed = named.into_iter().find(|path| is_predicted(path, world))?;
    Some(format!("{changed} is changed before it"))
}

/// Check only: why the guards cannot be asked at all yet.
fn unaskable(command: &Command, user: Option<&User>, world: &mut World) -> Option<String> {
    if let Some(user) = user.filter(|user| user.uid.is_none() || user.gid.is_none()) {
        return Some(format!("the user {} does not exist yet", user.name));
    }
    let directory = command.directory.as_ref()?;
    if world.root.join(directory.as_str().trim_start_matches('/')).is_dir() {
        return None;
    }
    let will_be = is_predicted(directory, world) || world.path_may_be_brought(directory).is_some();
    will_be.then(|| format!("the directory {directory} does not exist yet"))
}

/// Whether an earlier task of this check would have made, changed or removed what is at the path.
fn is_predicted(path: &AbsolutePath, world: &mut World) -> bool {
    let Ok(state) = world.path_state(path) else { return false };
    match state.kind {
        PathKind::Missing => {
            std::fs::symlink_metadata(world.root.join(path.as_str().trim_start_matches('/'))).is_ok()
        }
        _ => state.ids.is_none(),
    }
}

/// The absolute paths that stand in a shell command, with the directories that they lie in, but the top ones.
fn paths_in(guard: &str) -> Vec<AbsolutePath> {
    let word = |c: char| !(c.is_alphanumeric() || "/._-+@:~%".contains(c));
    let mut paths = Vec::new();
    for text in guard.split(word).filter_map(|word| word.find('/').map(|start| &word[start..])) {
        let path = Path::new(text.trim_end_matches(['/', '.', ':']));
        for place in path.ancestors().filter(|place| place.components().count() > 2) {
            paths.extend(place.to_str().and_then(|place| AbsolutePath::parse(place).ok()));
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_in_guards() {
        let found = |guard: &str| paths_in(guard).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(found("test -f /etc/app.conf"), ["/etc/app.conf"]);
        assert_eq!(found("grep -q x '/etc/a/b.conf'; true"), ["/etc/a/b.conf", "/etc/a"]);
        assert_eq!(found("cmp --to=/srv/a /srv/b/"), ["/srv/a", "/srv/b"]);
        assert_eq!(found("command -v psql >/dev/null"), ["/dev/null"]);
        assert_eq!(found("test -z \"$x\""), Vec::<String>::new());
        assert_eq!(found("ls / //"), Vec::<String>::new());
    }
}
