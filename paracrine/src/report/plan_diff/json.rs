//! What changes between the plans of two builds, for programs. [`crate::json_output`] says what is in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use similar::{DiffTag, TextDiff};

use super::{Plans, host_key, tasks, title};

/// An object for each host whose plan differs, in the order in which people see them.
pub(crate) fn diff(old: &Plans, new: &Plans) -> Vec<Value> {
    let keys = |plans: &Plans| -> BTreeMap<_, _> {
        plans.iter().enumerate().map(|(at, plan)| (host_key(plan), at)).collect()
    };
    let (were, are) = (keys(old), keys(new));
    let mut hosts: Vec<Value> = new
        .iter()
        .filter_map(|plan| match were.get(&host_key(plan)).and_then(|at| old.get(*at)) {
            None => Some(host("new", &Value::Null, plan)),
            Some(before) => Some(host("changed", before, plan)).filter(differs),
        })
        .collect();
    hosts.extend(
        old.iter()
            .filter(|plan| !are.contains_key(&host_key(plan)))
            .map(|plan| host("gone", plan, &Value::Null)),
    );
    hosts
}

fn differs(host: &Value) -> bool {
    host["tasks"].as_array().is_some_and(|tasks| !tasks.is_empty())
        || host["roles"]["before"] != host["roles"]["after"]
}

fn host(change: &str, before: &Value, after: &Value) -> Value {
    let one = if after.is_null() { before } else { after };
    json!({
        "environment": one["environment"],
        "host": one["host"],
        "change": change,
        "roles": { "before": before["roles"], "after": after["roles"] },
        "tasks": changes(tasks(before), tasks(after)),
    })
}

/// Tasks that leave, come or change, in the order of the new plan; those that leave where they were.
fn changes(before: &[Value], after: &[Value]) -> Vec<Value> {
    let titles = |tasks: &[Value]| tasks.iter().map(title).collect::<Vec<_>>();
    let (were, are) = (titles(before), titles(after));
    let place: BTreeMap<&str, &Value> = were.iter().map(String::as_str).zip(before).collect();
    let stays: BTreeSet<&str> = are.iter().map(String::as_str).collect();
    let order = TextDiff::configure().diff_slices(
        &were.iter().map(String::as_str).collect::<Vec<_>>(),
        &are.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let mut changes = Vec::new();
    for op in order.ops() {
        for at in op.old_range().filter(|at| !stays.contains(were[*at].as_str())) {
            changes.push(change("leaves", false, &before[at], &Value::Null));
        }
        for at in op.new_range() {
            match place.get(are[at].as_str()) {
                None => changes.push(change("comes", false, &Value::Null, &after[at])),
                Some(was) => {
                    let moved = op.tag() != DiffTag::Equal;
                    if moved || essence(was, &were) != essence(&after[at], &are) {
                        changes.push(change("changes", moved, was, &after[at]));
                    }
                }
            }
        }
    }
    changes
}

fn change(change: &str, moved: bool, before: &Value, after: &Value) -> Value {
    let one = if after.is_null() { before } else { after };
    json!({
        "change": change,
        "kind": one["kind"],
        "name": one["name"],
        "moved": moved,
        "before": before,
        "after": after,
    })
}

/// What counts of a task: not where it is declared; and triggers by what they wait for, not by its place.
fn essence(task: &Value, titles: &[String]) -> Value {
    let triggers = task["triggers"].as_array().map(Vec::as_slice).unwrap_or_default().iter().map(|trigger| {
        let on = trigger["on"].as_u64().and_then(|at| titles.get(usize::try_from(at).ok()?));
        json!([trigger["action"], on])
    });
    json!([task["attributes"], task["content"], triggers.collect::<Vec<_>>()])
}
