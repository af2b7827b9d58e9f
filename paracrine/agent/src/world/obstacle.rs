//! What stands in the way of resources that are no paths, as their tools write to some: known before anything is touched, so
//! that a check says it.

use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::{Difference, Failure};
use paracrine_model::resource::Resource;

use super::World;

impl World {
    /// Why a resource that differs so cannot be changed, as far as that can be known.
    pub(crate) fn obstacle_to(&mut self, resource: &Resource, differences: &[Difference]) -> Option<Failure> {
        let written: &[&str] = match resource {
            Resource::User(_) | Resource::Group(_) => &["/etc/passwd"],
            Resource::AptPackage(_) => &["/var/lib/dpkg/status", "/usr/bin/env"],
            // Enabled and masked are links there.
            Resource::Service(_) if differences.iter().any(is_link) => {
                &["/etc/systemd/system/default.target"]
            }
            _ => &[],
        };
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

fn is_link(difference: &Difference) -> bool {
    matches!(difference, Difference::Attribute { name, .. } if name == "enabled" || name == "masked")
}
