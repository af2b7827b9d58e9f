//! Files that are to be written one after the other are written ahead, beside their places: one `syncfs` brings many to disk,
//! where each by itself would wait for the disk. At its turn a file only takes its place.
//!
//! Whatever is written ahead is known to be wanted, and nobody waits for it: what cannot be done ahead is done, or fails, at
//! its turn.

use std::collections::HashMap;
use std::fs::File;

use paracrine_model::hash::Hash;
use paracrine_model::name::{AbsolutePath, Mode};

use super::World;
use super::paths::{Attributes, Extended, Staged, Written};

/// How many files are written ahead at once, and how many bytes.
const MOST: usize = 256;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// So many are brought to disk one by one: everything that others have written would have to wait with them.
const FEW: usize = 8;

/// A file that a task will write, if its content is one of those that are lacking.
#[derive(Clone, Copy, Debug)]
pub struct Intent<'a> {
    pub(crate) path: &'a AbsolutePath,
    pub(crate) hash: Hash,
    pub(crate) owner: &'a str,
    pub(crate) group: &'a str,
    pub(crate) mode: Mode,
}

/// What a task does to files.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// It writes this.
    File(Intent<'a>),
    /// It takes no time, and changes nothing that would have to come before files that follow.
    Quick,
    /// Files that follow it may depend on it.
    Slow,
}

#[derive(Default)]
pub(crate) struct Ahead {
    /// In the order of their tasks. `None` is something that those after it may depend on.
    files: Vec<Option<Later>>,
    places: HashMap<String, usize>,
    ready: HashMap<String, Ready>,
}

/// A file that a later task will write.
#[derive(Clone)]
struct Later {
    path: AbsolutePath,
    hash: Hash,
    owner: String,
    group: String,
    mode: Mode,
}

/// A file that is only to be put in its place.
struct Ready {
    staged: Staged,
    written: Written,
    hash: Hash,
    attributes: Attributes,
    extended: Extended,
}

impl World {
    /// Tells what later tasks will do to files, in their order.
    pub(crate) fn intend<'a>(&mut self, steps: impl Iterator<Item = Step<'a>>) {
        let files: Vec<Option<Later>> = steps
            .filter_map(|step| match step {
                Step::File(Intent { path, hash, owner, group, mode }) => Some(Some(Later {
                    path: path.clone(),
                    hash,
                    owner: owner.to_owned(),
                    group: group.to_owned(),
                    mode,
                })),
                Step::Quick => None,
                Step::Slow => Some(None),
            })
            .collect();
        let places = files
            .iter()
            .enumerate()
            .filter_map(|(place, file)| Some((file.as_ref()?.path.to_string(), place)));
        self.ahead = Ahead { places: places.collect(), files, ready: HashMap::new() };
    }

    /// The file for this path, if it was written ahead and nothing has changed since. If it was not, it is now with those that
    /// follow.
    pub(crate) fn written_ahead(
        &mut self,
        path: &AbsolutePath,
        hash: Hash,
        attributes: Attributes,
        extended: &Extended,
    ) -> Option<Staged> {
        if !self.ahead.ready.contains_key(path.as_str()) {
            self.write_ahead(path);
        }
        let ready = self.ahead.ready.remove(path.as_str())?;
        let same = ready.hash == hash
            && ready.attributes == attributes
            && ready.extended == *extended
            && self.paths.is_as_written(&ready.staged, &ready.written);
        same.then_some(ready.staged)
    }

    fn write_ahead(&mut self, path: &AbsolutePath) {
        let Some(first) = self.ahead.places.get(path.as_str()).copied() else {
            return;
        };
        let following = self.ahead.files.get(first..).unwrap_or_default().iter().take(MOST);
        let following: Vec<Later> = following.map_while(Clone::clone).collect();
        let mut room = MOST_BYTES;
        let mut written = Vec::new();
        for later in following {
            if self.ahead.ready.contains_key(later.path.as_str()) {
                continue;
            }
            let Some(length) = self.contents.get(&later.hash).map(Vec::len) else { continue };
            if length > room {
                break;
            }
            room -= length;
            if let Some(one) = self.write_one_ahead(&later) {
                written.push((later, one));
            }
        }
        // For one alone there is nothing to be won.
        if written.len() < 2 {
            return;
        }
        let files: Vec<&File> = written.iter().map(|(_, (_, file, ..))| file).collect();
        let synced =
            if files.len() < FEW { self.paths.sync_each(&files) } else { self.paths.sync_all(&files) };
        if synced.is_err() {
            return;
        }
        for (later, (staged, file, attributes, extended)) in written {
            if let Some(written) = Written::of(&file) {
                let ready = Ready { staged, written, hash: later.hash, attributes, extended };
                self.ahead.ready.insert(later.path.to_string(), ready);
            }
        }
    }

    fn write_one_ahead(&mut self, later: &Later) -> Option<(Staged, File, Attributes, Extended)> {
        let uid = self.accounts.uid(&later.owner)?;
        let gid = self.accounts.gid(&later.group)?;
        let attributes = Attributes { uid, gid, mode: later.mode.bits() };
        let extended = self.paths.extended(&later.path).ok()?;
        let content = self.contents.get(&later.hash)?;
        let (staged, file) = self.paths.write_beside(&later.path, content, attributes, &extended)?;
        Some((staged, file, attributes, extended))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::world::paths::suite::{Machine, path};

    const ATTRIBUTES: fn() -> Attributes = || Attributes {
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        mode: 0o640,
    };

    /// A world that is to write these, all with another content; a path that ends with `!` may depend on what is before it.
    fn world(machine: &Machine, paths: &[&str]) -> World {
        let mut world = machine.world();
        let mut files = Vec::new();
        for at in paths {
            let hash = Hash::of(at.as_bytes());
            world.keep([(hash, at.as_bytes().to_vec())]);
            files.push((path(at.trim_end_matches('!')), hash, at.ends_with('!')));
        }
        let owner = if rustix::process::geteuid().is_root() { "root" } else { "me" };
        let steps = files.iter().map(|(path, hash, slow)| match slow {
            true => Step::Slow,
            false => Step::File(Intent {
                path,
                hash: *hash,
                owner,
                group: owner,
                mode: Mode::parse(0o640).unwrap(),
            }),
        });
        world.intend(steps);
        world
    }

    fn take(world: &mut World, at: &str) -> Option<Staged> {
        world.written_ahead(&path(at), Hash::of(at.as_bytes()), ATTRIBUTES(), &Extended::default())
    }

    fn beside(machine: &Machine, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(machine.at(directory)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name.contains(".paracrine-"));
        names.sort();
        names
    }

    #[test]
    fn those_that_follow_are_written_with_the_first() {
        for count in [3, 20] {
            let machine = Machine::new();
            let paths: Vec<String> = (10..10 + count).map(|number| format!("/srv/{number}")).collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            let mut world = world(&machine, &paths);
            for (done, at) in paths.iter().enumerate() {
                let staged = take(&mut world, at).unwrap();
                assert_eq!(beside(&machine, "/srv").len(), count - done);
                world.put(staged.holding(Hash::of(at.as_bytes()))).unwrap();
                assert_eq!(machine.read(at), *at);
            }
        }
    }

    #[test]
    fn nothing_is_written_before_what_it_may_depend_on_nor_where_it_cannot_be() {
        let machine = Machine::new();
        let mut world =
            world(&machine, &["/srv/a", "/nowhere/b", "/srv/c", "/srv/command!", "/srv/d", "/srv/e"]);
        drop(take(&mut world, "/srv/a").unwrap());
        assert_eq!(beside(&machine, "/srv").len(), 1, "c, as a is dropped");
        assert!(take(&mut world, "/nowhere/b").is_none());
        assert!(take(&mut world, "/srv/c").is_some());
        assert!(take(&mut world, "/srv/other").is_none(), "nobody told of it");
        drop(take(&mut world, "/srv/d").unwrap());
        drop(world);
        assert_eq!(beside(&machine, "/srv"), [] as [&str; 0], "what was not put in its place goes");
    }

    #[test]
    fn what_has_changed_since_is_written_again() {
        let machine = Machine::new();
        let paths = ["/srv/a", "/srv/b", "/srv/c", "/srv/d", "/srv/e"];
        let mut world = world(&machine, &paths);
        drop(take(&mut world, "/srv/a").unwrap());
        let temporary = |of: &str| {
            let name = beside(&machine, "/srv")
                .into_iter()
                .find(|name| name.starts_with(&format!(".{of}.")))
                .unwrap();
            machine.at("/srv").join(name)
        };
        fs::write(temporary("b"), "/srv/x").unwrap();
        fs::remove_file(temporary("c")).unwrap();
        for at in ["/srv/b", "/srv/c"] {
            assert!(take(&mut world, at).is_none(), "{at}");
        }
        // Another content, or another mode, than was told.
        assert!(
            world
                .written_ahead(&path("/srv/d"), Hash::of(b"other"), ATTRIBUTES(), &Extended::default())
                .is_none()
        );
        // The directory is another.
        fs::rename(machine.at("/srv"), machine.at("/old")).unwrap();
        fs::create_dir(machine.at("/srv")).unwrap();
        world.paths.forget();
        assert!(take(&mut world, "/srv/e").is_none());
        assert_eq!(beside(&machine, "/old"), [] as [&str; 0]);
    }
}
