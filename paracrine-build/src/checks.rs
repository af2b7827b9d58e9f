//! What can be known of finished plans: one file per family of checks.
//!
//! A family is a function that looks at one host's plan and reports what it finds; to add one, write it and name it in
//! [`FAMILIES`]. What concerns one task alone is the business of its resource; what two tasks claim is the plan's.

mod accounts;
mod format;
mod host_check;
mod order;
mod paths;
mod secrets;
mod source_place;

use paracrine_model::diagnostic::Diagnostics;

use crate::format::Looks;
use crate::per_host::PerHost;
use crate::site_plan::SitePlan;
use host_check::HostCheck;

/// All families, in the order in which what they find is most telling.
const FAMILIES: [fn(&mut HostCheck<'_, '_>); 5] =
    [paths::check, order::check, accounts::check, format::check, secrets::check];

/// All that is wrong with the plans.
pub(crate) fn all(site: &SitePlan) -> Diagnostics {
    let mut found = PerHost::new(site.deployment());
    let looks = Looks::default();
    for view in site.hosts() {
        let mut report = |diagnostic| found.push(view.index(), diagnostic);
        let facets: Vec<_> = view.tasks().iter().map(|task| task.resource.facets()).collect();
        let mut host = HostCheck { view, looks: &looks, facets: &facets, report: &mut report };
        for family in FAMILIES {
            family(&mut host);
        }
    }
    let mut diagnostics = Diagnostics::new();
    diagnostics.extend(found.finish());
    diagnostics
}
