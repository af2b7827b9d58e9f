//! What can be known of finished plans: one file per family of checks.
//!
//! A family is a function that looks at one host's plan and reports what it finds; to add one, write it and name it in
//! [`FAMILIES`]. What only shows when all hosts are seen together is a family of [`ACROSS`]. What concerns one task alone is
//! the business of its resource; what two tasks claim is the plan's.

mod accounts;
mod format;
mod host_check;
mod nobody;
mod order;
mod paths;
mod reach;
mod secrets;
mod source_place;
mod units;

use paracrine_model::diagnostic::Diagnostics;

use crate::format::Looks;
use crate::per_host::PerHost;
use crate::site_plan::SitePlan;
use host_check::HostCheck;

/// All families, in the order in which what they find is most telling.
const FAMILIES: [fn(&mut HostCheck<'_, '_>); 8] = [
    paths::check,
    units::check,
    order::check,
    nobody::check,
    reach::check,
    accounts::check,
    format::check,
    secrets::check,
];

/// All families across hosts, in the order in which what they find is most telling. They run where all hosts have plans
/// and these are right each by itself: else nobody knows what is unused or what one host lacks of another.
const ACROSS: [fn(&SitePlan, &mut Diagnostics); 1] = [unused_templates];

/// What is wrong with the plans, seen together.
pub(crate) fn across(site: &SitePlan) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for family in ACROSS {
        family(site, &mut diagnostics);
    }
    diagnostics
}

fn unused_templates(site: &SitePlan, found: &mut Diagnostics) {
    found.extend(site.files().templates.unused());
}

/// All that is wrong with the plans, each by itself.
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
