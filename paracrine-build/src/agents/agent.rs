//! An agent, or why there is none.

use paracrine_model::hash::Hash;
use paracrine_model::host::Arch;

/// An agent, ready to be embedded.
pub(crate) struct Agent {
    pub(crate) arch: Arch,
    /// Of the executable, not of what is embedded.
    pub(crate) hash: Hash,
    /// The executable, compressed by gzip.
    pub(crate) compressed: Vec<u8>,
}

/// Why there is no agent.
pub(crate) struct Failure {
    /// Half a sentence about the agent.
    pub(super) why: String,
    /// What mends it.
    pub(super) help: Vec<String>,
}

impl Failure {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), help: Vec::new() }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}
