//! A regular file as a whole: all of its content, its owner and its mode. Shared by all resources that are such a file.

mod validation;

use paracrine_model::content::Content;
use paracrine_model::hash::Hash;
use paracrine_model::name::{AbsolutePath, Mode};
use paracrine_model::protocol::{Difference, Failure, Lacking, OldContent};
use paracrine_model::text::Text;

use crate::manage::Comparison;
use crate::world::owners::Owners;
use crate::world::paths::{Attributes, Extended, PathKind, PathState, finish_file, write_to};
use crate::world::redact::{LARGEST_SHOWN, old_content};
use crate::world::units::is_below_units;
use crate::world::{Intent, Step, World};

/// What the file should be.
pub(crate) struct WholeFile<'a> {
    pub(crate) path: &'a AbsolutePath,
    pub(crate) content: &'a Content,
    pub(crate) owner: &'a str,
    pub(crate) group: &'a str,
    pub(crate) mode: Mode,
    /// What has to succeed with the new content, named `{}`, before it is put in place; in a check as well.
    pub(crate) validate: Option<&'a str>,
}

/// What is there.
#[derive(Debug)]
pub struct State {
    at: PathState,
    owners: Owners,
    /// As it should be.
    wanted: Wanted,
    /// What is in the file, if that is not what should be.
    old: Option<OldContent>,
    /// What its successor will have of it.
    extended: Extended,
    /// To making, replacing or changing it.
    obstacle: Option<Failure>,
}

#[derive(Debug)]
enum Wanted {
    /// This content.
    Known { length: u64, hash: Hash },
    /// One with values that an apply has to make first.
    Unknown {
        /// Names it while it is only predicted.
        name: Hash,
        /// Whether what is there may prove to be it.
        may_be: bool,
    },
}

/// Longer contents are written as they come; others are asked for together and held until their turn.
const LARGEST_TOGETHER: u64 = 256 * 1024;

/// Longer files are not compared with a content that is not known yet: they may be it.
const LARGEST_COMPARED: u64 = 1024 * 1024;

impl Wanted {
    fn length(&self) -> Option<u64> {
        match self {
            Self::Known { length, .. } => Some(*length),
            Self::Unknown { .. } => None,
        }
    }
}

impl State {
    /// Whether at most owner and mode are to be changed. A file with several names is not changed but replaced:
    /// another name may be somebody else's.
    fn keeps_file(&self) -> bool {
        matches!(self.at.kind, PathKind::File { .. }) && self.old.is_none() && self.at.names == 1
    }
}

impl WholeFile<'_> {
    pub(crate) fn observe(&self, world: &mut World) -> Result<State, Failure> {
        let mut wanted = match self.content {
            Content::Blob { hash, length } => Wanted::Known { hash: *hash, length: *length },
            Content::Late(text) if !text.unknown(&world.values).is_empty() => {
                Wanted::Unknown { name: Hash::of(format!("{text:?}").as_bytes()), may_be: true }
            }
            Content::Late(text) => {
                let resolved = world.resolve(text)?;
                Wanted::Known { hash: Hash::of(resolved.as_bytes()), length: resolved.len() as u64 }
            }
        };
        let mut at = world.path_state(self.path)?;
        let owners = world.owners(self.owner, self.group, &mut at);
        let old = match at.kind {
            PathKind::File { length, predicted } => {
                let equal = match &wanted {
                    Wanted::Known { length: wanted, hash } => {
                        length == *wanted && world.paths.hash(self.path)? == *hash
                    }
                    Wanted::Unknown { name, .. } => predicted == Some(*name),
                };
                if equal { None } else { Some(old(self, &at, length, &mut wanted, world)?) }
            }
            _ => None,
        };
        let mut state = State { at, owners, wanted, old, extended: Extended::default(), obstacle: None };
        if !state.keeps_file() {
            let obstacle = world.paths.obstacle(self.path)?;
            let length = state.wanted.length();
            state.obstacle = obstacle.or_else(|| world.no_room(self.path, length?));
        } else if self.attributes_differ(&state.at) {
            state.obstacle = world.paths.obstacle_to_attributes(self.path)?;
        }
        let replaced = matches!(state.at.kind, PathKind::File { .. }) && !state.keeps_file();
        if replaced && (state.old.is_some() || self.attributes_differ(&state.at)) {
            state.extended = world.paths.extended(self.path)?;
        }
        Ok(state)
    }

    fn attributes_differ(&self, at: &PathState) -> bool {
        (at.owner.as_str(), at.group.as_str(), at.mode) != (self.owner, self.group, self.mode.bits())
    }

    pub(crate) fn compare(&self, state: &State, world: &World) -> Result<Comparison, Failure> {
        let mut comparison = Comparison::default();
        match &state.at.kind {
            PathKind::Missing => {
                world.require_parent(&state.at)?;
                comparison.differences.push(Difference::Create);
            }
            PathKind::File { .. } => {
                comparison.differences.extend(state.old.clone().map(|before| Difference::Content { before }));
                comparison.attribute("owner", Some(&state.at.owner), self.owner);
                comparison.attribute("group", Some(&state.at.group), self.group);
                comparison.attribute("mode", Some(&state.at.mode()), &self.mode.to_string());
                if state.extended.capabilities {
                    comparison.attribute("capabilities", Some("set"), "none, as for all new content");
                }
                if let (
                    Wanted::Unknown { may_be: true, .. },
                    Content::Late(text),
                    [Difference::Content { .. }],
                ) = (&state.wanted, self.content, comparison.differences.as_slice())
                {
                    comparison.may = Some(known_after_apply(text, world));
                }
            }
            PathKind::Link { .. } | PathKind::Other("fifo" | "socket") => {
                comparison.differences.push(Difference::Remove { what: state.at.kind.describe() });
                comparison.differences.push(Difference::Create);
            }
            PathKind::Directory | PathKind::Other(_) => {
                let message =
                    format!("{} is a {}, which no file replaces", self.path, state.at.kind.describe());
                return Err(Failure::new(message).help("move it away by hand, or give the file another path"));
            }
        }
        world.require_owners(&state.owners)?;
        match &state.obstacle {
            Some(obstacle) if !comparison.is_equal() => Err(obstacle.clone()),
            _ => Ok(comparison),
        }
    }

    pub(crate) fn apply(&self, state: &State, world: &mut World) -> Result<(), Failure> {
        let (uid, gid) = state.owners.ids()?;
        let attributes = Attributes { uid, gid, mode: self.mode.bits() };
        if state.keeps_file() {
            return world.paths.set_attributes(self.path, &state.at.kind, attributes);
        }
        let staged = match self.content {
            Content::Blob { hash, length } if *length > LARGEST_TOGETHER => {
                let (staged, mut file) = world.paths.begin_file(self.path)?;
                let content = Lacking { hash: *hash, length: *length };
                world.receive(content, &mut |piece| write_to(&mut file, self.path, piece))?;
                finish_file(file, self.path, attributes, &state.extended)?;
                self.validate_staged(state, staged.path(), world)?;
                staged.holding(*hash)
            }
            Content::Blob { hash, length } => {
                let ahead = match self.validate {
                    Some(_) => None,
                    None => world.written_ahead(self.path, *hash, attributes, &state.extended),
                };
                let staged = match ahead {
                    Some(staged) => staged,
                    None => {
                        let content = world.content(Lacking { hash: *hash, length: *length })?;
                        self.validate(state, &content, world)?;
                        world.paths.stage_file(self.path, &content, attributes, &state.extended)?
                    }
                };
                staged.holding(*hash)
            }
            Content::Late(text) => {
                let content = world.resolve(text)?.into_bytes();
                self.validate(state, &content, world)?;
                world.paths.stage_file(self.path, &content, attributes, &state.extended)?
            }
        };
        world.put(staged)
    }

    pub(crate) fn predict(&self, state: &State, world: &mut World) {
        let (length, hash) = match state.wanted {
            Wanted::Known { length, hash } => (length, hash),
            Wanted::Unknown { name, .. } => (0, name),
        };
        // Files of units are read by others.
        match (&state.wanted, self.content) {
            (Wanted::Unknown { .. }, _) => world.units.predict_unknown(self.path),
            (Wanted::Known { .. }, Content::Late(text)) if is_below_units(self.path) => {
                world.keep(world.resolve(text).map(|text| (hash, text.into_bytes())));
            }
            _ => {}
        }
        let kind = PathKind::File { length, predicted: Some(hash) };
        let made = PathState::made(kind, self.owner, self.group, self.mode.bits());
        world.predict_path(self.path, made);
    }

    /// What it will ask for before the first change, together with others: a longer content goes into its place as it comes.
    pub(crate) fn wants(&self, world: &mut World) -> Option<Lacking> {
        let Content::Blob { hash, length } = self.content else { return None };
        if *length > LARGEST_TOGETHER {
            return None;
        }
        // Where there is no way to it yet, an earlier task will see to that.
        let there = world.path_state(self.path).is_ok_and(|at| match at.kind {
            PathKind::File { length: is, .. } => {
                is == *length && world.paths.hash(self.path).is_ok_and(|is| is == *hash)
            }
            _ => false,
        });
        (!there).then_some(Lacking { hash: *hash, length: *length })
    }
}

impl<'a> WholeFile<'a> {
    /// What it will write, for those who write many at once. A content that only the host can put together, or that has to be
    /// looked at first, waits for its turn.
    pub(crate) fn step(&self) -> Step<'a> {
        match self.content {
            _ if self.validate.is_some() => Step::Slow,
            Content::Blob { hash, length } if *length <= LARGEST_TOGETHER => Step::File(Intent {
                path: self.path,
                hash: *hash,
                owner: self.owner,
                group: self.group,
                mode: self.mode,
            }),
            _ => Step::Quick,
        }
    }
}

/// Why nobody can tell yet whether the content differs.
fn known_after_apply(text: &Text, world: &World) -> String {
    let unknown: Vec<String> = text.unknown(&world.values).iter().map(ToString::to_string).collect();
    let verb = if unknown.len() == 1 { "is" } else { "are" };
    format!("{} {verb} known after apply", unknown.join(", "))
}

/// What is in the file, as far as it may be shown; and whether it may be what is wanted, where that is not known.
fn old(
    file: &WholeFile<'_>,
    at: &PathState,
    length: u64,
    wanted: &mut Wanted,
    world: &mut World,
) -> Result<OldContent, Failure> {
    let longest = match wanted {
        Wanted::Known { .. } => LARGEST_SHOWN,
        Wanted::Unknown { .. } => LARGEST_COMPARED,
    };
    let Some(old) = world.paths.read(file.path, longest)? else {
        return Ok(OldContent::Opaque { length });
    };
    if let (Wanted::Unknown { may_be, .. }, Content::Late(text)) = (wanted, file.content) {
        *may_be = std::str::from_utf8(&old).is_ok_and(|old| text.may_be(old, &world.values));
    }
    let desired = match file.content {
        Content::Late(text) => Some(text.clone()),
        // Only to tell which lines of a private file are no secret, so without it more is hidden.
        Content::Blob { hash, length } if at.private && *length <= LARGEST_SHOWN => {
            let content = world.content(Lacking { hash: *hash, length: *length }).ok();
            // It will be wanted again.
            world.keep(content.iter().map(|content| (*hash, content.clone())));
            content.and_then(|content| String::from_utf8(content).ok()).map(Text::from)
        }
        Content::Blob { .. } => None,
    };
    Ok(old_content(&old, desired.as_ref(), &world.values, at.private))
}
