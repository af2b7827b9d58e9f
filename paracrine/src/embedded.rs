//! The compiled site inside the deploy binary.

use paracrine_model::artifact::{Artifact, Broken};

/// A compiled site as the build helper puts it into the deploy binary.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// `plan.bin`: the plans of all hosts of all environments.
    pub plan: &'static [u8],
    /// The agents by architecture (`x86_64`), compressed with gzip.
    pub agents: &'static [(&'static str, &'static [u8])],
    /// Where the site stood when it was built.
    pub directory: &'static str,
}

impl Embedded {
    /// Opens the compiled site, for assertions about it in a site's tests.
    ///
    /// # Errors
    /// Bytes that are no compiled site, or one of another version.
    pub fn artifact(&self) -> Result<Artifact<'static>, Broken> {
        Artifact::open(self.plan)
    }
}
