//! Tasks that mean one path by two spellings, because a link on this host leads from one to the other: each would undo what
//! the other made, in every run. And tasks that put something in the way to another, where only such a link shows it.

use std::collections::{BTreeSet, HashMap};

use paracrine_model::facet::{Claim, Entry};
use paracrine_model::name::AbsolutePath;
use paracrine_model::plan::Work;
use paracrine_model::protocol::Failure;

use crate::world::World;

/// The paths of tasks, free of links. Nothing is looked up before a task differs.
#[derive(Default)]
pub(super) struct OnePath {
    /// Of tasks that differ: which task each belongs to.
    differing: HashMap<String, usize>,
    /// What lies on the way to tasks, by the first of these.
    ways: HashMap<String, usize>,
    /// Of so many tasks.
    known: usize,
}

impl OnePath {
    /// Notes a task that differs. Fails if another one, which differs as well, means the same path, or if this one would put
    /// something in the way to an earlier one.
    pub(super) fn differs(&mut self, tasks: &[Work], index: usize, world: &mut World) -> Option<Failure> {
        let resource = &tasks[index].resource;
        let facets = resource.facets();
        let directories: BTreeSet<&str> = facets
            .entries()
            .filter(|(_, entry)| matches!(entry, Entry::Directory(_)))
            .map(|(path, _)| path.as_str())
            .collect();
        for (path, key) in keys(&tasks[index], world) {
            let other = *self.differing.entry(key.clone()).or_insert(index);
            if other != index {
                let other = &tasks[other].resource;
                let message = format!("{path} is the path of {other} as well: on this host both are {key}");
                return Some(
                    Failure::new(message).help("a link leads from one to the other: declare it once"),
                );
            }
            if directories.contains(path.as_str()) {
                continue;
            }
            self.learn_ways(&tasks[..index], world);
            if let Some(earlier) = self.ways.get(&key) {
                let other = &tasks[*earlier].resource;
                let message = format!("{path} is on the way to {other}, because of a link on this host");
                return Some(Failure::new(message).help("both cannot be: declare one or the other"));
            }
        }
        None
    }

    fn learn_ways(&mut self, tasks: &[Work], world: &mut World) {
        for (index, task) in tasks.iter().enumerate().skip(self.known) {
            for (_, key) in keys(task, world) {
                let mut way = key.as_str();
                while let Some((above, _)) = way.rsplit_once('/').filter(|(above, _)| !above.is_empty()) {
                    if self.ways.contains_key(above) {
                        break;
                    }
                    self.ways.insert(above.to_owned(), index);
                    way = above;
                }
            }
        }
        self.known = tasks.len();
    }
}

/// The paths that a task decides about, and the same free of links.
fn keys(task: &Work, world: &mut World) -> Vec<(AbsolutePath, String)> {
    let claims = task.resource.facets().claims;
    let paths = claims.iter().filter_map(|claim| match claim {
        Claim::Path(path) => AbsolutePath::parse(path).ok(),
        _ => None,
    });
    paths.filter_map(|path| world.paths.key(&path).map(|key| (path, key))).collect()
}
