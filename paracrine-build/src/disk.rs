//! The site's files and the machine's secrets, as they are on disk; remembers what was read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use paracrine_model::deployment::{Presence, Resolver};
use paracrine_model::hash::Hash;
use paracrine_model::source::{Files, Lookup, Metadata, Source, Sources};

use crate::folder;

/// Files below the site, absolute ones, and those of the user's home (`~/…`).
pub(crate) struct Disk {
    root: PathBuf,
    /// What was read and its hash. Not secrets: the hash of a short one would give it away.
    inputs: BTreeMap<String, Hash>,
}

impl Disk {
    /// The files of the site at `root`.
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), inputs: BTreeMap::new() }
    }

    /// The files that were read, with the hashes of their contents.
    pub(crate) fn inputs(&self) -> Vec<(String, Hash)> {
        self.inputs.iter().map(|(path, hash)| (path.clone(), *hash)).collect()
    }
}

/// Where a path of the site's files leads.
pub(crate) fn resolve(root: &Path, path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => root.join(path),
    }
}

impl Files for Disk {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, String> {
        let bytes = std::fs::read(resolve(&self.root, path)).map_err(|error| folder::why(&error))?;
        self.inputs.insert(path.to_owned(), Hash::of(&bytes));
        Ok(bytes)
    }

    fn metadata(&mut self, path: &str) -> Option<Metadata> {
        let path = resolve(&self.root, path);
        let metadata = std::fs::metadata(&path).ok()?;
        let readable = std::fs::File::open(&path).is_ok();
        Some(Metadata { is_file: metadata.is_file(), readable, mode: mode(&metadata) })
    }
}

/// The files that diagnostics point into.
pub(crate) struct DrawnFiles {
    disk: Disk,
}

impl DrawnFiles {
    pub(crate) fn new(root: &Path) -> Self {
        Self { disk: Disk::new(root) }
    }
}

impl Lookup for DrawnFiles {
    fn source(&mut self, path: &str) -> Option<Arc<Source>> {
        Sources::new(&mut self.disk).source(path)
    }
}

#[cfg(unix)]
fn mode(metadata: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &std::fs::Metadata) -> Option<u32> {
    None
}

/// Where secrets come from, for the check that they are there.
pub(crate) struct Machine {
    root: PathBuf,
    /// The files that were looked for.
    looked: Vec<String>,
}

impl Machine {
    /// This machine, with the site at `root`.
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), looked: Vec::new() }
    }

    /// The files that were looked for, there or not.
    pub(crate) fn looked(&self) -> &[String] {
        &self.looked
    }
}

impl Resolver for Machine {
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
            Err(error) => Presence::Unreadable(folder::why(&error)),
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
