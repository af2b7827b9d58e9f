//! Policies that many sites want, and models for those that only yours wants: ordinary functions over the whole plan.
//!
//! ```no_run
//! # use paracrine_build::{Compile, SiteContext, policies, prelude::Plan};
//! # fn build<C: SiteContext>(site: fn(&C, &Plan)) {
//! Compile::new(site)
//!     .deny("no world-writable file", policies::no_world_writable_file)
//!     .warn("every service restarts on failure", policies::every_service_restarts_on_failure)
//!     .run();
//! # }
//! ```

use paracrine_model::diagnostic::{Code, Diagnostic, Diagnostics};
use paracrine_model::facet::{Entry, Provided};
use paracrine_model::plan::Task;

use crate::site_plan::{HostView, SitePlan};

/// No file or directory that everybody may write to; a sticky directory (like `/tmp`) is none.
pub fn no_world_writable_file(site: &SitePlan, found: &mut Diagnostics) {
    for task in site.hosts().flat_map(|host| host.tasks()) {
        let mode = task.resource.facets().entries().find_map(|(_, entry)| match entry {
            Entry::File(mode) => Some(mode),
            Entry::Directory(mode) => Some(mode).filter(|mode| mode.bits() & 0o1000 == 0),
            Entry::Link(_) | Entry::Nothing => None,
        });
        if let Some(mode) = mode.filter(|mode| mode.bits() & 0o002 != 0) {
            let message = format!("{} has mode {mode}: everybody may write to it", task.resource);
            found.push(Diagnostic::error(Code::POLICY, message).at(task.place(), "declared here"));
        }
    }
}

/// Every service unit that a plan declares says `Restart=` with `on-failure` or more; a `oneshot` need not.
pub fn every_service_restarts_on_failure(site: &SitePlan, found: &mut Diagnostics) {
    for host in site.hosts() {
        for task in host.tasks() {
            if let Some(name) = lacks_restart(&host, task) {
                let message = format!("unit `{name}` does not restart when it fails");
                let diagnostic = Diagnostic::error(Code::POLICY, message).at(task.place(), "declared here");
                found.push(diagnostic.help("add `Restart=on-failure` to its `[Service]`"));
            }
        }
    }
}

/// The service's name, if the last word of its unit on restarts is not that it does.
fn lacks_restart<'t>(host: &HostView<'_>, task: &'t Task) -> Option<&'t str> {
    let facets = task.resource.facets();
    let name = facets.provides.iter().find_map(|provided| match provided {
        Provided::Unit(name) if name.ends_with(".service") => Some(*name),
        _ => None,
    })?;
    let text = host.text(facets.files().next()?.content())?;
    let says = |key: &str| {
        let value = |line: &'_ str| {
            let value = line.trim().strip_prefix(key)?.trim_start().strip_prefix('=')?;
            Some(value.trim().to_owned())
        };
        text.lines().rev().find_map(value)
    };
    let restarts = matches!(says("Restart").as_deref(), Some("on-failure" | "always" | "on-abnormal"));
    (!restarts && says("Type").as_deref() != Some("oneshot")).then_some(name)
}
