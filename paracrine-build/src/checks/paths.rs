//! Paths that cannot both be: one below another that is no directory.

use std::collections::HashMap;

use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::facet::Entry;
use paracrine_model::name::AbsolutePath;
use paracrine_model::plan::Task;

use super::host_check::HostCheck;

pub(super) fn check(host: &mut HostCheck<'_, '_>) {
    let entries: Vec<(&Task, &AbsolutePath, Entry)> = host
        .said()
        .flat_map(|(task, facets)| facets.entries().map(move |(path, entry)| (task, path, entry)))
        .collect();
    let by_path: HashMap<&str, (&Task, Entry)> =
        entries.iter().map(|(task, path, entry)| (path.as_str(), (*task, *entry))).collect();
    for (task, path, entry) in entries {
        // Removing what a link or a removed directory may hold is no contradiction.
        let removes = entry == Entry::Nothing;
        let blocking = path.above().find_map(|directory| {
            let (other, there) = by_path.get(directory)?;
            let (what, help) = match there {
                Entry::File(_) => ("a file", "only a directory can have something below it"),
                Entry::Link if !removes => {
                    ("a link", "declare it below the directory that the link leads to")
                }
                Entry::Nothing if !removes => ("removed with all that is in it", "declare one or the other"),
                Entry::Directory(_) | Entry::Link | Entry::Nothing => return None,
            };
            Some(below(task, path, other, what).help(help))
        });
        if let Some(found) = blocking {
            host.report(found);
        }
    }
}

fn below(task: &Task, path: &AbsolutePath, other: &Task, what: &str) -> Diagnostic {
    let name = other.resource.name();
    Diagnostic::error(Code::PATH_BELOW_FILE, format!("`{path}` lies below `{name}`, which is {what}"))
        .at(task.place(), "declared here")
        .related(other.place(), format!("`{name}` is {what}"))
}
