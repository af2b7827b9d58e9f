//! A Debian package. Neighbours in the plan are installed and removed by one `apt-get`.

mod sort_out;
#[cfg(test)]
mod tests;
mod together;

use std::cmp::Ordering;

use paracrine_model::name::{AbsolutePath, Version};
use paracrine_model::protocol::{Difference, Failure};
use paracrine_model::resource::apt_package::{AptPackage, PackageState};

use crate::manage::{Comparison, Manage, Observed, Turn};
use crate::world::packages::{Available, Package, Status, compare};
use crate::world::paths::{PathKind, PathState};
use crate::world::{PACKAGES, World};

/// What is known of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    package: Package,
    /// What apt could install, if it was asked: only for what has to be installed.
    available: Option<Available>,
    /// Why what apt knows need not be all; `None` if it is to be believed.
    doubt: Option<String>,
}

impl Manage for AptPackage {
    type State = State;

    const TOGETHER: bool = true;

    fn announce(&self, world: &mut World) {
        world.packages.announce(self.package.as_str(), self.state == PackageState::Absent);
    }

    fn tools_write(&self, _differences: &[Difference]) -> &'static [&'static str] {
        &["/var/lib/dpkg/status", "/usr/bin/env"]
    }

    fn observe(&self, _turn: &Turn<'_>, world: &mut World) -> Result<State, Failure> {
        let package = world.packages.state(self.package.as_str())?;
        if self.state == PackageState::Absent || is_as_wanted(&self.state, &package) {
            return Ok(State { package, available: None, doubt: None });
        }
        let available = world.packages.available(self.package.as_str())?;
        let doubt = match suits(&self.state, &available) {
            true => None,
            false => doubt(world),
        };
        Ok(State { package, available: Some(available), doubt })
    }

    fn compare(&self, state: &State, _turn: &Turn<'_>, _world: &World) -> Result<Comparison, Failure> {
        let package = &state.package;
        if is_as_wanted(&self.state, package) {
            return Ok(Comparison::equal());
        }
        if package.held && package.status == Status::Installed {
            let version = package.version.as_deref().unwrap_or("its version");
            return Err(Failure::new(format!(
                "the package {self_} is on hold at {version}",
                self_ = self.package
            ))
            .help(format!("if it may change: `apt-mark unhold {}` on the host", self.package)));
        }
        let mut comparison = Comparison::of(vec![difference(self, package)]);
        if let Some(available) = lacking(self, state) {
            match &state.doubt {
                Some(doubt) => {
                    comparison.may = Some(format!("{}; {doubt}", unavailable(self, available).message))
                }
                None => return Err(unavailable(self, available)),
            }
        }
        Ok(comparison)
    }

    fn apply(&self, state: &State, _turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
        together::apply(&[(self, state)], world).into_iter().collect()
    }

    fn predict(&self, state: &State, world: &mut World) {
        // What cannot be predicted is said where several are.
        let _ = together::predict(&[(self, state)], world);
    }

    fn apply_together(all: &[&Observed<'_, Self>], world: &mut World) -> Vec<Result<(), Failure>> {
        together::apply(&pairs(all), world)
    }

    fn predict_together(
        all: &[&Observed<'_, Self>],
        world: &mut World,
    ) -> Vec<Result<Option<String>, Failure>> {
        together::predict(&pairs(all), world)
    }
}

fn pairs<'a>(all: &[&'a Observed<'_, AptPackage>]) -> Vec<(&'a AptPackage, &'a State)> {
    all.iter().map(|seen| (seen.resource, &seen.state)).collect()
}

fn difference(resource: &AptPackage, package: &Package) -> Difference {
    let version = package.version.clone().filter(|_| package.status == Status::Installed);
    let (name, before, after) = match &resource.state {
        PackageState::AtLeast(least) => ("version", version, format!(">= {least}")),
        PackageState::Present if package.status.is_broken() => {
            ("state", Some(package.status.to_string()), "installed".to_owned())
        }
        PackageState::Present => ("state", None, "installed".to_owned()),
        PackageState::Absent => {
            ("state", Some(version.unwrap_or_else(|| package.status.to_string())), "removed".to_owned())
        }
    };
    Difference::Attribute { name: name.to_owned(), before, after }
}

/// That apt has not what is wanted.
fn unavailable(resource: &AptPackage, available: &Available) -> Failure {
    let name = &resource.package;
    match (available, &resource.state) {
        (Available::Version(newest), PackageState::AtLeast(least)) => {
            Failure::new(format!("apt has {name} {newest}, and the plan wants {least} or later"))
                .help("ask for an earlier version, or declare the apt source that has a later one before it")
        }
        _ => Failure::new(format!("apt has no package {name}"))
            .help("check its name, or declare the apt source that has it before it"),
    }
}

/// Whether nothing is left to be done.
fn is_as_wanted(wanted: &PackageState, package: &Package) -> bool {
    let installed = package.status == Status::Installed;
    match wanted {
        PackageState::Present => installed || (!package.status.is_broken() && !package.providers.is_empty()),
        PackageState::AtLeast(least) => {
            let enough = |version: &Option<String>| match version {
                Some(version) => is_enough(version, least),
                None => false,
            };
            // One that was predicted without a version was predicted because it will do.
            let predicted = installed && package.version.is_none();
            predicted
                || (installed && enough(&package.version))
                || package.providers.iter().any(|provider| enough(&provider.version))
        }
        PackageState::Absent => matches!(package.status, Status::NotInstalled | Status::ConfigFiles),
    }
}

fn is_enough(version: &str, least: &Version) -> bool {
    compare(version, least.as_str()) != Ordering::Less
}

/// What apt has instead of what is wanted, if it has not that.
fn lacking<'a>(resource: &AptPackage, state: &'a State) -> Option<&'a Available> {
    state.available.as_ref().filter(|available| !suits(&resource.state, available))
}

/// Whether apt can install what is wanted, as far as it knows.
fn suits(wanted: &PackageState, available: &Available) -> bool {
    match (wanted, available) {
        (PackageState::Absent, _) => true,
        (_, Available::Unknown) => false,
        (PackageState::AtLeast(least), Available::Version(version)) => is_enough(version, least),
        // apt finds out what that means: a provider, or nothing.
        (PackageState::AtLeast(_) | PackageState::Present, _) => true,
    }
}

/// Why apt may know more by the time of an apply.
fn doubt(world: &mut World) -> Option<String> {
    if world.packages.refreshed {
        return None;
    }
    if let Some(source) = predicted_source(world) {
        return Some(format!("{source} is written before it"));
    }
    world.may_be_brought(PACKAGES).or_else(|| world.packages.lists().doubt())
}

/// Check: a source of apt's that an earlier task would have written.
fn predicted_source(world: &mut World) -> Option<AbsolutePath> {
    let directory = AbsolutePath::parse("/etc/apt/sources.list.d").ok()?;
    let mut paths = vec![AbsolutePath::parse("/etc/apt/sources.list").ok()?];
    let entries = std::fs::read_dir(world.root.join("etc/apt/sources.list.d"));
    let mut there = 0;
    for entry in entries.into_iter().flatten().flatten() {
        there += 1;
        let path = AbsolutePath::parse(&format!("{directory}/{}", entry.file_name().to_string_lossy()));
        paths.extend(path.ok());
    }
    let written = paths.into_iter().find(|path| {
        world
            .path_state(path)
            .is_ok_and(|state| state.ids.is_none() && !matches!(state.kind, PathKind::Missing))
    });
    if written.is_some() {
        return written;
    }
    let would_be = match world.path_state(&directory) {
        Ok(PathState { kind: PathKind::Directory, .. }) => world.paths.count(&directory).unwrap_or(there),
        _ => there,
    };
    (would_be > there).then_some(directory)
}
