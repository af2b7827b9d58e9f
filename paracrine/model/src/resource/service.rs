//! The state of a systemd unit.

use serde::{Deserialize, Serialize};

use crate::facet::{Acts, Claim, Describe, Facets, Need, Reach, Shown, Undo};
use crate::name::UnitName;
use crate::take_apart;
#[cfg(feature = "declare")]
use crate::{
    declare::{AnyTask, Declared},
    diagnostic::Code,
    resource::Plan,
    trigger::Action,
};

/// Whether a unit starts at boot, runs now, or may not run at all. What is `None` is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The unit; `.service` where no type was said.
    pub unit: UnitName,
    /// Starts at boot.
    pub enabled: Option<bool>,
    /// Runs now.
    pub running: Option<bool>,
    /// Cannot be started by anybody.
    pub masked: Option<bool>,
    /// Seconds for which it has to stay after a run has started it; one where nothing is said.
    pub settled_for: Option<u32>,
}

/// A run waits no longer for a service that it has started.
#[cfg(feature = "declare")]
const LONGEST_SETTLING: u32 = 3600;

impl Describe for Service {
    const KIND: &'static str = "service";

    fn name(&self) -> &str {
        self.unit.as_str().strip_suffix(".service").unwrap_or(self.unit.as_str())
    }

    fn facets(&self) -> Facets<'_> {
        take_apart!(let Service { unit, enabled, running, masked, settled_for } = self; late);
        let says = |name, value: Option<&bool>| {
            value.map(|value| (name, Shown::from(if *value { "yes" } else { "no" })))
        };
        let settled = settled_for.map(|seconds| ("settled_for", Shown::said(format_args!("{seconds} s"))));
        let attributes =
            [says("enabled", enabled), says("running", running), says("masked", masked), settled];
        Facets {
            late,
            claims: vec![Claim::Unit(unit.as_str())],
            needs: vec![Need::Unit(unit.as_str())],
            provides: vec![],
            acts: Acts::WhenDifferent,
            removes: false,
            reach: Reach::Anything,
            undo: Undo::Not("what a service did while it ran stays done"),
            attributes: attributes.into_iter().flatten().collect(),
        }
    }
}

#[cfg(feature = "declare")]
impl Plan {
    /// Declares the state of a service, or of another unit if the name has its type (`backup.timer`).
    #[track_caller]
    pub fn service(&self, name: impl AsRef<str>) -> Declared<'_, Service> {
        let name = name.as_ref();
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        let full = match ending {
            Some(ending) if crate::name::UNIT_TYPES.contains(&ending) => name.to_owned(),
            _ => format!("{name}.service"),
        };
        match self.parse(Code::BAD_NAME, UnitName::WHAT, &full, UnitName::parse) {
            Some(unit) => {
                self.declare(Service { unit, enabled: None, running: None, masked: None, settled_for: None })
            }
            None => self.nothing(),
        }
    }
}

#[cfg(feature = "declare")]
impl Declared<'_, Service> {
    /// Starts at boot.
    #[track_caller]
    pub fn enabled(self) -> Self {
        self.adjust(|service| service.enabled = Some(true)).or_masked("enabled")
    }

    /// Does not start at boot.
    pub fn disabled(self) -> Self {
        self.adjust(|service| service.enabled = Some(false))
    }

    /// Runs.
    #[track_caller]
    pub fn running(self) -> Self {
        self.adjust(|service| service.running = Some(true)).or_masked("running")
    }

    /// Does not run.
    pub fn stopped(self) -> Self {
        self.adjust(|service| service.running = Some(false))
    }

    /// Cannot be started by anybody: stopped, disabled and masked.
    #[track_caller]
    pub fn masked(self) -> Self {
        let this = self.adjust(|service| service.masked = Some(true));
        let this = this.or_masked("running").or_masked("enabled");
        this.adjust(|service| service.running = Some(false))
    }

    /// Reports that it should be what a masked unit cannot be.
    #[track_caller]
    fn or_masked(self, state: &str) -> Self {
        let both = self.look(|service| {
            let wanted = if state == "enabled" { service.enabled } else { service.running };
            (service.masked == Some(true) && wanted == Some(true)).then(|| service.name().to_owned())
        });
        if let Some(name) = both.flatten() {
            let message = format!("service `{name}` is both {state} and masked");
            self.plan().wrong(Code::BAD_VALUE, message, "a masked unit starts for nobody");
        }
        self
    }

    /// Can be started again, by hand or by other units.
    pub fn unmasked(self) -> Self {
        self.adjust(|service| service.masked = Some(false))
    }

    /// Has it run for so many seconds before a run that has started, restarted or reloaded it counts as done: for services
    /// that look well at first and end later than a second after.
    #[track_caller]
    pub fn settled_for(self, seconds: u32) -> Self {
        let seconds =
            self.plan().parse(Code::BAD_VALUE, "settling time", &format!("{seconds} s"), |_| match seconds {
                0 => Err("is none: leave `settled_for` out, and it is a second".to_owned()),
                1..=LONGEST_SETTLING => Ok(seconds),
                _ => Err("is longer than an hour, for which every run that starts it would wait".to_owned()),
            });
        self.adjust_with(seconds, |service, seconds| service.settled_for = Some(seconds))
    }

    /// Restarts it when the earlier task has changed something.
    #[track_caller]
    pub fn restart_on(self, task: &dyn AnyTask) -> Self {
        self.triggered(task, Action::Restart)
    }

    /// Reloads it when the earlier task has changed something; a restart that is due as well takes its place.
    #[track_caller]
    pub fn reload_on(self, task: &dyn AnyTask) -> Self {
        self.triggered(task, Action::Reload)
    }
}
