//! What can be known of finished plans: one file per family of checks.
//!
//! A family is a function that looks at one host's plan and reports what it finds; to add one, write it and name it in
//! [`FAMILIES`]. What concerns one task alone is the business of its resource; what two tasks claim is the plan's.

mod accounts;
mod format;
mod order;
mod paths;
mod secrets;
mod source_place;

use paracrine_model::diagnostic::{Diagnostic, Diagnostics};
use paracrine_model::facet::Facets;
use paracrine_model::plan::Task;

use crate::format::Looks;
use crate::plans::PerHost;
use crate::site_plan::{HostView, SitePlan};

/// What a check of one host gets: the host, and where it reports to.
pub(crate) struct Host<'h, 'r> {
    pub(crate) view: HostView<'h>,
    pub(crate) looks: &'h Looks,
    /// What each task says about itself, asked once.
    facets: &'h [Facets<'h>],
    report: &'r mut dyn FnMut(Diagnostic),
}

impl<'h> Host<'h, '_> {
    /// Its tasks, in order.
    pub(crate) fn tasks(&self) -> &'h [Task] {
        self.view.tasks()
    }

    /// Its tasks, in order, with what they say about themselves.
    pub(crate) fn said(&self) -> impl Iterator<Item = (&'h Task, &'h Facets<'h>)> + use<'h> {
        self.view.tasks().iter().zip(self.facets)
    }

    /// Reports what was found.
    pub(crate) fn report(&mut self, found: Diagnostic) {
        (self.report)(found);
    }
}

/// All families, in the order in which what they find is most telling.
const FAMILIES: [fn(&mut Host<'_, '_>); 5] =
    [paths::check, order::check, accounts::check, format::check, secrets::check];

/// All that is wrong with the plans.
pub(crate) fn all(site: &SitePlan) -> Diagnostics {
    let mut found = PerHost::new(site.deployment());
    let looks = Looks::default();
    for view in site.hosts() {
        let mut report = |diagnostic| found.push(view.index(), diagnostic);
        let facets: Vec<_> = view.tasks().iter().map(|task| task.resource.facets()).collect();
        let mut host = Host { view, looks: &looks, facets: &facets, report: &mut report };
        for family in FAMILIES {
            family(&mut host);
        }
    }
    let mut diagnostics = Diagnostics::new();
    diagnostics.extend(found.finish());
    diagnostics
}
