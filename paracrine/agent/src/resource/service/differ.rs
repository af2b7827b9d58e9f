//! What of a unit differs, from its state alone.

use paracrine_model::name::UnitName;
use paracrine_model::plan::Action;
use paracrine_model::protocol::{Difference, Failure};
use paracrine_model::resource::service::Service;

use super::{State, instead, missing, unmaskable};
use crate::manage::{Comparison, Due, Look, Turn};
use crate::world::units::{Load, UnitState, is_template};

pub(super) fn compare(service: &Service, state: &State, turn: &Turn<'_>) -> Result<Comparison, Failure> {
    let unit = service.unit.as_str();
    match &state.unit.load {
        Load::NotFound => return absent(service, state, turn),
        Load::Bad(why) if wants_something(service) => {
            return Err(Failure::new(format!("{unit} cannot be used: {why}"))
                .help(format!("see `systemd-analyze verify {unit}` on the host")));
        }
        _ => {}
    }
    if is_template(unit) && (service.running.is_some() || !turn.due.is_empty()) {
        let instance = unit.replacen("@.", "@NAME.", 1);
        return Err(Failure::new(format!("{unit} is a template, which can be enabled but cannot run"))
            .help(format!("name an instance: {instance}")));
    }
    let mut comparison = Comparison::equal();
    if state.unit.needs_reload {
        comparison.differences.push(Difference::Action {
            verb: "daemon-reload".to_owned(),
            because: "its files were changed since systemd read them".to_owned(),
        });
    }
    masked(service, &state.unit, &mut comparison)?;
    enabled(service, state, &mut comparison)?;
    running(service, state, turn, &mut comparison)?;
    Ok(comparison)
}

/// Whether more is asked of the unit than not to be: to start, or to be there for a restart.
fn wants_something(service: &Service) -> bool {
    let only_triggers = (service.enabled, service.running, service.masked) == (None, None, None);
    service.enabled == Some(true) || service.running == Some(true) || only_triggers
}

/// A unit that is not there.
fn absent(service: &Service, state: &State, turn: &Turn<'_>) -> Result<Comparison, Failure> {
    let mut comparison = Comparison::equal();
    let certain = state.written;
    let may = state.brought.clone().filter(|_| !certain);
    if service.masked == Some(true) {
        // That needs no unit: it keeps one from coming.
        comparison.attribute("masked", None, "yes");
        return Ok(comparison);
    }
    let asked = |wanted: Option<bool>| match wanted {
        Some(true) => Some("yes"),
        // Whoever brings it may start it, as Debian's packages do; a unit file alone starts nothing.
        Some(false) if may.is_some() => Some("no"),
        _ => None,
    };
    // A unit whose file is written is there when its turn comes, neither enabled nor running.
    let before = certain.then_some("no");
    for (name, wanted) in [("enabled", service.enabled), ("running", service.running)] {
        if let Some(after) = asked(wanted) {
            comparison.attribute(name, before, after);
        }
    }
    if may.is_some() && service.running != Some(false) {
        comparison.differences.extend(action(turn.due));
    }
    if !(certain || may.is_some()) && wants_something(service) {
        return Err(missing(service.unit.as_str()));
    }
    if !comparison.is_equal() {
        comparison.may = may;
    }
    Ok(comparison)
}

fn masked(service: &Service, unit: &UnitState, comparison: &mut Comparison) -> Result<(), Failure> {
    let says = |masked: bool| if masked { "yes" } else { "no" };
    match service.masked {
        Some(masked) => {
            let is = if masked { unit.is_masked() } else { unit.load == Load::Masked };
            let own = unit.fragment.strip_prefix("/etc/systemd/system/") == Some(service.unit.as_str());
            if masked && !is && own {
                return Err(unmaskable(service.unit.as_str()));
            }
            comparison.attribute("masked", Some(says(is)), says(masked));
            Ok(())
        }
        None if unit.load == Load::Masked
            && (service.enabled == Some(true) || service.running == Some(true)) =>
        {
            let name = &service.unit;
            Err(Failure::new(format!("{name} is masked, so it can be neither enabled nor started"))
                .help(format!("if it may run again: `systemctl unmask {name}` on the host")))
        }
        None => Ok(()),
    }
}

fn enabled(service: &Service, state: &State, comparison: &mut Comparison) -> Result<(), Failure> {
    let Some(wanted) = service.enabled else {
        return Ok(());
    };
    if state.unit.load == Load::Masked {
        // Becomes visible with the mask gone; a mask that stays is as good as disabled.
        if wanted {
            comparison.attribute("enabled", None, "yes");
        }
        return Ok(());
    }
    let after = if wanted { "yes" } else { "no" };
    let is = match (state.unit.file.as_str(), state.script_enabled) {
        ("generated", Some(enabled)) => Some(enabled),
        // Its own file has no say: others that it names are enabled, or it is an instance's template.
        ("indirect" | "generated", _) => Some(wanted),
        _ => state.unit.is_enabled(),
    };
    if let Some(links) = &state.links {
        if links.no_section && !links.stray.is_empty() {
            return Err(unlinkable(&service.unit, "its file has no [Install] section any more"));
        }
        if !links.are_right() {
            comparison.differences.push(links.difference());
        }
        return Ok(());
    }
    match is {
        Some(is) if is == wanted => Ok(()),
        Some(_) => {
            let before = match state.script_enabled {
                Some(enabled) => if enabled { "yes" } else { "no" }.to_owned(),
                None => state.unit.enabled(),
            };
            comparison.attribute("enabled", Some(&before), after);
            Ok(())
        }
        // Static or transient.
        None if !wanted => Ok(()),
        // A new file may have what the old one lacks.
        None if state.written => {
            comparison.attribute("enabled", Some(&state.unit.enabled()), after);
            Ok(())
        }
        None => Err(unlinkable(&service.unit, &format!("it is {}", state.unit.file))),
    }
}

/// A unit that has no say in whether it is started at boot.
fn unlinkable(unit: &UnitName, why: &str) -> Failure {
    Failure::new(format!("{unit} cannot be enabled: {why}")).help(
        "a unit without an [Install] section is started by others that need it; leave `.enabled()` out, or give its file \
         such a section",
    )
}

fn running(
    service: &Service,
    state: &State,
    turn: &Turn<'_>,
    comparison: &mut Comparison,
) -> Result<(), Failure> {
    let unit = &state.unit;
    match service.running {
        Some(true) if !unit.is_running() => {
            if unit.ends_by_itself() && !state.written && !unit.needs_reload {
                let name = &service.unit;
                return Err(Failure::new(format!(
                    "{name} does its work and ends, so it is never found running"
                ))
                .help(
                    "it is of `Type=oneshot`: let a timer start it, run it with a command, or add \
                         `RemainAfterExit=yes`",
                ));
            }
            comparison.attribute("running", Some(&unit.running()), "yes");
            // It will read its files when it starts: nothing else is due.
            return Ok(());
        }
        Some(false) => {
            if !unit.is_stopped() {
                if turn.look != Look::First && !state.starters.is_empty() {
                    return Err(started_again(&service.unit, &state.starters));
                }
                comparison.attribute("running", Some(&unit.running()), "no");
            }
            return Ok(());
        }
        _ => {}
    }
    // What does not run and need not has nothing to read again.
    if unit.is_running()
        && let Some(action) = action(turn.due)
    {
        let reload = matches!(&action, Difference::Action { verb, .. } if verb == "reload");
        if reload && !unit.can_reload && !state.written && !unit.needs_reload {
            return Err(unreloadable(service.unit.as_str()));
        }
        comparison.differences.push(action);
    }
    Ok(())
}

/// What is due: one restart or else one reload, however many tasks ask for it.
fn action(due: &[Due]) -> Option<Difference> {
    let strongest = [Action::Restart, Action::Reload]
        .into_iter()
        .find(|action| due.iter().any(|due| due.action == *action))?;
    let mut causes: Vec<&str> = Vec::new();
    for due in due.iter().filter(|due| due.action == strongest) {
        if !causes.contains(&due.because.as_str()) {
            causes.push(&due.because);
        }
    }
    Some(Difference::Action { verb: strongest.to_string(), because: causes.join(", ") })
}

/// A unit that was stopped, and was started since.
fn started_again(unit: &UnitName, starters: &[String]) -> Failure {
    let starts = if starters.len() == 1 { "starts" } else { "start" };
    Failure::new(format!("{unit} was stopped and runs again: {} {starts} it", starters.join(" and ")))
        .help(format!("declare before it {}", instead(starters)))
}

/// A unit that has no way to be reloaded.
pub(super) fn unreloadable(unit: &str) -> Failure {
    Failure::new(format!("{unit} cannot be reloaded"))
        .help("use `restart_on`, or give its unit file an `ExecReload=`")
}
