//! What a task needs and nobody makes: a directory where no package of Debian's puts any, a unit whose name is one of the plan's
//! mistyped.

use std::collections::{BTreeSet, HashSet};

use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::facet::{Claim, Entry, Facets, Need, Provided, Reach, Shown};
use paracrine_model::name::AbsolutePath;
use paracrine_model::plan::Task;

use super::host_check::HostCheck;
use super::{accounts, order};

pub(super) fn check(host: &mut HostCheck<'_, '_>) {
    let made = Made::of(host.said().map(|(_, facets)| facets));
    let units = Units::of(host.said().map(|(_, facets)| facets));
    for (index, (task, facets)) in host.said().enumerate() {
        for need in &facets.needs {
            let found = match need {
                Need::Above(path) => made.missing(path, index, task),
                Need::Unit(unit) => units.mistyped(unit, task),
                _ => None,
            };
            if let Some(found) = found {
                host.report(found);
            }
        }
    }
}

/// What a plan makes directories with.
struct Made<'h> {
    directories: BTreeSet<&'h str>,
    /// Links, files, and what is removed, which are none of this.
    others: HashSet<&'h str>,
    homes: Vec<String>,
    /// Tasks that may make what they like, and those that say what: by the task's index.
    commands: Vec<(usize, Vec<String>)>,
    anything: Option<usize>,
    /// Whether a package is declared that is not known to be Debian's.
    foreign: bool,
}

/// Directories of a fresh Debian where no package of Debian's puts anything; what lies right in the last ones is known.
const NOBODYS: [&str; 4] = ["/srv", "/opt", "/root", "/usr/local"];

/// What is in `/usr/local` from the start; packages make directories in some of these.
const OF_LOCAL: [&str; 9] = ["bin", "etc", "games", "include", "lib", "man", "sbin", "share", "src"];

impl<'h> Made<'h> {
    fn of(all: impl Iterator<Item = &'h Facets<'h>>) -> Self {
        let mut made = Self {
            directories: BTreeSet::new(),
            others: HashSet::new(),
            homes: Vec::new(),
            commands: Vec::new(),
            anything: None,
            foreign: false,
        };
        for (index, facets) in all.enumerate() {
            for provided in &facets.provides {
                match provided {
                    Provided::Path(path, Entry::Directory(_)) => {
                        made.directories.insert(path.as_str());
                    }
                    Provided::Path(path, Entry::File(_) | Entry::Link(_) | Entry::Nothing) => {
                        made.others.insert(path.as_str());
                    }
                    Provided::Package(package) => made.foreign |= !accounts::is_known(package),
                    _ => {}
                }
            }
            let mut makes: Vec<String> = attribute(facets, "creates").into_iter().collect();
            match &facets.reach {
                Reach::Itself => {}
                Reach::Paths(paths) => makes.extend(paths.iter().map(ToString::to_string)),
                // Who says what it creates says enough.
                Reach::Anything if makes.is_empty() => made.anything = made.anything.or(Some(index)),
                Reach::Anything => {}
            }
            if !makes.is_empty() {
                made.commands.push((index, makes));
            }
            match facets.claims.first() {
                Some(Claim::User(name)) if !facets.removes => {
                    let home = attribute(facets, "home").unwrap_or_else(|| format!("/home/{name}"));
                    // A system's user gets none.
                    if attribute(facets, "system").is_none() {
                        made.homes.push(home);
                    }
                }
                _ => {}
            }
        }
        made
    }

    fn missing(&self, path: &AbsolutePath, index: usize, task: &Task) -> Option<Diagnostic> {
        let parent = path.above().next()?;
        let known = |directory: &str| {
            self.directories.contains(directory) || self.homes.iter().any(|home| home == directory)
        };
        if known(parent) || path.above().any(|above| self.others.contains(above)) {
            return None;
        }
        let before = |at: &usize| *at <= index;
        let makes = |(at, paths): &(usize, Vec<String>)| {
            before(at) && paths.iter().any(|path| above_or_below(path, parent))
        };
        if self.anything.as_ref().is_some_and(before) || self.commands.iter().any(makes) {
            return None;
        }
        // What is one letter away from a directory of the plan is meant to be that, wherever it is.
        let near = self.near(parent);
        if let (Some(near), false) = (near, self.is_nobodys(parent)) {
            let warning = Diagnostic::warning(
                Code::NEAR_MISS,
                format!("directory `{parent}` is not made by this plan, but `{near}` is"),
            );
            return Some(
                warning
                    .at(task.place(), format!("lies in `{parent}`"))
                    .help(format!("did you mean `{near}`?")),
            );
        }
        if !self.is_nobodys(parent) {
            return None;
        }
        let message = format!("{} lies in `{parent}`, which nobody makes", task.resource);
        let error = Diagnostic::error(Code::NO_DIRECTORY, message).at(task.place(), "declared here");
        Some(match near {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(format!("declare it before: `plan.directory(\"{parent}\")`")),
        })
    }

    /// Whether a directory is one that only the plan could make.
    fn is_nobodys(&self, directory: &str) -> bool {
        let inside = |top: &str| directory.strip_prefix(top).and_then(|rest| rest.strip_prefix('/'));
        // Whoever logs in today has keys there.
        if let Some(rest) = self.homes.iter().find_map(|home| inside(home)) {
            return rest != ".ssh";
        }
        NOBODYS.iter().any(|top| {
            let Some(rest) = inside(top) else { return false };
            match *top {
                // Where the images of clouds put the keys of whoever may log in.
                "/root" => rest != ".ssh",
                "/usr/local" => !OF_LOCAL.contains(&rest.split('/').next().unwrap_or_default()),
                // Packages of others live here.
                "/opt" => !self.foreign,
                // tftpd-hpa and vsftpd make these.
                _ => !matches!(rest, "tftp" | "ftp"),
            }
        })
    }

    /// A directory of the plan that this one may be mistyped.
    fn near(&self, directory: &str) -> Option<&'h str> {
        let (above, name) = directory.rsplit_once('/')?;
        let beside = self.directories.iter().copied().filter(|other| {
            other.rsplit_once('/').is_some_and(|(place, other)| place == above && is_slip(name, other))
        });
        beside.min()
    }
}

fn attribute(facets: &Facets<'_>, name: &str) -> Option<String> {
    facets
        .attributes
        .iter()
        .find(|(other, _)| *other == name)
        .map(|(_, shown): &(_, Shown<'_>)| shown.to_string())
}

fn above_or_below(one: &str, other: &str) -> bool {
    let in_it = |path: &str, top: &str| {
        path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    in_it(one, other) || in_it(other, one)
}

/// Whether one name is the other with a slip of the finger; `disk1` and `disk2` are two things.
fn is_slip(one: &str, other: &str) -> bool {
    let letters = |name: &str| name.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    one.len() > 3 && letters(one) != letters(other) && paracrine_model::diagnostic::is_slip(one, other)
}

/// The units of a plan and who needs them.
struct Units<'h> {
    own: Vec<&'h str>,
    needed: HashSet<&'h str>,
    packages: HashSet<&'h str>,
}

/// Services that every Debian has.
const OF_DEBIAN: [&str; 12] = [
    "cron",
    "dbus",
    "getty@tty1",
    "networking",
    "ntp",
    "rsyslog",
    "ssh",
    "sshd",
    "sudo",
    "udev",
    "user@0",
    "kmod",
];

impl<'h> Units<'h> {
    fn of(all: impl Iterator<Item = &'h Facets<'h>>) -> Self {
        let mut units = Self { own: Vec::new(), needed: HashSet::new(), packages: HashSet::new() };
        for facets in all {
            for provided in &facets.provides {
                match provided {
                    Provided::Unit(unit) => units.own.push(unit),
                    Provided::Package(package) => {
                        units.packages.insert(package.split(':').next().unwrap_or(package));
                    }
                    _ => {}
                }
            }
            units.needed.extend(facets.needs.iter().filter_map(|need| match need {
                Need::Unit(unit) => Some(*unit),
                _ => None,
            }));
        }
        units
    }

    /// A service that no unit file and no package of the plan brings, beside a unit that nobody starts.
    fn mistyped(&self, unit: &str, task: &Task) -> Option<Diagnostic> {
        let (stem, kind) = unit.rsplit_once('.')?;
        let is_own = self.own.contains(&unit)
            || order::template_of(unit).is_some_and(|template| self.own.contains(&&*template));
        let is_brought = order::providers(unit).iter().any(|package| self.packages.contains(package));
        if is_own || is_brought || OF_DEBIAN.contains(&stem) || stem.starts_with("systemd-") {
            return None;
        }
        let idle = self.own.iter().filter(|own| !self.needed.contains(*own));
        let near = idle
            .copied()
            .find(|own| own.rsplit_once('.').is_some_and(|(other, of)| of == kind && is_slip(stem, other)))?;
        let warning = Diagnostic::warning(
            Code::NEAR_MISS,
            format!("{} is no unit of this plan, but `{near}` is, and nothing starts that", task.resource),
        );
        Some(warning.at(task.place(), "declared here").help(format!("did you mean `{near}`?")))
    }
}
