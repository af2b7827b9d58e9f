//! The secrets of the machine that builds, for the check that they are there.

use std::path::{Path, PathBuf};

use paracrine_model::deployment::{Presence, Resolver};
use paracrine_model::source;

use crate::input_files::resolve;

/// Where secrets come from, for the check that they are there.
pub(crate) struct MachineSecrets {
    root: PathBuf,
    /// The files that were looked for.
    looked: Vec<String>,
}

impl MachineSecrets {
    /// This machine, with the site at `root`.
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), looked: Vec::new() }
    }

    /// The files that were looked for, there or not.
    pub(crate) fn looked(&self) -> &[String] {
        &self.looked
    }
}

impl Resolver for MachineSecrets {
    fn env(&mut self, name: &str) -> Presence {
        match std::env::var_os(name) {
            None => Presence::Absent,
            Some(value) => Presence::There(value.into_encoded_bytes()),
        }
    }

    fn file(&mut self, path: &str) -> Presence {
        self.looked.push(path.to_owned());
        match std::fs::read(resolve(&self.root, path)) {
            Ok(bytes) => Presence::There(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Presence::Absent,
            Err(error) => Presence::Unreadable(source::why(&error)),
        }
    }

    fn program(&mut self, name: &str) -> bool {
        if name.contains('/') {
            return resolve(&self.root, name).is_file();
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
    }
}
