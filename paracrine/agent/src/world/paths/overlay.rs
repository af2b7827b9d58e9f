//! Check only: what earlier tasks would have made.

use std::collections::{BTreeMap, BTreeSet};

use super::{PathKind, PathState};

/// Predicted states by paths that are free of links.
#[derive(Default)]
pub(super) struct Overlay(BTreeMap<String, Layer>);

struct Layer {
    state: PathState,
    /// Whether what lies below on the machine is not what would lie below.
    hides: bool,
}

impl Overlay {
    pub(super) fn get(&self, key: &str) -> Option<&PathState> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(key).map(|layer| &layer.state)
    }

    /// The paths of which something is predicted.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether a directory is predicted that has nothing of what is there now below it.
    pub(super) fn hides(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|layer| layer.hides)
    }

    /// Predicts what will be there instead of `was`.
    pub(super) fn lay(&mut self, key: &str, state: PathState, was: &PathKind) {
        let hides = match (&state.kind, was) {
            (PathKind::Directory, PathKind::Directory) => self.hides(key),
            _ => true,
        };
        if state.kind == PathKind::Missing {
            let below: Vec<String> = self.below(key).cloned().collect();
            for path in below {
                self.0.remove(&path);
            }
        }
        self.0.insert(key.to_owned(), Layer { state, hides });
    }

    /// Adds what would be in a directory to the names that are in it, and takes away what would not.
    pub(super) fn adjust(&self, key: &str, names: &mut BTreeSet<String>) {
        for path in self.below(key) {
            let name = path[key.len()..].trim_start_matches('/');
            if name.contains('/') {
                continue;
            }
            match self.0.get(path).map(|layer| &layer.state.kind) {
                Some(PathKind::Missing) => names.remove(name),
                _ => names.insert(name.to_owned()),
            };
        }
    }

    fn below(&self, key: &str) -> impl Iterator<Item = &String> {
        let start = if key == "/" { "/".to_owned() } else { format!("{key}/") };
        self.0.range(start.clone()..).map(|(path, _)| path).take_while(move |path| path.starts_with(&start))
    }
}
