//! Files that are sent as they are.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use paracrine_model::content::{Body, LARGE, LargeFile};
use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::hash::Hash;
use paracrine_model::source;

use crate::folder;
use crate::large::{self, Hashes};

/// The folder of files that are sent as they are, relative to the site.
pub(crate) const FOLDER: &str = "files";

/// The files of a site.
pub(crate) struct LocalFiles {
    folder: PathBuf,
    names: BTreeSet<String>,
    read: RefCell<BTreeMap<String, Rc<[u8]>>>,
    hashes: Hashes,
    large: RefCell<BTreeMap<String, LargeFile>>,
}

impl LocalFiles {
    /// The files of the site at `root`.
    pub(crate) fn new(root: &Path) -> Self {
        let folder = root.join(FOLDER);
        let names = folder::files(&folder);
        let out = std::env::var_os("OUT_DIR").map(PathBuf::from);
        Self {
            folder,
            names,
            read: RefCell::default(),
            hashes: Hashes::new(out.as_deref()),
            large: RefCell::default(),
        }
    }

    /// The content of a file.
    pub(crate) fn read(&self, name: &str) -> Result<Body, Box<Diagnostic>> {
        if let Some(bytes) = self.bytes(name) {
            return Ok(Body::Bytes(bytes));
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
        self.open(name).map_err(|error| {
            let message = format!("cannot read `{FOLDER}/{name}`: {}", source::why(&error));
            Box::new(Diagnostic::error(Code::LOCAL_FILE, message))
        })
    }

    fn open(&self, name: &str) -> io::Result<Body> {
        let path = self.folder.join(name);
        let stamp = large::stamp(&path)?;
        if stamp.length < LARGE {
            let bytes: Rc<[u8]> = std::fs::read(path)?.into();
            self.read.borrow_mut().insert(name.to_owned(), Rc::clone(&bytes));
            return Ok(Body::Bytes(bytes));
        }
        let file = self.hashes.of(&path, stamp)?;
        self.large.borrow_mut().insert(name.to_owned(), file.clone());
        Ok(Body::Large(file))
    }

    /// The content of a file that was read.
    pub(crate) fn bytes(&self, name: &str) -> Option<Rc<[u8]>> {
        self.read.borrow().get(name).cloned()
    }

    /// The files that were read, with the hashes of their contents.
    pub(crate) fn inputs(&self) -> Vec<(String, Hash)> {
        let path = |name: &str| format!("{FOLDER}/{name}");
        let (read, large) = (self.read.borrow(), self.large.borrow());
        let read = read.iter().map(|(name, bytes)| (path(name), Hash::of(bytes)));
        read.chain(large.iter().map(|(name, file)| (path(name), file.hash))).collect()
    }
}
