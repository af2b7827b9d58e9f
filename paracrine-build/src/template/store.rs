//! The texts of templates, each read once per build.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::hash::Hash;
use paracrine_model::source::{self, Source};

use super::late;
use crate::folder;

/// The folder of templates, relative to the site.
pub(crate) const FOLDER: &str = "templates";

/// The texts of templates, shared with the engine's loader.
pub(super) struct Store {
    root: PathBuf,
    names: BTreeSet<String>,
    read: Mutex<BTreeMap<String, Read>>,
    hashes: Mutex<BTreeMap<String, Hash>>,
}

/// The text of a template, or why it cannot be read.
type Read = Result<Arc<Source>, Box<Diagnostic>>;

/// A template's path, relative to the site.
pub(super) fn path_of(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

impl Store {
    /// The templates of the site at `root`.
    pub(super) fn new(root: &Path) -> Self {
        let names = folder::files(&root.join(FOLDER));
        Self { root: root.to_owned(), names, read: Mutex::default(), hashes: Mutex::default() }
    }

    /// The text of a template, if there is one.
    pub(super) fn source(&self, name: &str) -> Option<Read> {
        if !self.names.contains(name) {
            return None;
        }
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.get(name) {
            return Some(known.clone());
        }
        let path = path_of(name);
        let source = match std::fs::read(self.root.join(&path)) {
            Ok(bytes) => {
                let mut hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
                hashes.insert(path.clone(), Hash::of(&bytes));
                Source::new(path, bytes)
            }
            Err(error) => {
                let why = source::why(&error);
                Err(Box::new(Diagnostic::error(
                    Code::FILE_UNREADABLE,
                    format!("cannot read `{path}`: {why}"),
                )))
            }
        };
        let source = source.and_then(|source| match late::clashes(source.text()) {
            true => {
                let message = format!("template `{name}` holds the non-character U+FDD0 or U+FDD1");
                Err(Box::new(Diagnostic::error(Code::TEMPLATE_FAILED, message)))
            }
            false => Ok(Arc::new(source)),
        });
        read.insert(name.to_owned(), source.clone());
        Some(source)
    }

    /// The names of all templates.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The names of templates that were never read.
    pub(super) fn unread(&self) -> Vec<&str> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        self.names().filter(|name| !read.contains_key(*name)).collect()
    }

    /// The paths of templates that were read, with the hashes of their contents.
    pub(super) fn hashes(&self) -> Vec<(String, Hash)> {
        let hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        hashes.iter().map(|(path, hash)| (path.clone(), *hash)).collect()
    }
}
