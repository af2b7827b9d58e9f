//! What changes between the plans of two builds; both as [`super::plan::json`] has them.

pub(crate) mod json;

use std::collections::{BTreeMap, BTreeSet};

use paracrine_model::protocol::OldContent;
use serde_json::Value;
use similar::{DiffTag, TextDiff};

use super::diff::diff as content_diff;
use super::style::{ADD, CHANGE, DIM, REMOVE, STRONG, count, paint};
use super::task::{MOST_LINES, MOST_NEW_LINES, content as drawn, is_idle, most};
use super::{escape, plan};
use crate::event::NewContent;

/// Plans of hosts.
pub(crate) type Plans = Vec<Value>;

/// From `old` to `new`, host by host.
pub(crate) fn diff(old: &Plans, new: &Plans, verbose: bool) -> String {
    let mut shown = String::new();
    let by_host = |plans: &Plans| -> BTreeMap<_, _> {
        plans.iter().enumerate().map(|(at, plan)| (host_key(plan), at)).collect()
    };
    let (were, are) = (by_host(old), by_host(new));
    for plan in new {
        let key = host_key(plan);
        let what = match were.get(&key).and_then(|at| old.get(*at)) {
            None => format!("  {} the host is new, {}\n", paint(ADD, "+"), count(tasks(plan).len(), "task")),
            Some(before) => host(before, plan, verbose),
        };
        shown += &headed(&key, &what);
    }
    for plan in old {
        let key = host_key(plan);
        if !are.contains_key(&key) {
            let what = format!("  {} the host is gone; nothing on it is touched\n", paint(REMOVE, "-"));
            shown += &headed(&key, &what);
        }
    }
    if shown.is_empty() { "no plan differs\n".to_owned() } else { shown }
}

fn headed((environment, host): &(String, String), what: &str) -> String {
    if what.is_empty() {
        return String::new();
    }
    format!(
        "{} {}\n{what}",
        paint(STRONG, escape::line(host)),
        paint(DIM, format_args!("({})", escape::line(environment)))
    )
}

fn host_key(plan: &Value) -> (String, String) {
    (word(&plan["environment"]), word(&plan["host"]))
}

fn tasks(plan: &Value) -> &[Value] {
    plan["tasks"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A text of JSON; empty for anything else.
fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// `file /etc/motd`: what a task is called in both builds.
fn title(task: &Value) -> String {
    format!("{} {}", word(&task["kind"]), word(&task["name"]))
}

fn host(old: &Value, new: &Value, verbose: bool) -> String {
    let titles = |plan: &Value| tasks(plan).iter().map(title).collect::<Vec<_>>();
    let (before, after) = (titles(old), titles(new));
    let place: BTreeMap<&str, usize> =
        before.iter().enumerate().map(|(at, title)| (title.as_str(), at)).collect();
    let is_new = |title: &str| !place.contains_key(title);
    let after_names: BTreeSet<&str> = after.iter().map(String::as_str).collect();
    let mut shown = String::new();
    let order = TextDiff::configure().diff_slices(
        &before.iter().map(String::as_str).collect::<Vec<_>>(),
        &after.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    for op in order.ops() {
        for at in op.old_range().filter(|at| !after_names.contains(before[*at].as_str())) {
            if let Some(task) = tasks(old).get(at) {
                shown += &line(&paint(REMOVE, "-"), task);
                shown +=
                    &format!("      {}\n", paint(DIM, "leaves the plan; what is on the host stays as it is"));
            }
        }
        for at in op.new_range() {
            let Some(task) = tasks(new).get(at) else { continue };
            if is_new(&after[at]) {
                shown += &line(&paint(ADD, "+"), task);
                shown += &declared(task, verbose);
                continue;
            }
            let Some(was) = place.get(after[at].as_str()).and_then(|at| tasks(old).get(*at)) else {
                continue;
            };
            let mut changes = task_changes(old, was, new, task, verbose);
            if op.tag() != DiffTag::Equal {
                let after_what = match at.checked_sub(1) {
                    None => "is first now".to_owned(),
                    Some(before) => format!("comes after {} now", escape::line(&after[before])),
                };
                changes.insert_str(0, &format!("      {after_what}\n"));
            }
            if !changes.is_empty() {
                shown += &line(&paint(CHANGE, "~"), task);
                shown += &changes;
            }
        }
    }
    let (roles_before, roles_after) = (&old["roles"], &new["roles"]);
    if roles_before != roles_after {
        shown.insert_str(
            0,
            &format!("  {} roles {} → {}\n", paint(CHANGE, "~"), list(roles_before), list(roles_after)),
        );
    }
    shown
}

fn list(value: &Value) -> String {
    let words: Vec<_> = value.as_array().map(|words| words.iter().map(word).collect()).unwrap_or_default();
    if words.is_empty() { "(none)".to_owned() } else { escape::line(&words.join(", ")) }
}

fn line(sign: &str, task: &Value) -> String {
    format!(
        "  {sign} {} {}  {}\n",
        escape::line(&word(&task["kind"])),
        paint(STRONG, escape::line(&word(&task["name"]))),
        paint(DIM, format_args!("({}:{})", escape::line(&word(&task["file"])), task["line"]))
    )
}

fn attributes(task: &Value) -> BTreeMap<&str, String> {
    let attributes = task["attributes"].as_object();
    attributes.into_iter().flatten().map(|(name, value)| (name.as_str(), word(value))).collect()
}

/// A new task's attributes, and what will be in its file.
fn declared(task: &Value, verbose: bool) -> String {
    let content = task["content"].as_str();
    let idle = |name: &str, value: &str| is_idle(name, value) || (name == "content" && content.is_some());
    let mut shown = plan::attributes(attributes(task).into_iter().filter(|(name, value)| !idle(name, value)));
    if let Some(content) = content {
        let new = NewContent::Text(content.to_owned());
        shown += &drawn(&content_diff(&OldContent::None, Some(&new)), most(verbose, MOST_NEW_LINES));
    }
    shown
}

fn task_changes(old_plan: &Value, old: &Value, new_plan: &Value, new: &Value, verbose: bool) -> String {
    let (before, after) = (attributes(old), attributes(new));
    let mut shown = String::new();
    let contents = (old["content"].as_str(), new["content"].as_str());
    for (name, now) in &after {
        let was = before.get(name);
        // The content tells more than its hash.
        if was == Some(now) || (*name == "content" && matches!(contents, (Some(a), Some(b)) if a != b)) {
            continue;
        }
        let name = escape::line(name);
        shown += &match was {
            Some(was) if was.contains('\n') || now.contains('\n') => {
                format!("      {name}\n{}", lines(was, now, verbose))
            }
            Some(was) => format!("      {name} {} → {}\n", escape::line(was), escape::line(now)),
            None => format!("      {name} {}\n", plan::multiline(now)),
        };
    }
    for (name, was) in before.iter().filter(|(name, _)| !after.contains_key(*name)) {
        shown += &format!("      {} {} → (nothing)\n", escape::line(name), escape::line(was));
    }
    if let (Some(was), Some(now)) = contents
        && was != now
    {
        shown += &lines(was, now, verbose);
    }
    let (was, now) = (triggers(old_plan, old), triggers(new_plan, new));
    for gone in was.iter().filter(|trigger| !now.contains(trigger)) {
        shown += &format!("      no longer: {}\n", escape::line(gone));
    }
    for come in now.iter().filter(|trigger| !was.contains(trigger)) {
        shown += &format!("      {}\n", escape::line(come));
    }
    shown
}

fn lines(was: &str, now: &str, verbose: bool) -> String {
    drawn(
        &content_diff(&OldContent::Text(was.to_owned()), Some(&NewContent::Text(now.to_owned()))),
        most(verbose, MOST_LINES),
    )
}

/// `restart when file /etc/app.conf changes`
fn triggers(plan: &Value, task: &Value) -> Vec<String> {
    let triggers = task["triggers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let on = |trigger: &Value| {
        let at = usize::try_from(trigger["on"].as_u64()?).ok()?;
        Some(title(tasks(plan).get(at)?))
    };
    triggers
        .iter()
        .map(|trigger| {
            format!("{} when {} changes", word(&trigger["action"]), on(trigger).unwrap_or_default())
        })
        .collect()
}
