//! Places in Rust files. rustc names files relative to where cargo ran it, the root of the workspace; people and drawing
//! want them relative to the site.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use paracrine_model::diagnostic::{Diagnostic, Place};
use paracrine_model::plan::Origin;

/// Finds Rust files from the site's folder.
pub(crate) struct RustPlaces {
    root: PathBuf,
    known: RefCell<HashMap<Arc<str>, Arc<str>>>,
}

impl RustPlaces {
    /// For the site at `root`.
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), known: RefCell::default() }
    }

    /// Makes all places of a diagnostic relative to the site.
    pub(crate) fn mend(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        for note in diagnostic.primary.iter_mut().chain(&mut diagnostic.related) {
            self.place(&mut note.place);
        }
        diagnostic
    }

    /// Makes the place that declared a task relative to the site.
    pub(crate) fn origin(&self, origin: &mut Origin) {
        let file = self.file(&origin.file);
        if *file != *origin.file {
            origin.file = file.to_string();
        }
    }

    fn place(&self, place: &mut Place) {
        if place.file.ends_with(".rs") {
            place.file = self.file(&place.file);
        }
    }

    fn file(&self, file: &str) -> Arc<str> {
        let known = self.known.borrow().get(file).cloned();
        known.unwrap_or_else(|| {
            let found: Arc<str> = self.relative(file).map_or_else(|| file.into(), Arc::from);
            self.known.borrow_mut().insert(file.into(), Arc::clone(&found));
            found
        })
    }

    /// The path from the site to a file as rustc names it.
    pub(crate) fn relative(&self, file: &str) -> Option<String> {
        let full = self.root.ancestors().map(|folder| folder.join(file)).find(|path| path.is_file())?;
        let mut full: &Path = &full;
        let plain: PathBuf;
        if full.components().any(|part| matches!(part, Component::CurDir | Component::ParentDir)) {
            plain = std::fs::canonicalize(full).ok()?;
            full = &plain;
        }
        if let Ok(inside) = full.strip_prefix(&self.root) {
            return inside.to_str().map(str::to_owned);
        }
        // Elsewhere in the workspace: at most a few folders up, else as it is.
        let above = self.root.ancestors().skip(1).take(3).position(|folder| full.starts_with(folder))?;
        let folder = self.root.ancestors().nth(above + 1).filter(|folder| folder.parent().is_some())?;
        let rest = full.strip_prefix(folder).ok()?.to_str()?;
        Some(format!("{}{rest}", "../".repeat(above + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_from_the_workspace_down() {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("sites/one");
        std::fs::create_dir_all(site.join("roles")).unwrap();
        std::fs::create_dir_all(folder.path().join("recipes/src")).unwrap();
        for file in ["sites/one/roles.rs", "sites/one/roles/web.rs", "recipes/src/lib.rs"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let places = RustPlaces::new(&site);
        let relative = |file: &str| places.relative(file);
        assert_eq!(relative("sites/one/roles/web.rs").as_deref(), Some("roles/web.rs"));
        assert_eq!(relative("roles.rs").as_deref(), Some("roles.rs"));
        assert_eq!(relative("recipes/src/lib.rs").as_deref(), Some("../../recipes/src/lib.rs"));
        assert_eq!(relative("nowhere.rs"), None);
        let absolute = site.join("roles.rs");
        assert_eq!(relative(absolute.to_str().unwrap()).as_deref(), Some("roles.rs"));
    }
}
