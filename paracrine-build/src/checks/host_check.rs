//! What every check gets.

use paracrine_model::diagnostic::Diagnostic;
use paracrine_model::facet::Facets;
use paracrine_model::plan::Task;

use crate::format::Looks;
use crate::site_plan::HostView;

/// What a check of one host gets: the host, and where it reports to.
pub(super) struct HostCheck<'h, 'r> {
    pub(super) view: HostView<'h>,
    pub(super) looks: &'h Looks,
    /// What each task says about itself, asked once.
    pub(super) facets: &'h [Facets<'h>],
    pub(super) report: &'r mut dyn FnMut(Diagnostic),
}

impl<'h> HostCheck<'h, '_> {
    /// Its tasks, in order.
    pub(super) fn tasks(&self) -> &'h [Task] {
        self.view.tasks()
    }

    /// Its tasks, in order, with what they say about themselves.
    pub(super) fn said(&self) -> impl Iterator<Item = (&'h Task, &'h Facets<'h>)> + use<'h> {
        self.view.tasks().iter().zip(self.facets)
    }

    /// Reports what was found.
    pub(super) fn report(&mut self, found: Diagnostic) {
        (self.report)(found);
    }
}
