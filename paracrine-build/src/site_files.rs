//! What the contents of a site's plans are made from: its templates and the files that are sent as they are.

use std::path::Path;
use std::sync::Arc;

use paracrine_model::hash::Hash;
use paracrine_model::source::Source;

use crate::local_files::{self, LocalFiles};
use crate::template::{self, Templates};

/// The folders of a site that contents are made from, each read once.
pub(crate) struct SiteFiles {
    pub(crate) templates: Templates,
    pub(crate) local: LocalFiles,
}

impl SiteFiles {
    /// Those of the site at `root`; `trim_blocks`: a line break after a block of a template is none of its text.
    pub(crate) fn new(root: &Path, trim_blocks: bool) -> Self {
        Self { templates: Templates::new(root, trim_blocks), local: LocalFiles::new(root) }
    }

    /// The files that were read, with the hashes of their contents.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = (String, Hash)> {
        self.templates.inputs().into_iter().chain(self.local.inputs())
    }

    /// The text of a file that was read, by its path in the site, and whether it is a template.
    pub(crate) fn text(&self, path: &str) -> Option<(Arc<Source>, bool)> {
        let below = |folder: &str| path.strip_prefix(folder)?.strip_prefix('/');
        match below(template::FOLDER) {
            Some(name) => Some((self.templates.source(name)?, true)),
            None => {
                let bytes = self.local.bytes(below(local_files::FOLDER)?)?;
                Some((Arc::new(Source::new(path, bytes.to_vec()).ok()?), false))
            }
        }
    }
}
