//! Changing the state of a unit, and telling why that failed.

use std::time::{Duration, SystemTime};

use paracrine_model::protocol::Failure;

use super::{UnitState, Units, explained, systemctl};
use crate::world::process::{Program, ends_within, tail};

/// How long a service is watched right after its start. One that cannot read its configuration ends at once, and the tasks
/// after it should not be done then; what ends later is found by the closing look.
const WATCH: Duration = Duration::from_millis(20);

/// Lines of the journal that are shown with a failure.
const LINES: &str = "20";

/// Does one thing to one unit and waits for it to be done: `start`, `enable`, `mask`, …
pub(crate) fn act(units: &mut Units, verb: &str, unit: &str) -> Result<(), Failure> {
    // Whatever comes of it.
    units.forget();
    // Some services take their time; systemd's own limits apply before this one.
    let program = systemctl().args([verb, "--", unit]).timeout(Duration::from_secs(1800));
    program.run().and_then(explained).map(drop)
}

/// The state of a service that was just started, restarted or reloaded. systemd calls one of type `simple` started as soon
/// as there is a process, so its process is watched for a moment.
pub(crate) fn settle(units: &mut Units, unit: &str) -> Result<UnitState, Failure> {
    let state = units.fresh(unit)?;
    if !state.is_running() || state.process == 0 || !ends_within(state.process, WATCH) {
        return Ok(state);
    }
    // systemd learns of it when we do; whether it says so at once or restarts the service first, it did not stay.
    let restarts = state.restarts;
    let mut state = units.fresh(unit)?;
    // Its main process may be another by now without a restart (`systemctl kill`, sd_notify's MAINPID).
    if state.is_running() && state.restarts > restarts {
        state.is_restarting();
    }
    Ok(state)
}

/// What the unit wrote to the journal since then.
pub(crate) fn journal(unit: &str, since: u64) -> String {
    // Has journald write what it has got; without it the most telling lines are missing.
    let _ = Program::new("journalctl").args(["--sync"]).timeout(Duration::from_secs(10)).run();
    let since = format!("--since=@{since}");
    let asked = Program::new("journalctl")
        .args(["--no-pager", "-q", "-o", "cat", "-n", LINES, &since, "-u", unit])
        .separate()
        .timeout(Duration::from_secs(30))
        .run();
    asked.map(|finished| tail(&finished.output)).unwrap_or_default()
}

/// Now, in the seconds that [`journal`] counts in.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map(|time| time.as_secs()).unwrap_or_default()
}

impl UnitState {
    /// Why it does not run: `its program ended with status 3`.
    pub fn why(&self) -> String {
        match self.result.as_str() {
            "exit-code" if self.status == 203 => "its program cannot be executed".to_owned(),
            "exit-code" if self.status == 200 => "its working directory cannot be entered".to_owned(),
            "exit-code" if self.status == 217 => "its user does not exist".to_owned(),
            "exit-code" if self.status == 216 => "its group does not exist".to_owned(),
            "exit-code" => format!("its program ended with status {}", self.status),
            "signal" => format!("its program was ended by signal {}", self.status),
            "core-dump" => format!("its program crashed with signal {}", self.status),
            "timeout" => "it took too long".to_owned(),
            "watchdog" => "its watchdog ran out".to_owned(),
            "oom-kill" => "it was killed because memory ran out".to_owned(),
            "start-limit-hit" => "it was started too often in a short time".to_owned(),
            "protocol" => "it did not tell that it was ready".to_owned(),
            "resources" => "the system lacked what it needs".to_owned(),
            "success" | "" if self.kept && self.active == "inactive" => {
                "a condition in its unit file is not met, see `systemctl status`".to_owned()
            }
            _ if self.restarts > 0 && self.sub == "auto-restart" => {
                "it ends and is restarted again and again".to_owned()
            }
            "success" | "" if self.status == 0 => format!("it is {} ({})", self.active, self.sub),
            other => format!("it is {} ({other})", self.active),
        }
    }
}
