//! One unit under two names: what tasks want of it has to agree, whatever they call it.

pub(super) mod aliases;

use std::collections::HashMap;

use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::facet::{Claim, Facets, Provided, Shown};
use paracrine_model::plan::Task;

use super::host_check::HostCheck;

/// What a task says of a unit, by the name that it uses.
#[derive(Clone, Copy)]
struct Said<'h> {
    task: &'h Task,
    facets: &'h Facets<'h>,
    name: &'h str,
}

pub(super) fn check(host: &mut HostCheck<'_, '_>) {
    let own_names = of_the_plan(host);
    let mut said: HashMap<&str, Vec<Said<'_>>> = HashMap::new();
    for (task, facets) in host.said() {
        for claim in &facets.claims {
            let Claim::Unit(name) = claim else { continue };
            let own = own_names.get(*name).copied().or_else(|| aliases::own_name(name)).unwrap_or(name);
            let later = Said { task, facets, name };
            let earlier = said.entry(own).or_default();
            // Those of one name have been compared already.
            let others = earlier.iter().filter(|other| other.name != later.name);
            if let Some(found) = others.filter_map(|other| disagree(*other, later, own)).next() {
                host.report(found);
            }
            earlier.push(later);
        }
    }
}

/// The other names that the plan's own unit files give to their units.
fn of_the_plan<'h>(host: &HostCheck<'h, '_>) -> HashMap<String, &'h str> {
    let mut names = HashMap::new();
    for (_, facets) in host.said() {
        let unit = facets.provides.iter().find_map(|provided| match provided {
            Provided::Unit(unit) => Some(*unit),
            _ => None,
        });
        let Some((unit, file)) = unit.zip(facets.files().next()) else { continue };
        let text = host.view.text(file.content()).unwrap_or_default();
        let aliases =
            text.lines().filter_map(|line| line.trim().strip_prefix("Alias")?.trim_start().strip_prefix('='));
        for alias in aliases.flat_map(str::split_whitespace) {
            names.insert(alias.to_owned(), unit);
        }
    }
    names
}

/// What two tasks say of one unit and cannot both be.
fn disagree(earlier: Said<'_>, later: Said<'_>, own: &str) -> Option<Diagnostic> {
    let contradicts = |(name, first, then): &(&str, String, String)| {
        // How long it has to settle may differ.
        first != then && matches!(*name, "enabled" | "running" | "masked")
    };
    let attributes = |(name, then): &(&'static str, Shown<'_>)| {
        let (_, first) = earlier.facets.attributes.iter().find(|(other, _)| other == name)?;
        Some((*name, first.to_string(), then.to_string()))
    };
    let differ: Vec<_> = later.facets.attributes.iter().filter_map(attributes).filter(contradicts).collect();
    if differ.is_empty() {
        return None;
    }
    let short = own.strip_suffix(".service").unwrap_or(own);
    let message = format!("two tasks disagree about one unit: `{}` and `{}`", earlier.name, later.name);
    let mut found = Diagnostic::error(Code::CONFLICT, message)
        .at(later.task.place(), "declared again here, by another name")
        .related(earlier.task.place(), "first declared here");
    for (name, first, then) in differ {
        found = found.help(format!("{name}: first `{first}`, then `{then}`"));
    }
    Some(found.help(format!("declare it once, as `plan.service(\"{short}\")`")))
}
