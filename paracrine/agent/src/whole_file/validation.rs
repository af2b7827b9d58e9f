//! A command looks at new content before it is in place, in a check as well.

use std::fs::File;
use std::path::Path;

use paracrine_model::content::Content;
use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::{Failure, Lacking};

use super::{LARGEST_TOGETHER, State, Wanted, WholeFile, known_after_apply};
use crate::reason::io_reason;
use crate::world::paths::{Attributes, PathKind, set_file, write_to};
use crate::world::private::Private;
use crate::world::process::Program;
use crate::world::redact::Mask;
use crate::world::{Maker, World};

impl WholeFile<'_> {
    /// Check: has the command look at the new content. Gives back why what it says need not be what it will say.
    pub(crate) fn rehearse(&self, state: &State, world: &mut World) -> Result<Option<String>, Failure> {
        let Some(command) = self.validate.filter(|_| !state.keeps_file()) else {
            return Ok(None);
        };
        if let (Wanted::Unknown { .. }, Content::Late(text)) = (&state.wanted, self.content) {
            let unknown = known_after_apply(text, world);
            return Ok(Some(format!("its validation can be run only then: {unknown}")));
        }
        let private = match self.place(world) {
            Ok(private) => private,
            Err(why) => return Ok(Some(format!("its validation can be run only then: {}", why.message))),
        };
        let content = match self.put(&private, state, world) {
            Ok(content) => content,
            Err(failure) if world.undelivered() => return Err(failure),
            Err(why) => return Ok(Some(format!("its validation can be run only then: {}", why.message))),
        };
        match self.validated(command, private.path(), state, world) {
            Ok(()) => Ok(None),
            Err(failure) => {
                let output = failure.output.as_deref().unwrap_or_default();
                match doubt(self.path, &format!("{command}\n{content}\n{output}"), world) {
                    Some(doubt) => {
                        Ok(Some(format!("its validation `{command}` may answer otherwise then: {doubt}")))
                    }
                    None => Err(failure),
                }
            }
        }
    }

    /// Has the command look at new content that is not staged yet; longer ones are looked at when they are.
    pub(super) fn validate(&self, state: &State, content: &[u8], world: &mut World) -> Result<(), Failure> {
        let Some(command) = self.validate else { return Ok(()) };
        let private = self.place(world)?;
        self.write(&private, state, |file, path| write_to(file, path, content))?;
        self.validated(command, private.path(), state, world)
    }

    /// The same of content that is staged.
    pub(super) fn validate_staged(
        &self,
        state: &State,
        staged: &Path,
        world: &mut World,
    ) -> Result<(), Failure> {
        let Some(command) = self.validate else { return Ok(()) };
        let private = self.place(world)?;
        private.link(staged).map_err(|error| self.no_place(&error))?;
        self.validated(command, private.path(), state, world)
    }

    fn place(&self, world: &mut World) -> Result<Private, Failure> {
        let visitors = world.paths.visitors(self.path)?;
        Private::new(self.path.file_name(), visitors).map_err(|error| self.no_place(&error))
    }

    fn no_place(&self, error: &std::io::Error) -> Failure {
        Failure::new(format!(
            "cannot put the new content of {} where its validation can look at it: {}",
            self.path,
            io_reason(error)
        ))
    }

    /// Puts the new content there; gives it back where it is short and text.
    fn put(&self, private: &Private, state: &State, world: &mut World) -> Result<String, Failure> {
        let content = match self.content {
            Content::Blob { hash, length } if *length > LARGEST_TOGETHER => {
                let content = Lacking { hash: *hash, length: *length };
                let receive = |file: &mut File, path: &AbsolutePath| {
                    world.receive(content, &mut |piece| write_to(file, path, piece))
                };
                self.write(private, state, receive)?;
                return Ok(String::new());
            }
            Content::Blob { hash, length } => {
                let content = world.content(Lacking { hash: *hash, length: *length })?;
                world.keep([(*hash, content.clone())]);
                content
            }
            Content::Late(text) => world.resolve(text)?.into_bytes(),
        };
        self.write(private, state, |file, path| write_to(file, path, &content))?;
        Ok(String::from_utf8(content).unwrap_or_default())
    }

    /// With its owner and mode, as far as those who own it exist.
    fn write(
        &self,
        private: &Private,
        state: &State,
        fill: impl FnOnce(&mut File, &AbsolutePath) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut file = private.file().map_err(|error| self.no_place(&error))?;
        fill(&mut file, self.path)?;
        match state.owners.ids() {
            Ok((uid, gid)) => set_file(&file, self.path, Attributes { uid, gid, mode: self.mode.bits() }),
            Err(_) => Ok(()),
        }
    }

    fn validated(&self, command: &str, at: &Path, state: &State, world: &World) -> Result<(), Failure> {
        let command = command.replace("{}", &quoted(&at.to_string_lossy()));
        let finished = Program::shell(&command).interruptible().run()?;
        if finished.succeeded() {
            return Ok(());
        }
        let mut failure = Failure::new(format!(
            "the new content of {} is not valid: the validation {}",
            self.path,
            finished.how()
        ));
        if state.at.kind != PathKind::Missing {
            failure = failure.help("the old file is still in place");
        }
        let name = at.to_string_lossy().into_owned();
        let said = finished.failure().output.unwrap_or_default().replace(&name, self.path.as_str());
        Err(Mask::new(&world.values).failure(failure.output(said)))
    }
}

/// Check: why a validation that fails now may succeed in an apply. It does not know what the plan has yet to make, so if
/// what it was told, looked at or said has anything to do with that, its answer is not to be believed.
fn doubt(own: &AbsolutePath, said: &str, world: &World) -> Option<String> {
    let said = &said.replace(own.as_str(), "");
    let named = |path: &str| path != own.as_str() && is_named(path, said);
    let maker = world.makers.iter().rev().find_map(|maker| match maker {
        Maker::Package(name) => Some(format!("package {name} is installed before it")),
        Maker::Command { name, reach } => {
            let told = reach.paths().is_none_or(|paths| paths.iter().any(|path| named(path.as_str())));
            told.then(|| format!("command `{name}` is run before it"))
        }
    });
    let account = || {
        let name = world.accounts.predicted().find(|name| words(said).any(|word| word == *name))?;
        Some(format!("the account {name} is changed before it"))
    };
    let path = || {
        let path = world.paths.predicted().find(|path| named(path))?;
        Some(format!("{path} is changed before it"))
    };
    maker.or_else(account).or_else(path)
}

/// Whether a text names a path: whole, by its last name, or by the directory that it lies in (`include conf.d/*`).
fn is_named(path: &str, text: &str) -> bool {
    let Some((directory, name)) = path.rsplit_once('/') else { return false };
    let (above, last) = directory.rsplit_once('/').unwrap_or_default();
    words(text).any(|word| word == name)
        || (!above.is_empty()
            && (text.contains(&format!("{directory}/")) || text.contains(&format!("{last}/"))))
        || (!directory.is_empty() && words(text).any(|word| word == directory))
}

/// Names and paths in a text, as far as they can be told from what is around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let inside = |c: char| c.is_alphanumeric() || "._-@/".contains(c);
    text.split(move |c| !inside(c)).flat_map(|word| {
        let last = word.rsplit('/').next().filter(|last| *last != word);
        [Some(word), last].into_iter().flatten()
    })
}

/// As one word of a shell command.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
