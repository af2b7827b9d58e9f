//! The state of a systemd unit.

mod differ;
#[cfg(test)]
mod tests;

use paracrine_model::facet::Describe;
use paracrine_model::name::AbsolutePath;
use paracrine_model::plan::Action;
use paracrine_model::protocol::{Difference, Failure};
use paracrine_model::resource::service::Service;

use std::time::Duration;

use crate::manage::{Comparison, Look, Manage, Turn};
use crate::world::paths::PathKind;
use crate::world::units::{
    Links, Load, UNIT_DIRECTORIES, UnitState, Wish, act, does_not_run, is_template, journal, now, settle,
    template_of,
};
use crate::world::{Maker, UNITS, World};

/// What is known of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    unit: UnitState,
    /// Check only: an earlier task would have written its file.
    written: bool,
    /// Check only: why a unit that is missing may be there in an apply.
    brought: Option<String>,
    /// Whether a service that was generated from a script in `/etc/init.d` starts at boot.
    script_enabled: Option<bool>,
    /// Of one that is enabled and should be: the links that make it so.
    links: Option<Links>,
    /// Of one that should not run, or not at boot: what starts it all the same.
    starters: Vec<String>,
}

impl Manage for Service {
    type State = State;

    fn announce(&self, world: &mut World) {
        let Self { unit, enabled, running, masked, settled_for } = self;
        let settled_for = settled_for.map(|seconds| Duration::from_secs(seconds.into()));
        let wish = Wish { enabled: *enabled, running: *running, masked: *masked, settled_for };
        world.units.announce(unit, wish);
    }

    fn foresee(&self, world: &mut World) -> Result<(), Failure> {
        if is_template(self.unit.as_str()) {
            return Ok(());
        }
        // What cannot be looked at is said at its turn: an earlier task may mend it.
        let unit = world.units.state(self.unit.as_str());
        unit.ok().and_then(|unit| contradiction(self, &unit, world)).map_or(Ok(()), Err)
    }

    fn tools_write(&self, differences: &[Difference]) -> &'static [&'static str] {
        // Enabled and masked are links there.
        let is_link = |difference: &Difference| matches!(difference, Difference::Attribute { name, .. } if name == "enabled" || name == "masked");
        if differences.iter().any(is_link) { &["/etc/systemd/system/default.target"] } else { &[] }
    }

    fn observe(&self, turn: &Turn<'_>, world: &mut World) -> Result<State, Failure> {
        let name = self.unit.as_str();
        let unit = world.units.state(name)?;
        if let Some(contradiction) = contradiction(self, &unit, world) {
            return Err(contradiction);
        }
        if matches!(turn.look, Look::Closing { .. })
            && let Some(gone) = world.units.not_stayed(name, self.running == Some(true), &unit)
        {
            return Err(gone);
        }
        let starters = starters(self, &unit, world);
        if let (Look::First, Some(note)) = (turn.look, note(self, &starters)) {
            world.note(note);
        }
        let missing = unit.load == Load::NotFound;
        Ok(State {
            written: world.units.predicts_unit_file(name) || (missing && predicted(self, world)),
            brought: if missing { brought(self, world) } else { None },
            script_enabled: if unit.file == "generated" { script_enabled(self, world) } else { None },
            links: if self.enabled == Some(true) { links(self, &unit, world) } else { None },
            starters,
            unit,
        })
    }

    fn compare(&self, state: &State, turn: &Turn<'_>, _world: &World) -> Result<Comparison, Failure> {
        differ::compare(self, state, turn)
    }

    fn apply(&self, state: &State, turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
        if state.unit.needs_reload {
            world.units.daemon_reload()?;
            // systemd has read its files anew, so it may be another unit by now.
            let state = self.observe(turn, world)?;
            return make(self, &state, turn, world);
        }
        make(self, state, turn, world)
    }

    fn predict(&self, state: &State, world: &mut World) {
        let mut unit = state.unit.clone();
        unit.needs_reload = false;
        if unit.load == Load::NotFound {
            // Not known to be there: what follows is told from other tasks, as this was.
            return;
        }
        match self.masked {
            Some(true) => (unit.load, unit.file) = (Load::Masked, "masked".into()),
            Some(false) if unit.load == Load::Masked => {
                (unit.load, unit.file) = (Load::Loaded, "disabled".into())
            }
            _ => {}
        }
        match self.enabled {
            Some(true) => "enabled".clone_into(&mut unit.file),
            Some(false) if unit.is_enabled() == Some(true) => "disabled".clone_into(&mut unit.file),
            _ => {}
        }
        match self.running {
            Some(true) if !unit.is_running() => (unit.active, unit.sub) = ("active".into(), "running".into()),
            Some(false) if !unit.is_stopped() => (unit.active, unit.sub) = ("inactive".into(), "dead".into()),
            _ => {}
        }
        world.units.predict(&self.unit, unit);
    }
}

/// Mask, then enable, then start: each needs what was done before it.
fn make(service: &Service, state: &State, turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
    let unit = service.unit.as_str();
    let there = &state.unit;
    if there.load == Load::NotFound && service.masked != Some(true) {
        return Err(missing(unit));
    }
    match service.masked {
        Some(true) => {
            if !there.is_stopped() {
                act(&mut world.units, "stop", unit)?;
            }
            if !there.is_masked() {
                act(&mut world.units, "mask", unit)?;
            }
            return Ok(());
        }
        Some(false) if there.load == Load::Masked => {
            act(&mut world.units, "unmask", unit)?;
        }
        _ => {}
    }
    // What was masked has shown nothing of itself.
    let shown = if there.load == Load::Masked { Some(service.observe(turn, world)?) } else { None };
    let state = shown.as_ref().unwrap_or(state);
    let there = &state.unit;
    let enabled = state.script_enabled.or(there.is_enabled());
    match (service.enabled, &state.links) {
        (Some(true), Some(links)) if !links.are_right() => relink(unit, links, world)?,
        (Some(true), None) if enabled != Some(true) => act(&mut world.units, "enable", unit)?,
        (Some(false), _) if enabled == Some(true) => act(&mut world.units, "disable", unit)?,
        _ => {}
    }
    if is_template(unit) {
        return Ok(());
    }
    let is_due = |action| turn.due.iter().any(|due| due.action == action);
    match service.running {
        Some(true) if !there.is_running() => run(unit, "start", world),
        Some(false) if !there.is_stopped() => act(&mut world.units, "stop", unit),
        _ if !there.is_running() => Ok(()),
        _ if is_due(Action::Restart) => run(unit, "restart", world),
        _ if is_due(Action::Reload) => {
            if !there.can_reload {
                return Err(differ::unreloadable(unit));
            }
            run(unit, "reload", world)
        }
        _ => Ok(()),
    }
}

/// Makes the links of an enabled unit those that its file asks for. Not `reenable`: that takes a unit away which is itself a
/// link.
fn relink(unit: &str, links: &Links, world: &mut World) -> Result<(), Failure> {
    for link in &links.stray {
        if let Ok(path) = AbsolutePath::parse(&format!("{}/{link}", UNIT_DIRECTORIES[0])) {
            world.remove(&path)?;
        }
    }
    if links.lack() { act(&mut world.units, "enable", unit) } else { Ok(()) }
}

/// Starts, restarts or reloads, and sees to it that it runs afterwards.
fn run(unit: &str, verb: &'static str, world: &mut World) -> Result<(), Failure> {
    let since = now();
    let done = act(&mut world.units, verb, unit);
    let state = match &done {
        Ok(()) => settle(&mut world.units, unit)?,
        Err(_) => world.units.fresh(unit)?,
    };
    if done.is_ok() && (state.is_running() || state.ends_by_itself()) {
        world.units.started(unit, verb, since, &state);
        return Ok(());
    }
    let log = journal(unit, since);
    let message = match verb {
        "reload" if state.is_running() => format!("{unit} could not be reloaded"),
        "reload" => does_not_run(unit, verb, &state),
        _ if done.is_ok() => does_not_run(unit, verb, &state),
        // Something that it needs failed, not itself.
        _ if state.result == "success" => format!("{unit} could not be {verb}ed"),
        _ => format!("{unit} could not be {verb}ed: {}", state.why()),
    };
    let said = done.err().and_then(|failure| failure.output).unwrap_or_default();
    Err(Failure::new(message).output(if log.trim().is_empty() { said } else { log }))
}

/// That another task knows the unit by another name and wants something else of it.
fn contradiction(service: &Service, unit: &UnitState, world: &mut World) -> Option<Failure> {
    let name = service.unit.as_str();
    // The names that its file gives it are there only once it is enabled.
    let names = match unit.load {
        Load::Loaded if world.units.wishes_for_missing(name) => world.names_of(name, unit),
        _ => Vec::new(),
    };
    world.units.contradiction(name, &names)
}

/// The links of a unit that is enabled.
fn links(service: &Service, unit: &UnitState, world: &mut World) -> Option<Links> {
    let name = service.unit.as_str();
    let told = matches!(unit.file.as_str(), "enabled" | "alias" | "indirect") && unit.load == Load::Loaded;
    if !told || world.units.predicts(name) {
        return None;
    }
    world.links_of(name, unit)
}

/// Sockets, paths and timers that start a service which should not run, or not at boot. Where the plan has a say in them,
/// that is meant.
fn starters(service: &Service, unit: &UnitState, world: &mut World) -> Vec<String> {
    let (stopped, disabled) = (service.running == Some(false), service.enabled == Some(false));
    if service.masked == Some(true) || service.running == Some(true) || !(stopped || disabled) {
        return Vec::new();
    }
    let mut starters = Vec::new();
    for starter in unit.triggered_by.split_whitespace() {
        let wish = world.units.wish(starter);
        if wish.enabled.is_some() || wish.running.is_some() || wish.masked.is_some() {
            continue;
        }
        let Ok(state) = world.units.state(starter) else { continue };
        if if stopped { state.is_running() } else { state.is_enabled() == Some(true) } {
            starters.push(starter.to_owned());
        }
    }
    starters
}

/// That something starts the service all the same.
fn note(service: &Service, starters: &[String]) -> Option<String> {
    let verb = if starters.len() == 1 { "is" } else { "are" };
    let (wanted, active) = match service.running {
        Some(false) => ("stopped", "active"),
        _ => ("disabled", "enabled"),
    };
    let starts = if starters.len() == 1 { "starts" } else { "start" };
    (!starters.is_empty()).then(|| {
        format!(
            "service {} is to be {wanted}, but {} {verb} {active} and {starts} it: declare {} as well",
            Describe::name(service),
            starters.join(" and "),
            instead(starters)
        )
    })
}

/// What keeps these from starting anything.
fn instead(starters: &[String]) -> String {
    let line = |unit: &String| format!("`plan.service(\"{unit}\").disabled().stopped()`");
    starters.iter().map(line).collect::<Vec<_>>().join(" and ")
}

/// There is no such unit.
fn missing(unit: &str) -> Failure {
    Failure::new(format!("there is no unit {unit}"))
        .help("check its name, or declare before it the package or the `plan.unit(…)` that brings it")
}

/// A unit whose own file is where the mask would be.
fn unmaskable(unit: &str) -> Failure {
    Failure::new(format!("{unit} cannot be masked: its own file is at /etc/systemd/system/{unit}"))
        .help("a unit of the administrator's is not masked but removed: `plan.absent(…)` its file")
}

/// Check: whether an earlier task would have put a unit file in place, by whatever means.
fn predicted(service: &Service, world: &mut World) -> bool {
    let unit = service.unit.as_str();
    let mut names = vec![unit.to_owned()];
    names.extend(template_of(unit));
    let paths = UNIT_DIRECTORIES.iter().flat_map(|directory| {
        names.iter().filter_map(move |name| AbsolutePath::parse(&format!("{directory}/{name}")).ok())
    });
    // On the machine itself there is none, or systemd would have found it.
    paths.collect::<Vec<_>>().iter().any(|path| {
        world.path_state(path).is_ok_and(|state| {
            let made = state.ids.is_none();
            made && matches!(state.kind, PathKind::File { .. } | PathKind::Link { .. })
        })
    })
}

/// Check: which pending package or command may bring the unit; a package of the unit's name is named first.
fn brought(service: &Service, world: &World) -> Option<String> {
    let stem = service.unit.as_str().rsplit_once('.').map_or("", |(stem, _)| stem);
    let stem = stem.split_once('@').map_or(stem, |(name, _)| name);
    let named = world.makers.iter().find_map(|maker| match maker {
        Maker::Package(package) if package == stem => Some(format!("package {package} may bring it")),
        _ => None,
    });
    named.or_else(|| world.may_be_brought(UNITS))
}

/// Whether a script in `/etc/init.d` is linked into a runlevel. systemd only says of its unit that it was generated.
fn script_enabled(service: &Service, world: &World) -> Option<bool> {
    let name = service.unit.as_str().strip_suffix(".service")?;
    if !world.root.join("etc/init.d").join(name).exists() {
        return None;
    }
    let starts = ["etc/rc2.d", "etc/rc3.d", "etc/rc4.d", "etc/rc5.d", "etc/rcS.d"].iter().any(|level| {
        std::fs::read_dir(world.root.join(level)).is_ok_and(|links| {
            links.flatten().any(|link| {
                let link = link.file_name();
                let link = link.to_string_lossy();
                link.strip_prefix('S').is_some_and(|rest| rest.get(2..) == Some(name))
            })
        })
    });
    Some(starts)
}
