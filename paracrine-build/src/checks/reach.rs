//! What a task says that it may change, though a task before it has just made it what it should be.

use std::collections::HashMap;

use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::facet::{Entry, Reach};
use paracrine_model::plan::Task;

use super::host_check::HostCheck;

/// Only of what comes before: what comes after makes it what it should be again. Nor of directories, in which it may change
/// other things than itself.
pub(super) fn check(host: &mut HostCheck<'_, '_>) {
    let mut decided: HashMap<&str, &Task> = HashMap::new();
    for (task, facets) in host.said() {
        if let Reach::Paths(paths) = &facets.reach {
            for path in paths {
                if let Some(other) = decided.get(path.as_str()) {
                    host.report(undoes(task, path.as_str(), other));
                }
            }
        }
        let entries = facets.entries().filter(|(_, entry)| !matches!(entry, Entry::Directory(_)));
        decided.extend(entries.map(|(path, _)| (path.as_str(), task)));
    }
}

fn undoes(task: &Task, path: &str, other: &Task) -> Diagnostic {
    let message =
        format!("{} says that it may change `{path}`, which {} decides about", task.resource, other.resource);
    Diagnostic::warning(Code::CHANGES_DECIDED, message)
        .at(task.place(), "may change it afterwards")
        .related(other.place(), "decided here")
        .help("an apply fails when it finds at its end that this was undone")
        .help("let only one of them decide what is there, or declare the other one after it")
}
