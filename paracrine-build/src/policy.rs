//! Checks that a site makes of its own.

use paracrine_model::diagnostic::{Code, Diagnostic, Diagnostics, Severity};

use crate::site_plan::SitePlan;

/// A check over the plans of all hosts.
///
/// ```
/// use paracrine_build::model::diagnostic::{Code, Diagnostic, Diagnostics};
/// use paracrine_build::model::facet::Entry;
/// use paracrine_build::SitePlan;
///
/// fn no_world_writable_file(site: &SitePlan, found: &mut Diagnostics) {
///     for task in site.hosts().flat_map(|host| host.tasks()) {
///         for (path, entry) in task.resource.facets().entries() {
///             if let Entry::File(mode) = entry
///                 && mode.bits() & 0o002 != 0
///             {
///                 let message = format!("`{path}` is world-writable");
///                 found.push(Diagnostic::error(Code::POLICY, message).at(task.place(), "declared here"));
///             }
///         }
///     }
/// }
/// ```
pub type Policy = fn(&SitePlan, &mut Diagnostics);

/// All policies of a site.
#[derive(Default)]
pub(crate) struct Policies(Vec<(&'static str, Severity, Policy)>);

impl Policies {
    pub(crate) fn deny(&mut self, name: &'static str, policy: Policy) {
        self.0.push((name, Severity::Error, policy));
    }

    pub(crate) fn warn(&mut self, name: &'static str, policy: Policy) {
        self.0.push((name, Severity::Warning, policy));
    }

    /// What they find.
    pub(crate) fn all(&self, site: &SitePlan) -> Diagnostics {
        let mut all = Diagnostics::new();
        let _quiet = crate::panic::quietly();
        for (name, severity, policy) in &self.0 {
            let mut found = Diagnostics::new();
            if let Err(caught) = crate::panic::catch(|| policy(site, &mut found)) {
                let said = caught.message.lines().next().unwrap_or_default().trim_end_matches('.').to_owned();
                let panicked =
                    Diagnostic::error(Code::ROLE_PANIC, format!("policy `{name}` panicked: {said}"));
                all.push(match caught.place {
                    Some(place) => panicked.at(place, "panicked here"),
                    None => panicked,
                });
                continue;
            }
            for mut diagnostic in found {
                diagnostic.severity = *severity;
                all.push(diagnostic.help(format!("policy of this site: {name}")));
            }
        }
        all
    }
}
