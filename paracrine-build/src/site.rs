//! What `site!` generates and `compile` uses.

use paracrine_model::deployment::Deployment;
use paracrine_model::value::Mismatch;

/// A site's own `Context`: what its roles are called with, once for each host. `site!` implements it.
pub trait SiteContext: Sized {
    /// The config's path, relative to the package (`CARGO_MANIFEST_DIR`).
    const CONFIG: &'static str;

    /// The inventories' paths, relative to the package.
    const INVENTORIES: &'static [&'static str];

    /// The context of every host: its index in [`Deployment::hosts`], and what its roles see. Environments come in the order
    /// of the config, the hosts of one in the order of its inventories; what they have in common they share.
    ///
    /// # Errors
    /// A file is not what it was when `site!` generated the types; [`Mismatch::diagnostic`] says so.
    fn contexts(deployment: &Deployment) -> Result<Vec<(usize, Self)>, Mismatch>;
}
