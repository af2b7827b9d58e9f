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
use paracrine_model::plan::Task;
use paracrine_model::resource::Resource;

use crate::{HostView, SitePlan, place};

/// No file or directory that everybody may write to; a sticky directory (like `/tmp`) is none.
pub fn no_world_writable_file(site: &SitePlan, found: &mut Diagnostics) {
    for task in site.hosts().flat_map(|host| host.tasks()) {
        let mode = match &task.resource {
            Resource::File(file) => file.mode,
            Resource::Directory(directory) if directory.mode.bits() & 0o1000 == 0 => directory.mode,
            _ => continue,
        };
        if mode.bits() & 0o002 != 0 {
            let message = format!("{} has mode {mode}: everybody may write to it", task.resource);
            found.push(Diagnostic::error(Code::POLICY, message).at(place(task), "declared here"));
        }
    }
}

/// Every service unit that a plan declares says `Restart=` with `on-failure` or more; a `oneshot` need not.
pub fn every_service_restarts_on_failure(site: &SitePlan, found: &mut Diagnostics) {
    for host in site.hosts() {
        for task in host.tasks() {
            if let Some(name) = lacks_restart(&host, task) {
                let message = format!("unit `{name}` does not restart when it fails");
                let diagnostic = Diagnostic::error(Code::POLICY, message).at(place(task), "declared here");
                found.push(diagnostic.help("add `Restart=on-failure` to its `[Service]`"));
            }
        }
    }
}

/// The service's name, if the last word of its unit on restarts is not that it does.
fn lacks_restart<'t>(host: &HostView<'_>, task: &'t Task) -> Option<&'t str> {
    let Resource::Unit(unit) = &task.resource else { return None };
    let name = unit.unit.as_str();
    if !name.ends_with(".service") {
        return None;
    }
    let text = host.text(&unit.content)?;
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
