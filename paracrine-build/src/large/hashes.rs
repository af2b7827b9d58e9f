//! The hashes of large files from build to build: an edit elsewhere does not read them again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use paracrine_model::content::{LargeFile, Stamp};
use paracrine_model::hash::Hash;

/// Known hashes.
pub(crate) struct Hashes {
    /// Where they are kept; `None` where there is no output directory, as in tests.
    kept_in: Option<PathBuf>,
    known: RefCell<BTreeMap<PathBuf, (Stamp, Hash)>>,
}

impl Hashes {
    /// Those of earlier builds with this output directory.
    pub(crate) fn new(out: Option<&Path>) -> Self {
        let kept_in = out.map(|out| out.join("hashes.json"));
        // Whatever cannot be read is hashed anew.
        let known = kept_in
            .as_ref()
            .and_then(|path| std::fs::read(path).ok())
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Self { kept_in, known: RefCell::new(known) }
    }

    /// The large file at `path`.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn of(&self, path: &Path, stamp: Stamp) -> io::Result<LargeFile> {
        let known = self.known.borrow().get(path).copied();
        let hash = match known {
            Some((then, hash)) if then == stamp => hash,
            _ => {
                let hash = Hash::of_reader(File::open(path)?)?;
                self.known.borrow_mut().insert(path.to_owned(), (stamp, hash));
                if let Some(kept_in) = &self.kept_in
                    && let Ok(bytes) = serde_json::to_vec(&*self.known.borrow())
                {
                    // Only the next build's time depends on it.
                    let _ = std::fs::write(kept_in, bytes);
                }
                hash
            }
        };
        Ok(LargeFile { path: path.to_owned(), hash, stamp })
    }
}
