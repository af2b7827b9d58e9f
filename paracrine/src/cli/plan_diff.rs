//! `plan diff`: what changes from another build's plans to this one's. The other binary is asked for its plans.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::args::{Format, PlanDiff};
use super::problem::Problem;
use super::select;
use crate::report::escaped_json;
use crate::report::plan::{HostPlanOf, json};
use crate::report::plan_diff::json::diff as diff_json;
use crate::report::plan_diff::{Plans, diff};
use crate::site::Site;

/// `plan diff`
pub(super) fn plan_diff(site: &Site, options: &PlanDiff, verbose: bool) -> Result<String, Problem> {
    let named = select::optional_environment(site.index(), options.environment.as_deref());
    let other = ask(&options.other)?;
    let own_site = site.index().site.as_str();
    if let Some(stranger) =
        other.iter().find_map(|plan| plan["site"].as_str().filter(|name| *name != own_site))
    {
        let message =
            format!("`{}` is of the site `{stranger}`, this is `{own_site}`", options.other.display());
        return Err(Problem::new(message).help("name another build of this site"));
    }
    // An environment may be new, or gone.
    if let (Err(problem), Some(name)) = (&named, &options.environment)
        && !other.iter().any(|plan| plan["environment"] == name.as_str())
    {
        return Err(problem.clone());
    }
    let mut own = Vec::new();
    for host in select::picked(site.index(), None, &[])? {
        let plan = site.artifact.plan(host)?;
        own.push(json(&HostPlanOf { artifact: &site.artifact, host, plan: &plan, values: &[] }));
    }
    let environment = match &options.environment {
        // Names of hosts mean something only within one environment.
        None if !options.limit.is_empty() => Some(select::environment(site.index(), None)?),
        named => named.as_deref(),
    };
    let of_environment = |plan: &Value| environment.is_none_or(|name| plan["environment"] == name);
    let (other, own): (Vec<_>, Vec<_>) = (
        other.into_iter().filter(of_environment).collect(),
        own.into_iter().filter(of_environment).collect(),
    );
    if let Some(environment) = environment {
        for word in &options.limit {
            if !other.iter().chain(&own).any(|plan| is_meant(word, plan)) {
                select::hosts(site.index(), environment, std::slice::from_ref(word))?;
            }
        }
    }
    let limited =
        |plan: &Value| options.limit.is_empty() || options.limit.iter().any(|word| is_meant(word, plan));
    let keep = |plans: Vec<Value>| -> Plans { plans.into_iter().filter(limited).collect() };
    let (other, own) = (keep(other), keep(own));
    Ok(match options.format {
        Format::Text => diff(&other, &own, verbose),
        Format::Json => {
            diff_json(&other, &own).iter().map(|host| format!("{}\n", escaped_json(host))).collect()
        }
    })
}

/// Whether a word of `--limit` means the host of this plan.
fn is_meant(word: &str, plan: &Value) -> bool {
    let roles = plan["roles"].as_array().into_iter().flatten().filter_map(Value::as_str);
    select::is_meant(word.trim(), plan["host"].as_str().unwrap_or_default(), roles)
}

/// The other binary's plans.
fn ask(other: &Path) -> Result<Vec<Value>, Problem> {
    let shown = other.display();
    // A name without a slash is a file here, not a program on the search path.
    let path = std::path::absolute(other)
        .map_err(|error| Problem::new(format!("`{shown}` cannot be found: {error}")))?;
    let output = Command::new(path)
        .args(["plan", "--format", "json", "--color", "never"])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| {
            Problem::new(format!("`{shown}` cannot be run: {error}")).help("name another build's binary")
        })?;
    if !output.status.success() {
        let problem = Problem::new(format!("`{shown}` does not tell its plans"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(said.lines().take(5).fold(problem, |problem, line| problem.detail(line)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(|_| {
        Problem::new(format!("`{shown}` tells something that is no plan")).help("name another build's binary")
    })
}
