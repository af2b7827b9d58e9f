//! Paths that cannot both be: one below another that is no directory, links that lead back to themselves.

use std::borrow::Cow;
use std::collections::HashMap;

use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::facet::Entry;
use paracrine_model::name::{AbsolutePath, one_spelling};
use paracrine_model::plan::Task;

use super::host_check::HostCheck;

pub(super) fn check(host: &mut HostCheck<'_, '_>) {
    let entries: Vec<(&Task, &AbsolutePath, Entry<'_>)> = host
        .said()
        .flat_map(|(task, facets)| facets.entries().map(move |(path, entry)| (task, path, entry)))
        .collect();
    let by_path: HashMap<Cow<'_, str>, (&Task, Entry<'_>)> =
        entries.iter().map(|(task, path, entry)| (one_spelling(path.as_str()), (*task, *entry))).collect();
    for found in circles(&entries) {
        host.report(found);
    }
    for (task, path, entry) in entries {
        // Removing what a link or a removed directory may hold is no contradiction.
        let removes = entry == Entry::Nothing;
        let blocking = path.in_one_spelling().above().find_map(|directory| {
            let (other, there) = by_path.get(directory)?;
            let (what, help) = match there {
                Entry::File(_) => ("a file", "only a directory can have something below it"),
                Entry::Link(_) if !removes => {
                    ("a link", "declare it below the directory that the link leads to")
                }
                Entry::Nothing if !removes => ("removed with all that is in it", "declare one or the other"),
                Entry::Directory(_) | Entry::Link(_) | Entry::Nothing => return None,
            };
            Some(below(task, path, other, what).help(help))
        });
        if let Some(found) = blocking {
            host.report(found);
        }
    }
}

/// Links that lead to themselves, by way of others or at once. Each circle is told once, at the link that closes it.
fn circles(entries: &[(&Task, &AbsolutePath, Entry<'_>)]) -> Vec<Diagnostic> {
    let links: Vec<(&Task, &str, String)> = entries
        .iter()
        .filter_map(|(task, path, entry)| match entry {
            Entry::Link(target) => Some((*task, path.as_str(), led_to(path, target))),
            _ => None,
        })
        .collect();
    // The link that a path goes through first, and where that leads.
    let step = |path: &str| {
        let through = |link: &&(&Task, &str, String)| {
            path.strip_prefix(link.1).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let (at, link) = links
            .iter()
            .enumerate()
            .filter(|(_, link)| through(link))
            .min_by_key(|(_, link)| link.1.len())?;
        Some((at, format!("{}{}", link.2, &path[link.1.len()..])))
    };
    let mut found = Vec::new();
    for (first, (task, path, _)) in links.iter().enumerate() {
        let mut way = Vec::new();
        let mut at = (*path).to_owned();
        while let Some((link, next)) = step(&at) {
            if link == first && !way.is_empty() {
                break;
            }
            // A circle that this link only leads into is told of where it is.
            if way.contains(&link) || way.len() > links.len() {
                way.clear();
                break;
            }
            way.push(link);
            at = next;
        }
        let closes =
            step(&at).is_some_and(|(link, _)| link == first) && way.iter().all(|link| *link <= first);
        if way.is_empty() || !closes {
            continue;
        }
        let message = match way.as_slice() {
            [_] => format!("link `{path}` leads to itself"),
            _ => {
                let names: Vec<String> = way.iter().map(|link| format!("`{}`", links[*link].1)).collect();
                format!("links lead in a circle: {} → `{path}`", names.join(" → "))
            }
        };
        let mut error = Diagnostic::error(Code::BAD_VALUE, message).at(task.place(), "leads back to it");
        for link in way.iter().filter(|link| **link != first) {
            error = error.related(links[*link].0.place(), "by way of this");
        }
        found.push(error);
    }
    found
}

/// Where a link leads: an absolute path, `.` and `..` worked out.
fn led_to(path: &AbsolutePath, target: &str) -> String {
    let base = if target.starts_with('/') { "" } else { path.above().next().unwrap_or("/") };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn below(task: &Task, path: &AbsolutePath, other: &Task, what: &str) -> Diagnostic {
    let name = other.resource.name();
    Diagnostic::error(Code::PATH_BELOW_FILE, format!("`{path}` lies below `{name}`, which is {what}"))
        .at(task.place(), "declared here")
        .related(other.place(), format!("`{name}` is {what}"))
}
