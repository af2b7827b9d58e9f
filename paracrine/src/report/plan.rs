//! Plans as text and as JSON, without any host.
//!
//! [`crate::json_output`] says what is in the JSON; a change here is a change there.

use std::collections::BTreeSet;

use paracrine_model::artifact::{Artifact, Host};
use paracrine_model::content::Content;
use paracrine_model::plan::{HostPlan, Task, ValueUse};
use paracrine_model::secret::SecretSource;
use serde_json::{Value, json};

use super::escape;
use super::style::{DIM, STRONG, count, paint};

/// A host's plan, and where it comes from.
pub(crate) struct HostPlanOf<'a> {
    /// The compiled site.
    pub artifact: &'a Artifact<'static>,
    /// The host.
    pub host: &'a Host,
    /// Its plan.
    pub plan: &'a HostPlan,
    /// For each task the values that it was made from.
    pub values: &'a [Vec<&'a ValueUse>],
}

/// For people; with the contents of files where `contents`.
pub(crate) fn text(of: &HostPlanOf<'_>, contents: bool) -> String {
    let mut shown = format!(
        "{} {}\n",
        paint(STRONG, &of.host.address.name),
        paint(DIM, format_args!("({}, {})", of.host.environment, count(of.plan.tasks.len(), "task")))
    );
    for task in &of.plan.tasks {
        let resource = &task.resource;
        let source =
            task.source.iter().map(|source| format!(", from {}", escape::line(source))).collect::<String>();
        shown += &format!(
            "  {} {}  {}\n",
            resource.kind(),
            paint(STRONG, escape::line(resource.name())),
            paint(DIM, format_args!("({}:{}{source})", escape::line(&task.origin.file), task.origin.line))
        );
        shown += &attributes(resource.attributes());
        for trigger in &task.triggers {
            let on = usize::try_from(trigger.on).ok().and_then(|on| of.plan.tasks.get(on));
            let on = on.map_or_else(|| "?".to_owned(), |on| escape::line(&on.resource.to_string()));
            shown += &format!("      {} when {on} changes\n", trigger.action);
        }
        if contents && let Some(content) = content(of.artifact, task) {
            for line in content.lines() {
                shown += &format!("      {} {}\n", paint(DIM, "│"), escape::lines(line));
            }
        }
    }
    shown
}

/// For programs.
pub(crate) fn json(of: &HostPlanOf<'_>) -> Value {
    let task = |(place, task): (usize, &Task)| {
        let values = of.values.get(place).map(Vec::as_slice).unwrap_or_default();
        json!({
            "kind": task.resource.kind(),
            "name": task.resource.name(),
            "attributes": task.resource.attributes().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect::<serde_json::Map<_, _>>(),
            "triggers": task.triggers.iter().map(|trigger| json!({ "action": trigger.action.to_string(), "on": trigger.on })).collect::<Vec<_>>(),
            "secrets": secrets(task).map(|source| source.name.as_str()).collect::<BTreeSet<_>>(),
            "file": task.origin.file,
            "line": task.origin.line,
            "column": task.origin.column,
            "source": task.source,
            "values": values.iter().map(|value| json_of_value(value)).collect::<Vec<_>>(),
            "content": content(of.artifact, task),
        })
    };
    json!({
        "site": of.artifact.index.site,
        "commit": of.artifact.index.commit,
        "environment": of.host.environment,
        "host": of.host.address.name,
        "roles": of.host.roles,
        "arch": of.host.address.arch.name(),
        "tasks": of.plan.tasks.iter().enumerate().map(task).collect::<Vec<_>>(),
    })
}

fn json_of_value(value: &ValueUse) -> Value {
    json!({
        "written": value.written,
        "key": value.key,
        "value": value.shown,
        "around": value.around,
        "file": value.file,
        "line": value.line,
        "column": value.column,
    })
}

/// The secrets in a task, each time they occur.
pub(crate) fn secrets(task: &Task) -> impl Iterator<Item = &SecretSource> {
    task.resource.texts().into_iter().flat_map(|text| text.sources())
}

/// Attributes on one line; those of several lines below it.
pub(crate) fn attributes<'a>(attributes: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let (long, short): (Vec<_>, Vec<_>) =
        attributes.into_iter().partition(|(_, value)| value.trim_end().contains('\n'));
    let short: Vec<_> =
        short.iter().map(|(name, value)| format!("{name} {}", escape::line(value.trim_end()))).collect();
    let mut shown = if short.is_empty() { String::new() } else { format!("      {}\n", short.join("; ")) };
    for (name, value) in long {
        shown += &format!("      {name} {}\n", multiline(&value));
    }
    shown
}

/// A value on one line, or its further lines below it.
pub(crate) fn multiline(value: &str) -> String {
    let mut lines = value.trim_end().lines().map(escape::lines);
    let first = lines.next().unwrap_or_default();
    lines.fold(first, |shown, line| format!("{shown}\n        {line}"))
}

/// The text that a task's file should have, secrets by name.
pub(crate) fn content(artifact: &Artifact<'static>, task: &Task) -> Option<String> {
    match task.resource.content()? {
        Content::Late(text) => Some(text.to_string()),
        Content::Blob { hash, .. } => std::str::from_utf8(artifact.blob(hash)?).ok().map(str::to_owned),
    }
}
