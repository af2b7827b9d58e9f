//! `secrets`: which host and task sees which secret.

use std::collections::BTreeMap;

use super::args::Secrets;
use super::problem::Problem;
use super::select;
use crate::report::plan::secrets as secrets_of;
use crate::report::{DIM, STRONG, escaped_line, paint};
use crate::site::Site;

/// `secrets`
pub(super) fn secrets(site: &Site, options: &Secrets) -> Result<String, Problem> {
    let mut seen: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for host in
        select::picked(site.index(), options.selection.environment.as_deref(), &options.selection.limit)?
    {
        let plan = site.artifact.plan(host)?;
        let values = site.artifact.values(host)?;
        for (task, values) in plan.tasks.iter().zip(&values) {
            let line = format!(
                "  {}  {}  {}\n",
                host.address.name,
                escaped_line(&task.resource.to_string()),
                paint(DIM, format_args!("({}:{})", escaped_line(&task.origin.file), task.origin.line))
            );
            for source in secrets_of(task) {
                let secret = (
                    host.environment.clone(),
                    source.name.clone(),
                    source.provider.to_string(),
                    // The variables of hosts may have one of the same name each.
                    values.iter().find(|value| value.key == source.name).map(|value| value.place()),
                );
                let lines = seen.entry(secret).or_default();
                // A secret that stands twice in one task.
                if lines.last() != Some(&line) {
                    lines.push(line.clone());
                }
            }
        }
    }
    let mut shown = String::new();
    for ((environment, name, provider, defined), lines) in seen {
        let defined = defined.map(|defined| format!("  {}", paint(DIM, escaped_line(&defined))));
        shown += &format!(
            "{} {}  {}{}\n{}",
            environment,
            paint(STRONG, name),
            paint(DIM, escaped_line(&provider)),
            defined.unwrap_or_default(),
            lines.concat()
        );
    }
    if shown.is_empty() {
        shown = "no host uses a secret\n".to_owned();
    }
    Ok(shown)
}
