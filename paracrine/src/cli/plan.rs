//! `plan`: the compiled plans.

use super::args::{Format, Plan};
use super::problem::Problem;
use super::select;
use crate::report::escaped_json;
use crate::report::plan::{HostPlanOf, json, text};
use crate::site::Site;

/// `plan`
pub(super) fn plan(site: &Site, options: &Plan, verbose: bool) -> Result<String, Problem> {
    let limit: Vec<String> = options.selection.limit.iter().chain(&options.host).cloned().collect();
    let mut shown = String::new();
    for host in select::picked(site.index(), options.selection.environment.as_deref(), &limit)? {
        let plan = site.artifact.plan(host)?;
        let values = match options.format {
            Format::Text => Vec::new(),
            Format::Json => site.artifact.values(host)?,
        };
        let of = HostPlanOf { artifact: &site.artifact, host, plan: &plan, values: &values };
        shown += &match options.format {
            Format::Text => text(&of, verbose),
            Format::Json => format!("{}\n", escaped_json(&json(&of))),
        };
    }
    Ok(shown)
}
