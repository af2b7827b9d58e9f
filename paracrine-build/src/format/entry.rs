//! What an entry of the table of formats says.

use paracrine_model::deployment::Os;
use paracrine_model::facet::FileFacet;

use super::finding::{Finding, Look};

/// What one program reads.
pub(super) struct Format {
    /// Whether the file at a path is of this format, and of which sort.
    pub(super) reads: fn(path: &str) -> Option<Sort>,
    /// What is wrong with the file around its content: its name, its owner, its mode.
    pub(super) about: fn(&FileFacet<'_>) -> Vec<Finding>,
    /// What is wrong with a text that is read there; late values are [`LATE`](super::LATE).
    pub(super) look: fn(text: &str, At<'_>) -> Look,
}

/// Where a text is read.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    /// The file.
    pub(super) path: &'a str,
    /// As what.
    pub(super) sort: Sort,
    /// By programs of which system.
    pub(super) os: Os,
}

/// Tells files of one format apart that are read in different ways: `service` and `service.d` of units.
pub(super) type Sort = &'static str;

/// The sort of formats that have only one.
pub(super) const ONLY: Sort = "";
