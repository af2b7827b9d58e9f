//! Files that are sent as they are.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::hash::Hash;
use paracrine_model::source;

use crate::folder;

/// The folder of files that are sent as they are, relative to the site.
pub(crate) const FOLDER: &str = "files";

/// The files of a site.
pub(crate) struct LocalFiles {
    folder: PathBuf,
    names: BTreeSet<String>,
    read: RefCell<BTreeMap<String, Rc<[u8]>>>,
}

impl LocalFiles {
    /// The files of the site at `root`.
    pub(crate) fn new(root: &Path) -> Self {
        let folder = root.join(FOLDER);
        let names = folder::files(&folder);
        Self { folder, names, read: RefCell::default() }
    }

    /// The content of a file.
    pub(crate) fn read(&self, name: &str) -> Result<Rc<[u8]>, Box<Diagnostic>> {
        if let Some(bytes) = self.read.borrow().get(name) {
            return Ok(Rc::clone(bytes));
        }
        if !self.names.contains(name) {
            let missing = Diagnostic::error(Code::LOCAL_FILE, format!("there is no file `{FOLDER}/{name}`"));
            let bare = name.strip_prefix("files/").filter(|bare| self.names.contains(*bare));
            let missing = match bare {
                Some(bare) => missing.help(format!("paths begin below `{FOLDER}`: write `{bare}`")),
                None => missing.nearest(name, self.names.iter().map(String::as_str)),
            };
            return Err(Box::new(if missing.help.is_empty() {
                missing.help("make the file")
            } else {
                missing
            }));
        }
        match std::fs::read(self.folder.join(name)) {
            Ok(bytes) => {
                let bytes: Rc<[u8]> = bytes.into();
                self.read.borrow_mut().insert(name.to_owned(), Rc::clone(&bytes));
                Ok(bytes)
            }
            Err(error) => {
                let message = format!("cannot read `{FOLDER}/{name}`: {}", source::why(&error));
                Err(Box::new(Diagnostic::error(Code::LOCAL_FILE, message)))
            }
        }
    }

    /// The content of a file that was read.
    pub(crate) fn bytes(&self, name: &str) -> Option<Rc<[u8]>> {
        self.read.borrow().get(name).cloned()
    }

    /// The files that were read, with the hashes of their contents.
    pub(crate) fn inputs(&self) -> Vec<(String, Hash)> {
        self.read.borrow().iter().map(|(name, bytes)| (format!("{FOLDER}/{name}"), Hash::of(bytes))).collect()
    }
}
