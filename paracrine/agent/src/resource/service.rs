//! The state of a systemd unit.

mod differ;
#[cfg(test)]
mod tests;

use paracrine_model::name::AbsolutePath;
use paracrine_model::plan::Action;
use paracrine_model::protocol::Failure;
use paracrine_model::resource::service::Service;

use crate::manage::{Comparison, Manage, Turn};
use crate::world::paths::PathKind;
use crate::world::units::{
    Load, UNIT_DIRECTORIES, UnitState, act, is_template, journal, now, settle, template_of,
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
}

impl Manage for Service {
    type State = State;

    fn announce(&self, world: &mut World) {
        world.units.announce(&self.unit);
    }

    fn observe(&self, _turn: &Turn<'_>, world: &mut World) -> Result<State, Failure> {
        let unit = world.units.state(self.unit.as_str())?;
        let missing = unit.load == Load::NotFound;
        Ok(State {
            written: world.units.predicts_unit_file(self.unit.as_str())
                || (missing && predicted(self, world)),
            brought: if missing { brought(self, world) } else { None },
            script_enabled: if unit.file == "generated" { script_enabled(self, world) } else { None },
            unit,
        })
    }

    fn compare(&self, state: &State, turn: &Turn<'_>, _world: &World) -> Result<Comparison, Failure> {
        differ::compare(self, state, turn)
    }

    fn apply(&self, state: &State, turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
        let applied = if state.unit.needs_reload {
            world.units.daemon_reload()?;
            // systemd has read its files anew, so it may be another unit by now.
            self.observe(turn, world).and_then(|state| make(self, &state, turn, world))
        } else {
            make(self, state, turn, world)
        };
        world.units.forget();
        applied
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
                act("stop", unit)?;
            }
            if !there.is_masked() {
                act("mask", unit)?;
            }
            return Ok(());
        }
        Some(false) if there.load == Load::Masked => {
            act("unmask", unit)?;
        }
        _ => {}
    }
    // What was masked has shown nothing of itself.
    let shown = if there.load == Load::Masked {
        world.units.forget();
        Some(service.observe(turn, world)?)
    } else {
        None
    };
    let state = shown.as_ref().unwrap_or(state);
    let there = &state.unit;
    let enabled = state.script_enabled.or(there.is_enabled());
    match service.enabled {
        Some(true) if enabled != Some(true) => act("enable", unit)?,
        Some(false) if enabled == Some(true) => act("disable", unit)?,
        _ => {}
    }
    if is_template(unit) {
        return Ok(());
    }
    let is_due = |action| turn.due.iter().any(|due| due.action == action);
    match service.running {
        Some(true) if !there.is_running() => run(unit, "start", world),
        Some(false) if !there.is_stopped() => act("stop", unit),
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

/// Starts, restarts or reloads, and sees to it that it runs afterwards.
fn run(unit: &str, verb: &str, world: &mut World) -> Result<(), Failure> {
    let since = now();
    let done = act(verb, unit);
    let state = match (&done, verb) {
        (Ok(()), "start" | "restart") => settle(&mut world.units, unit)?,
        _ => world.units.fresh(unit)?,
    };
    if done.is_ok() && (state.is_running() || state.ends_by_itself()) {
        return Ok(());
    }
    let log = journal(unit, since);
    let why = state.why();
    let message = match verb {
        "reload" if state.is_running() => format!("{unit} could not be reloaded"),
        "reload" => format!("{unit} was reloaded and does not run any more: {why}"),
        _ if done.is_ok() => format!("{unit} was {verb}ed and does not run: {why}"),
        // Something that it needs failed, not itself.
        _ if state.result == "success" => format!("{unit} could not be {verb}ed"),
        _ => format!("{unit} could not be {verb}ed: {why}"),
    };
    let said = done.err().and_then(|failure| failure.output).unwrap_or_default();
    Err(Failure::new(message).output(if log.trim().is_empty() { said } else { log }))
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
