//! Paths that cannot both be: one below another that is no directory.

use std::collections::HashMap;

use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::name::AbsolutePath;
use paracrine_model::plan::Task;
use paracrine_model::resource::Resource;

use super::Host;
use crate::compile::place;

pub(super) fn check(host: &mut Host<'_, '_>) {
    let by_path: HashMap<&str, &Task> =
        host.tasks().iter().filter_map(|task| Some((path(task)?.as_str(), task))).collect();
    for task in host.tasks() {
        let Some(path) = path(task) else { continue };
        // Removing what a link or a removed directory may hold is no contradiction.
        let removes = matches!(task.resource, Resource::Absent(_));
        let mut above = path.parent();
        while let Some(folder) = above {
            let blocking = by_path.get(folder.as_str()).filter(|other| match other.resource {
                Resource::File(_) | Resource::Unit(_) => true,
                Resource::Link(_) | Resource::Absent(_) => !removes,
                _ => false,
            });
            if let Some(other) = blocking {
                host.report(below(task, path, other));
                break;
            }
            above = folder.parent();
        }
    }
}

/// The path that a task decides about.
pub(super) fn path(task: &Task) -> Option<&AbsolutePath> {
    match &task.resource {
        Resource::Absent(absent) => Some(&absent.path),
        Resource::Directory(directory) => Some(&directory.path),
        Resource::File(file) => Some(&file.path),
        Resource::Link(link) => Some(&link.path),
        Resource::Unit(unit) => Some(&unit.path),
        _ => None,
    }
}

fn below(task: &Task, path: &AbsolutePath, other: &Task) -> Diagnostic {
    let (what, help) = match other.resource {
        Resource::Link(_) => ("a link", "declare it below the directory that the link leads to"),
        Resource::Absent(_) => ("removed with all that is in it", "declare one or the other"),
        _ => ("a file", "only a directory can have something below it"),
    };
    Diagnostic::error(
        Code::PATH_BELOW_FILE,
        format!("`{path}` lies below `{}`, which is {what}", other.resource.name()),
    )
    .at(place(task), "declared here")
    .related(place(other), format!("`{}` is {what}", other.resource.name()))
    .help(help)
}
