//! What can be known of finished plans: one file per family of checks.

use paracrine_model::diagnostic::Diagnostics;

use crate::plans::PerHost;
use crate::site_plan::SitePlan;

/// All that is wrong with the plans.
pub(crate) fn all(site: &SitePlan) -> Diagnostics {
    let found = PerHost::new(site.deployment());
    let mut diagnostics = Diagnostics::new();
    diagnostics.extend(found.finish());
    diagnostics
}
