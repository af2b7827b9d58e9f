//! Several packages by one call of apt.

use std::collections::BTreeMap;

use paracrine_model::protocol::Failure;
use paracrine_model::resource::apt_package::{AptPackage, PackageState};

use super::sort_out::{Sorted, sort_out};
use super::{State, is_as_wanted, lacking, suits, unavailable};
use crate::world::packages::{
    Available, Lists, Simulation, Trouble, explain, install, is_everybodys, may_be_stale, refresh, repair,
    simulate, trouble,
};
use crate::world::process::Finished;
use crate::world::{Maker, World};

/// What became of those that did not go well, by their names.
type Failures = BTreeMap<String, Failure>;

/// Installs and removes what is not as it should be. Says of each what came of it.
pub(super) fn apply(all: &[(&AptPackage, &State)], world: &mut World) -> Vec<Result<(), Failure>> {
    let mut failures = Failures::new();
    let changed = change(all, &mut failures, world);
    // Whatever came of it: packages bring users, groups, units and directories.
    world.packages.forget();
    world.accounts.forget();
    world.units.forget();
    world.paths.forget();
    let came_of = |(resource, _): &(&AptPackage, &State)| {
        failures.remove(resource.package.as_str()).map_or_else(|| changed.clone(), Err)
    };
    all.iter().map(came_of).collect()
}

/// Fails where it fails for all.
fn change(all: &[(&AptPackage, &State)], failures: &mut Failures, world: &mut World) -> Result<(), Failure> {
    let mut wanted: Vec<&AptPackage> = all.iter().map(|(resource, _)| *resource).collect();
    // apt removes what is only half there without configuring it first.
    let broken = |(resource, state): &(&AptPackage, &State)| {
        resource.state != PackageState::Absent && state.package.status.is_broken()
    };
    if all.iter().any(broken) || world.packages.was_interrupted() {
        // If it fails, apt may still know better: another version, or a removal. Else it will say the same.
        let _ = repair();
        wanted = left(wanted, world)?;
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let refreshing = refresh_if_needed(&wanted, world)?;
    wanted = offered(wanted, refreshing.as_ref(), failures, world)?;
    loop {
        let removing = wanted.iter().any(|resource| resource.state == PackageState::Absent);
        if removing {
            // Looked at before anything goes.
            let sorted = possible(&wanted, world)?.0;
            wanted = passing(sorted, failures);
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let finished = install(&words(&wanted), removing)?;
        if finished.succeeded() {
            return Ok(());
        }
        if world.packages.refreshed || !may_be_stale(&finished.output) {
            return settle(wanted, finished, failures, world);
        }
        refresh_now(world)?;
    }
}

/// After a call of apt that failed: finds out whom it failed for, so that one is not in the way of others.
fn settle(
    wanted: Vec<&AptPackage>,
    mut finished: Finished,
    failures: &mut Failures,
    world: &mut World,
) -> Result<(), Failure> {
    if is_everybodys(&finished) {
        return Err(explain(&finished));
    }
    let mut tried = wanted.len();
    let (sorted, simulation) = possible(&left(wanted, world)?, world)?;
    // Apt has done nothing as long as it would not do all of it, or had to remove what the plan wants removed.
    let done_nothing = !sorted.failing.is_empty() || !simulation.removed.is_empty();
    let mut wanted = passing(sorted, failures);
    if done_nothing && !wanted.is_empty() {
        tried = wanted.len();
        finished = install(&words(&wanted), true)?;
        if finished.succeeded() {
            return Ok(());
        }
        wanted = left(wanted, world)?;
    }
    for resource in wanted {
        if tried > 1 {
            let removing = resource.state == PackageState::Absent || !simulation.removed.is_empty();
            finished = install(&words(&[resource]), removing)?;
        }
        if is_everybodys(&finished) {
            return Err(explain(&finished));
        }
        if !finished.succeeded() {
            failures.insert(resource.package.to_string(), explain(&finished));
        }
    }
    Ok(())
}

/// What is left to be done.
fn left<'a>(wanted: Vec<&'a AptPackage>, world: &mut World) -> Result<Vec<&'a AptPackage>, Failure> {
    world.packages.forget();
    let mut left = Vec::new();
    for resource in wanted {
        let there = world.packages.state(resource.package.as_str())?;
        if !is_as_wanted(&resource.state, &there) {
            left.push(resource);
        }
    }
    Ok(left)
}

/// Those that apt has; the others have failed.
fn offered<'a>(
    wanted: Vec<&'a AptPackage>,
    refreshing: Option<&Failure>,
    failures: &mut Failures,
    world: &mut World,
) -> Result<Vec<&'a AptPackage>, Failure> {
    let mut offered = Vec::new();
    for resource in wanted {
        let available = world.packages.available(resource.package.as_str())?;
        if suits(&resource.state, &available) {
            offered.push(resource);
            continue;
        }
        let mut failure = unavailable(resource, &available);
        // Lists that could not be refreshed are the more likely reason.
        if let Some(refreshing) = refreshing {
            failure = failure.output(refreshing.output.as_ref().unwrap_or(&refreshing.message));
        }
        failures.insert(resource.package.to_string(), failure);
    }
    Ok(offered)
}

/// Which apt finds a way for, without removing what the plan does not want removed; and what that would do.
fn possible<'a>(
    wanted: &[&'a AptPackage],
    world: &World,
) -> Result<(Sorted<&'a AptPackage, Trouble>, Simulation), Failure> {
    let mut passed = Simulation::default();
    let sorted = sort_out(wanted, &mut |some: &[&'a AptPackage]| {
        if some.is_empty() {
            return Ok(Ok(()));
        }
        Ok(match simulate(&words(some))? {
            Err(finished) => Err(trouble(&finished)),
            Ok(simulation) => match allow(&simulation.removed, world) {
                Ok(()) => {
                    passed = simulation;
                    Ok(())
                }
                Err(failure) => Err(Trouble { failure, lasting: true }),
            },
        })
    })?;
    Ok((sorted, passed))
}

/// Those for which apt finds a way; the others have failed.
fn passing<'a>(sorted: Sorted<&'a AptPackage, Trouble>, failures: &mut Failures) -> Vec<&'a AptPackage> {
    let failing = sorted.failing.into_iter();
    failures.extend(failing.map(|(resource, trouble)| (resource.package.to_string(), trouble.failure)));
    sorted.passing
}

/// Refreshes the lists if there are none, if the sources were changed since, or if they lack what is wanted; the
/// last only once in a run. Gives back what went wrong with that: another source may have what is wanted.
fn refresh_if_needed(wanted: &[&AptPackage], world: &mut World) -> Result<Option<Failure>, Failure> {
    let mut needed = match world.packages.lists() {
        Lists::Missing | Lists::Outdated => {
            wanted.iter().any(|resource| resource.state != PackageState::Absent)
        }
        Lists::Old(_) | Lists::Young => false,
    };
    if !needed && !world.packages.refreshed {
        for resource in wanted {
            needed |= !suits(&resource.state, &world.packages.available(resource.package.as_str())?);
        }
    }
    Ok(if needed { refresh_now(world).err() } else { None })
}

fn refresh_now(world: &mut World) -> Result<(), Failure> {
    let refreshed = refresh();
    world.packages.refreshed = true;
    world.packages.forget();
    refreshed
}

/// What apt is told: `name`, or `name-` for one that is to go.
fn words(resources: &[&AptPackage]) -> Vec<String> {
    let word = |resource: &&AptPackage| match resource.state {
        PackageState::Absent => format!("{}-", resource.package),
        PackageState::Present | PackageState::AtLeast(_) => resource.package.to_string(),
    };
    resources.iter().map(word).collect()
}

/// Fails if a package would go that no task of the plan wants gone: nothing leaves a machine without being said.
fn allow(removed: &[String], world: &World) -> Result<(), Failure> {
    let unsaid: Vec<&str> =
        removed.iter().map(String::as_str).filter(|package| !world.packages.is_unwanted(package)).collect();
    match unsaid.as_slice() {
        [] => Ok(()),
        [one] => Err(Failure::new(format!("apt would have to remove {one}, which the plan does not say"))
            .help(format!("if that is meant, declare `plan.package(\"{one}\").absent()`"))),
        several => {
            let lines = several.iter().map(|package| format!("`plan.package(\"{package}\").absent()`"));
            Err(Failure::new(format!(
                "apt would have to remove {}, which the plan does not say",
                several.join(", ")
            ))
            .help(format!("if that is meant, declare {}", lines.collect::<Vec<_>>().join(", "))))
        }
    }
}

/// Check: lays over the world what [`apply`] would have made. Says of each what it would fail with, or why that cannot be
/// known yet.
pub(super) fn predict(
    all: &[(&AptPackage, &State)],
    world: &mut World,
) -> Vec<Result<Option<String>, Failure>> {
    let mut failures = BTreeMap::new();
    if let Err(failure) = predict_known(all, &mut failures, world) {
        return all.iter().map(|_| Err(failure.clone())).collect();
    }
    let mut foreseen = Vec::new();
    for (resource, state) in all {
        let name = resource.package.as_str();
        let failure = failures.remove(name);
        if matches!(failure, Some(Err(_))) {
            foreseen.push(failure.unwrap_or(Ok(None)));
            continue;
        }
        let unsure = failure.is_some() || lacking(resource, state).is_some();
        foreseen.push(failure.unwrap_or(Ok(None)));
        if resource.state == PackageState::Absent {
            world.packages.predict_removed(name);
            continue;
        }
        if !world.packages.predicts(name) {
            let version = match &state.available {
                Some(Available::Version(version)) if !unsure => Some(version.clone()),
                _ => None,
            };
            world.packages.predict(name, version);
        }
        world.makers.push(Maker::Package(name.to_owned()));
    }
    foreseen
}

/// Asks apt about those that it knows.
fn predict_known(
    all: &[(&AptPackage, &State)],
    failures: &mut BTreeMap<String, Result<Option<String>, Failure>>,
    world: &mut World,
) -> Result<(), Failure> {
    // What apt does not know (yet) would spoil the simulation of all others.
    let known = all.iter().filter(|(resource, state)| lacking(resource, state).is_none());
    let known: Vec<&AptPackage> = known.map(|(resource, _)| *resource).collect();
    let (sorted, simulation) = possible(&known, world)?;
    let doubt = match sorted.failing.is_empty() {
        true => None,
        false => super::doubt(world),
    };
    for (resource, Trouble { failure, lasting }) in sorted.failing {
        let foreseen = match &doubt {
            Some(doubt) if !lasting => Ok(Some(format!("{}; {doubt}", failure.message))),
            _ => Err(failure),
        };
        failures.insert(resource.package.to_string(), foreseen);
    }
    for name in &simulation.removed {
        world.packages.predict_removed(name);
    }
    for (name, version) in simulation.installed {
        world.packages.predict(&name, Some(version));
        if !all.iter().any(|(resource, _)| resource.package.as_str() == name) {
            world.makers.push(Maker::Package(name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_without_being_said() {
        let root = tempfile::tempdir().unwrap();
        let mut world = World::new(root.path(), Default::default(), |_, _| {
            Err(Failure::new("there are no contents here"))
        });
        world.packages.announce("exim4", true);
        let removed = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(allow(&removed(&["exim4"]), &world), Ok(()));
        assert_eq!(
            allow(&removed(&["exim4", "exim4-base"]), &world),
            Err(Failure::new("apt would have to remove exim4-base, which the plan does not say")
                .help("if that is meant, declare `plan.package(\"exim4-base\").absent()`"))
        );
        assert_eq!(
            allow(&removed(&["a1", "b1"]), &world),
            Err(Failure::new("apt would have to remove a1, b1, which the plan does not say").help(
                "if that is meant, declare `plan.package(\"a1\").absent()`, `plan.package(\"b1\").absent()`"
            ))
        );
    }
}
