//! Services that a run has started, restarted or reloaded, by whatever means: whether they stay.

use std::time::{Duration, Instant};

use paracrine_model::protocol::Failure;

use super::{UnitState, Units, journal};

/// For how long a service has to stay where its task says nothing else.
const SETTLED: Duration = Duration::from_secs(1);

/// How soon something is looked at again that is on its way.
const ON_ITS_WAY: Duration = Duration::from_millis(200);

/// What a run did to a service.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// `start`, `restart`, `reload`
    verb: &'static str,
    at: Instant,
    /// The same in the seconds that the journal counts in.
    since: u64,
    /// How often systemd had restarted it by itself until then.
    restarts: u32,
}

impl Units {
    /// Notes that a task has started, restarted or reloaded a service, which runs since.
    pub(crate) fn started(&mut self, unit: &str, verb: &'static str, since: u64, state: &UnitState) {
        let start = Start { verb, at: Instant::now(), since, restarts: state.restarts };
        self.started.insert(unit.to_owned(), start);
    }

    /// How long it takes from now until all services that this run has started have had their time; nothing if none was
    /// started. Those are seen as well that a package or a command has started. Asks systemd once, if the plan has services
    /// that should run.
    ///
    /// # Errors
    /// systemd does not answer.
    pub(crate) fn left_to_settle(&mut self) -> Result<Option<Duration>, Failure> {
        let runs = self.wishes.values().any(|wish| wish.running == Some(true));
        if !runs && self.started.is_empty() {
            return Ok(None);
        }
        self.forget();
        self.ask_for_all()?;
        if self.states.values().any(|state| state.needs_reload) {
            self.daemon_reload()?;
            self.ask_for_all()?;
        }
        let mut left = Duration::ZERO;
        for (unit, state) in &self.states {
            let wish = self.wishes.get(unit).copied().unwrap_or_default();
            if wish.running == Some(true) && state.changed > self.begun && !self.started.contains_key(unit) {
                // By a package or a command.
                let age = Duration::from_micros(monotonic().saturating_sub(state.changed));
                let start = Start {
                    verb: "start",
                    at: Instant::now().checked_sub(age).unwrap_or_else(Instant::now),
                    since: super::now().saturating_sub(age.as_secs() + 1),
                    restarts: if self.ran_before.contains(unit) { state.restarts } else { 0 },
                };
                self.started.insert(unit.clone(), start);
            }
            let Some(start) = self.started.get(unit) else { continue };
            // A command may have started it once more.
            let since_change = match state.changed > self.begun {
                true => Duration::from_micros(monotonic().saturating_sub(state.changed)),
                false => Duration::MAX,
            };
            let age = start.at.elapsed().min(since_change);
            // What has no process of its own (a timer, a mount, a service that has done its work) cannot end by itself.
            let settled = match wish.settled_for {
                None if state.process == 0 && state.sub != "auto-restart" => Duration::ZERO,
                settled => settled.unwrap_or(SETTLED),
            };
            left = left.max(settled.saturating_sub(age));
            if state.is_on_its_way() {
                left = left.max(ON_ITS_WAY);
            }
        }
        Ok(Some(left).filter(|left| !left.is_zero()))
    }

    /// Whether one that this run has started is known to be gone.
    pub(crate) fn anyone_gone(&self) -> bool {
        self.started.iter().any(|(unit, start)| {
            let wanted = self.wishes.get(unit).is_some_and(|wish| wish.running == Some(true));
            self.states.get(unit).is_some_and(|state| gone(start, wanted, state).is_some())
        })
    }

    /// That a service which this run has started did not stay, if that is so; `wanted` is whether the plan says that it runs.
    pub(crate) fn not_stayed(&self, unit: &str, wanted: bool, state: &UnitState) -> Option<Failure> {
        let start = self.started.get(unit)?;
        let state = gone(start, wanted, state)?;
        Some(Failure::new(does_not_run(unit, start.verb, &state)).output(journal(unit, start.since)))
    }
}

/// The state of a service that did not stay, as it is to be told.
fn gone(start: &Start, wanted: bool, state: &UnitState) -> Option<UnitState> {
    let mut state = state.clone();
    if state.restarts > start.restarts && state.is_running() {
        state.is_restarting();
    }
    let gone = match wanted {
        true => !state.is_running() && !state.ends_by_itself(),
        // Somebody may have stopped it.
        false => state.active == "failed" || state.sub == "auto-restart",
    };
    gone.then_some(state)
}

/// Of a service that was started, restarted or reloaded.
pub(crate) fn does_not_run(unit: &str, verb: &str, state: &UnitState) -> String {
    let why = state.why();
    match verb {
        "reload" => format!("{unit} was reloaded and does not run any more: {why}"),
        _ => format!("{unit} was {verb}ed and does not run: {why}"),
    }
}

/// Now, in the microseconds that systemd counts in.
pub(super) fn monotonic() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or_default() * 1_000_000
        + u64::try_from(now.tv_nsec).unwrap_or_default() / 1_000
}
