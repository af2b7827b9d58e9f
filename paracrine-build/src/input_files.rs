//! The files that a site is made from, as they are on disk; remembers what was read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use paracrine_model::hash::Hash;
use paracrine_model::source::{self, Files, Lookup, Metadata, Source, Sources};

/// Files below the site, absolute ones, and those of the user's home (`~/…`).
pub(crate) struct InputFiles {
    root: PathBuf,
    /// What was read and its hash. Not secrets: the hash of a short one would give it away.
    inputs: BTreeMap<String, Hash>,
}

impl InputFiles {
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

impl Files for InputFiles {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, String> {
        let bytes = std::fs::read(resolve(&self.root, path)).map_err(|error| source::why(&error))?;
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
    files: InputFiles,
}

impl DrawnFiles {
    pub(crate) fn new(root: &Path) -> Self {
        Self { files: InputFiles::new(root) }
    }
}

impl Lookup for DrawnFiles {
    fn source(&mut self, path: &str) -> Option<Arc<Source>> {
        Sources::new(&mut self.files).source(path)
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
