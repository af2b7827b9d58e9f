//! Several packages by one call of apt.

use paracrine_model::protocol::Failure;
use paracrine_model::resource::apt_package::{AptPackage, PackageState};

use super::{State, is_as_wanted, lacking, predicted_source, suits, unavailable};
use crate::world::packages::{Available, Lists, explain, install, may_be_stale, refresh, repair, simulate};
use crate::world::{Maker, World};

/// Installs and removes what is not as it should be.
pub(super) fn apply(all: &[(&AptPackage, &State)], world: &mut World) -> Result<(), Failure> {
    let changed = change(all, world);
    // Whatever came of it: packages bring users, groups, units and directories.
    world.packages.forget();
    world.accounts.forget();
    world.units.forget();
    world.paths.forget();
    changed
}

fn change(all: &[(&AptPackage, &State)], world: &mut World) -> Result<(), Failure> {
    let mut wanted: Vec<&AptPackage> = all.iter().map(|(resource, _)| *resource).collect();
    // apt removes what is only half there without configuring it first.
    let broken = |(resource, state): &(&AptPackage, &State)| {
        resource.state != PackageState::Absent && state.package.status.is_broken()
    };
    if all.iter().any(broken) || world.packages.was_interrupted() {
        // If it fails, apt may still know better: another version, or a removal. Else it will say the same.
        let _ = repair();
        world.packages.forget();
        let mut left = Vec::new();
        for resource in wanted {
            let there = world.packages.state(resource.package.as_str())?;
            if !is_as_wanted(&resource.state, &there) {
                left.push(resource);
            }
        }
        wanted = left;
        if wanted.is_empty() {
            return Ok(());
        }
    }
    let trouble = refresh_if_needed(&wanted, world)?;
    for resource in &wanted {
        let available = world.packages.available(resource.package.as_str())?;
        if !suits(&resource.state, &available) {
            let failure = unavailable(resource, &available);
            // Lists that could not be refreshed are the more likely reason.
            return Err(match trouble {
                Some(trouble) => failure.output(trouble.output.unwrap_or(trouble.message)),
                None => failure,
            });
        }
    }
    let words = words(&wanted);
    let removing = wanted.iter().any(|resource| resource.state == PackageState::Absent);
    for last in [false, true] {
        if removing {
            allow(&simulate(&words)?.map(|simulation| simulation.removed).unwrap_or_default(), world)?;
        }
        let finished = install(&words, removing)?;
        if finished.succeeded() {
            break;
        }
        if !removing && finished.output.contains("Packages need to be removed but remove is disabled") {
            let removed = simulate(&words)?.map(|simulation| simulation.removed).unwrap_or_default();
            allow(&removed, world)?;
        }
        if last || world.packages.refreshed || !may_be_stale(&finished.output) {
            return Err(explain(&finished));
        }
        refresh_now(world)?;
    }
    Ok(())
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

/// Check: lays over the world what [`apply`] would have made.
pub(super) fn predict(all: &[(&AptPackage, &State)], world: &mut World) -> Result<(), Failure> {
    // What apt does not know (yet) would spoil the simulation of all others.
    let (known, unknown): (Vec<_>, Vec<_>) =
        all.iter().copied().partition(|(resource, state)| lacking(resource, state).is_none());
    let names: Vec<&AptPackage> = known.iter().map(|(resource, _)| *resource).collect();
    let simulated = if names.is_empty() { None } else { Some(simulate(&words(&names))?) };
    match simulated {
        Some(Ok(simulation)) => {
            allow(&simulation.removed, world)?;
            for name in &simulation.removed {
                world.packages.predict_removed(name);
            }
            for (name, version) in simulation.installed {
                world.packages.predict(&name, Some(version));
                if !all.iter().any(|(resource, _)| resource.package.as_str() == name) {
                    world.makers.push(Maker::Package(name));
                }
            }
        }
        Some(Err(finished)) => {
            let may_change = world.may_be_brought().is_some() || predicted_source(world).is_some();
            if !may_change && world.packages.lists().doubt().is_none() {
                return Err(explain(&finished));
            }
        }
        None => {}
    }
    for (resource, state) in unknown.into_iter().chain(known) {
        let name = resource.package.as_str();
        if resource.state == PackageState::Absent {
            world.packages.predict_removed(name);
            continue;
        }
        if !world.packages.predicts(name) {
            let version = match &state.available {
                Some(Available::Version(version)) if lacking(resource, state).is_none() => {
                    Some(version.clone())
                }
                _ => None,
            };
            world.packages.predict(name, version);
        }
        world.makers.push(Maker::Package(name.to_owned()));
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
