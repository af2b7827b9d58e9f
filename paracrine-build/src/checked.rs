//! What came of checking a site.

use std::path::{Path, PathBuf};

use paracrine_model::diagnostic::draw::{self, Style};
use paracrine_model::diagnostic::{Diagnostic, Severity};
use paracrine_model::hash::Hash;

use crate::fingerprint::Fingerprint;
use crate::input_files::DrawnFiles;
use crate::output;
use crate::site_plan::SitePlan;

/// What [`Compile::check`](crate::Compile::check) made of a site.
pub struct Checked {
    root: PathBuf,
    diagnostics: Vec<Diagnostic>,
    inputs: Vec<(String, Hash)>,
    watched: Vec<String>,
    site: Option<SitePlan>,
}

impl Checked {
    pub(crate) fn new(
        root: &Path,
        diagnostics: Vec<Diagnostic>,
        inputs: Vec<(String, Hash)>,
        watched: Vec<String>,
        site: Option<SitePlan>,
    ) -> Self {
        Self { root: root.to_owned(), diagnostics, inputs, watched, site }
    }

    /// All that is wrong, errors first.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Whether anything keeps the site from building.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }

    /// All that is wrong, as it is drawn on a terminal without colours.
    pub fn drawn(&self) -> String {
        let mut files = DrawnFiles::new(&self.root);
        let drawn: Vec<String> =
            self.diagnostics.iter().map(|d| draw::draw(d, &mut files, Style::Plain)).collect();
        drawn.join("\n\n")
    }

    /// The plans of all hosts; absent where config or inventories are wrong.
    pub fn plan(&self) -> Option<&SitePlan> {
        self.site.as_ref()
    }

    /// The bytes of `plan.bin` as it would be written, but for commit and agents; absent where anything is wrong.
    pub fn artifact(&self) -> Option<Vec<u8>> {
        let site = self.site.as_ref().filter(|_| !self.has_errors())?;
        output::plan(&self.root, site, &Fingerprint::without_commit(self.inputs.clone()), &[]).ok()
    }

    /// The files that were read, relative to the site, with the hashes of their contents. Secrets are not among them.
    pub fn inputs(&self) -> &[(String, Hash)] {
        &self.inputs
    }

    /// The files that were looked for, relative to the site, there or not.
    pub fn looked_for(&self) -> &[String] {
        &self.watched
    }

    pub(crate) fn diagnostics_mut(&mut self) -> &mut Vec<Diagnostic> {
        &mut self.diagnostics
    }
}
