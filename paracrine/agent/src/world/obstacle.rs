//! What stands in the way of resources that are no paths, as their tools write to some: known before anything is touched, so
//! that a check says it.

use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::Failure;

use super::World;

impl World {
    /// Why one of these files cannot be written, as far as that can be known.
    pub(crate) fn obstacle_to(&mut self, written: &[&str]) -> Option<Failure> {
        written.iter().find_map(|path| {
            let path = AbsolutePath::parse(path).ok()?;
            self.paths.read_only(&path)
        })
    }

    /// That a new file has no room, unless something that is pending may make some.
    pub(crate) fn no_room(&mut self, path: &AbsolutePath, length: u64) -> Option<Failure> {
        if self.makers.is_empty() { self.paths.no_room(path, length) } else { None }
    }
}
