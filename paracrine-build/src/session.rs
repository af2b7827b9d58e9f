//! The site that roles are run for: what `template` and `local_file` refer to.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::local_file::LocalFiles;
use crate::template::Templates;

/// The folders of a site, each read once.
pub(crate) struct Session {
    templates: Templates,
    files: LocalFiles,
}

thread_local!(static CURRENT: RefCell<Option<Rc<Session>>> = const { RefCell::new(None) });

impl Session {
    fn new(root: &Path) -> Rc<Self> {
        Rc::new(Self { templates: Templates::new(root), files: LocalFiles::new(root) })
    }

    pub(crate) fn templates(&self) -> &Templates {
        &self.templates
    }

    pub(crate) fn files(&self) -> &LocalFiles {
        &self.files
    }
}

/// The site at hand; where none was entered, the one of the package that is being built.
pub(crate) fn current() -> Rc<Session> {
    CURRENT.with_borrow_mut(|current| {
        Rc::clone(current.get_or_insert_with(|| Session::new(&manifest_directory())))
    })
}

/// The folder of the package that is being built.
pub(crate) fn manifest_directory() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// Makes the site at `root` the one at hand, until what is returned is dropped.
pub(crate) fn enter(root: &Path) -> Entered {
    let session = Session::new(root);
    let before = CURRENT.replace(Some(Rc::clone(&session)));
    Entered { session, before }
}

/// A site that is at hand.
pub(crate) struct Entered {
    session: Rc<Session>,
    before: Option<Rc<Session>>,
}

impl std::ops::Deref for Entered {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
    }
}
