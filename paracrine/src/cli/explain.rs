//! `explain`: why a task is in a host's plan.

use std::collections::BTreeSet;

use paracrine_model::artifact::Host;
use paracrine_model::facet::Claim;
use paracrine_model::plan::{HostPlan, Task, ValueUse};

use super::args::Explain;
use super::problem::Problem;
use super::select;
use crate::report::plan::{content, multiline, secrets};
use crate::report::{DIM, STRONG, escaped_line, escaped_lines, paint};
use crate::site::Site;

/// `explain`
pub(super) fn explain(site: &Site, options: &Explain) -> Result<String, Problem> {
    let environment = select::environment(site.index(), Some(&options.environment))?;
    let host = select::hosts(site.index(), environment, std::slice::from_ref(&options.host))?;
    let [host] = host.as_slice() else {
        return Err(
            Problem::new(format!("`{}` stands for several hosts", options.host)).help("name one host")
        );
    };
    let plan = site.artifact.plan(host)?;
    let found: Vec<_> =
        plan.tasks.iter().enumerate().filter(|(_, task)| is_meant(task, options.what.trim())).collect();
    if found.is_empty() {
        return Err(not_there(&plan, host, &options.what));
    }
    let values = site.artifact.values(host)?;
    let told: Vec<_> = found
        .into_iter()
        .map(|(place, _)| tell(site, host, &plan, place, values.get(place).map_or(&[], Vec::as_slice)))
        .collect();
    Ok(told.join("\n"))
}

/// Whether the task is called so: by its name, with its kind, or by the path that it decides about.
fn is_meant(task: &Task, what: &str) -> bool {
    let by_path = task.resource.facets().claims.contains(&Claim::Path(what));
    by_path || task.resource.name() == what || task.resource.to_string() == what
}

fn not_there(plan: &HostPlan, host: &Host, what: &str) -> Problem {
    let problem = Problem::new(format!("the plan of `{}` has no task `{what}`", host.address.name));
    let part: Vec<_> =
        plan.tasks.iter().map(|task| task.resource.to_string()).filter(|name| name.contains(what)).collect();
    match part.as_slice() {
        [] => {
            let names: BTreeSet<_> = plan.tasks.iter().map(|task| task.resource.name()).collect();
            let near = paracrine_model::diagnostic::nearest(what, names);
            match near {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem
                    .help(format!("`plan {} --host {}` shows all", host.environment, host.address.name)),
            }
        }
        some => {
            let some: Vec<_> = some.iter().take(5).map(|name| format!("`{name}`")).collect();
            problem.help(format!("did you mean {}?", some.join(" or ")))
        }
    }
}

fn tell(site: &Site, host: &Host, plan: &HostPlan, place: usize, values: &[&ValueUse]) -> String {
    let Some(task) = plan.tasks.get(place) else {
        return String::new();
    };
    let mut told = format!(
        "{} {}  {}\n",
        task.resource.kind(),
        paint(STRONG, escaped_line(task.resource.name())),
        paint(DIM, format_args!("(task {} of {})", place + 1, plan.tasks.len()))
    );
    let roles = if host.roles.is_empty() { "no role".to_owned() } else { host.roles.join(", ") };
    told += &format!("  host      {} of {} ({roles})\n", host.address.name, host.environment);
    told += &format!("  declared  {}\n", escaped_line(&task.origin.to_string()));
    if let Some(source) = &task.source {
        told += &format!("  from      {}\n", escaped_line(source));
    }
    for (name, value) in task.resource.attributes() {
        told += &format!("  {name:8}  {}\n", multiline(&value));
    }
    let used: BTreeSet<_> = secrets(task).collect();
    told += &values_told(values.iter().filter(|value| !used.iter().any(|secret| secret.name == value.key)));
    for secret in used {
        let value = values.iter().find(|value| value.key == secret.name);
        told += &format!(
            "  secret    {} ({}){}\n",
            secret.name,
            escaped_line(&secret.provider.to_string()),
            value.map(|value| defined_at(value)).unwrap_or_default()
        );
    }
    for trigger in &task.triggers {
        if let Some(on) = usize::try_from(trigger.on).ok().and_then(|on| plan.tasks.get(on)) {
            told += &format!(
                "  {:8}  when {} changes\n",
                trigger.action.to_string(),
                escaped_line(&on.resource.to_string())
            );
        }
    }
    for other in &plan.tasks {
        for trigger in other.triggers.iter().filter(|trigger| usize::try_from(trigger.on) == Ok(place)) {
            told += &format!(
                "  triggers  {} of {}  {}\n",
                trigger.action,
                escaped_line(&other.resource.to_string()),
                paint(DIM, format_args!("({}:{})", escaped_line(&other.origin.file), other.origin.line))
            );
        }
    }
    for line in content(&site.artifact, task).iter().flat_map(|content| content.lines()) {
        told += &format!("  {} {}\n", paint(DIM, "│"), escaped_lines(line));
    }
    told
}

/// `value     cx.env.app_host = app.example.org  config.yaml:14:5`; `because` for what stands around the declaration.
fn values_told<'v>(values: impl Iterator<Item = &'v &'v ValueUse>) -> String {
    let line = |value: &&ValueUse| {
        format!(
            "  {}  {} = {}{}\n",
            if value.around { "because " } else { "value   " },
            escaped_line(value.written.as_deref().unwrap_or(&value.key)),
            escaped_line(&value.shown),
            defined_at(value)
        )
    };
    values.map(line).collect()
}

/// Where a value is defined, behind it: `  config.yaml:14:5`.
fn defined_at(value: &ValueUse) -> String {
    format!("  {}", paint(DIM, escaped_line(&value.place())))
}
