//! The answer of `systemctl show`.

/// What is asked for of each unit.
pub(super) const PROPERTIES: [&str; 19] = [
    "Id",
    "LoadState",
    "LoadError",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "NeedDaemonReload",
    "FragmentPath",
    "Result",
    "ExecMainStatus",
    "MainPID",
    "NRestarts",
    "ConditionResult",
    "CanReload",
    "Type",
    "RemainAfterExit",
    "StateChangeTimestampMonotonic",
    "TriggeredBy",
    "DropInPaths",
];

/// Whether systemd could read a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Load {
    /// There is no such unit.
    #[default]
    NotFound,
    /// It is masked.
    Masked,
    /// It was read.
    Loaded,
    /// It is there and cannot be used; systemd's words for it.
    Bad(String),
}

/// A unit's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitState {
    /// Its own name, of several that it may have.
    pub id: String,
    /// Whether systemd could read it.
    pub load: Load,
    /// `active`, `inactive`, `failed`, `activating`, …
    pub active: String,
    /// `running`, `dead`, `auto-restart`, …
    pub sub: String,
    /// `enabled`, `disabled`, `static`, …; empty where there is no unit file.
    pub file: String,
    /// Whether its files were changed since systemd read them.
    pub needs_reload: bool,
    /// Its unit file.
    pub fragment: String,
    /// Why it failed, if it did: `exit-code`, `signal`, `timeout`, …
    pub result: String,
    /// With which status its main process ended.
    pub status: i32,
    /// Its main process, or 0.
    pub process: u32,
    /// How often systemd has restarted it by itself.
    pub restarts: u32,
    /// Whether a condition in its file kept it from being started.
    pub kept: bool,
    /// Whether it can be reloaded.
    pub can_reload: bool,
    /// A service's type: `simple`, `oneshot`, `notify`, …
    pub kind: String,
    /// Whether a oneshot service counts as running after it has ended.
    pub remains: bool,
    /// When it became what it is, in microseconds of the monotonic clock.
    pub changed: u64,
    /// The sockets, paths and timers that start it, with blanks between them.
    pub triggered_by: String,
    /// The files that add to its unit file, with blanks between them.
    pub drop_ins: String,
    /// Whether it is a template, which has no state but whether it is enabled.
    pub template: bool,
}

impl UnitState {
    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        matches!(self.active.as_str(), "active" | "reloading" | "refreshing")
    }

    /// Whether nothing of it runs.
    pub fn is_stopped(&self) -> bool {
        matches!(self.active.as_str(), "" | "inactive" | "failed")
    }

    /// Whether it is about to run or to stop.
    pub fn is_on_its_way(&self) -> bool {
        matches!(self.active.as_str(), "activating" | "deactivating") && self.sub != "auto-restart"
    }

    /// Makes of one that runs at this moment what it is: one that ends and is started again by systemd.
    pub(super) fn is_restarting(&mut self) {
        "activating".clone_into(&mut self.active);
        "auto-restart".clone_into(&mut self.sub);
    }

    /// Whether it runs, as it is shown: `yes`, `no`, `failed`, `activating (auto-restart)`.
    pub fn running(&self) -> String {
        match self.active.as_str() {
            "active" | "reloading" | "refreshing" => "yes".to_owned(),
            "" | "inactive" => "no".to_owned(),
            "failed" => "failed".to_owned(),
            other => format!("{other} ({})", self.sub),
        }
    }

    /// Whether it starts at boot. `None` where it has no say in that: other units start it, or it was generated.
    pub fn is_enabled(&self) -> Option<bool> {
        match self.file.as_str() {
            "enabled" | "alias" => Some(true),
            "static" | "indirect" | "generated" | "transient" => None,
            _ => Some(false),
        }
    }

    /// Whether it starts at boot, as it is shown: `yes`, `no`, `enabled-runtime`, `static`.
    pub fn enabled(&self) -> String {
        match self.file.as_str() {
            "enabled" | "alias" => "yes".to_owned(),
            "" | "disabled" => "no".to_owned(),
            other => other.to_owned(),
        }
    }

    /// Whether it is masked for good.
    pub fn is_masked(&self) -> bool {
        self.load == Load::Masked && self.file != "masked-runtime"
    }

    /// A service that does its work and ends, which can never be found running.
    pub fn ends_by_itself(&self) -> bool {
        self.kind == "oneshot" && !self.remains
    }
}

/// The units of an answer, in order: blocks of `Name=value`, with an empty line between two.
pub(super) fn parse(output: &str) -> Vec<UnitState> {
    let mut states = Vec::new();
    let mut state: Option<UnitState> = None;
    let (mut load, mut error) = (String::new(), String::new());
    // An empty line at the end finishes the last block.
    for line in output.lines().chain([""]) {
        if line.is_empty() {
            if let Some(mut done) = state.take() {
                done.load = loaded(&std::mem::take(&mut load), &std::mem::take(&mut error));
                states.push(done);
            }
            continue;
        }
        let state = state.get_or_insert_default();
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let text = || value.to_owned();
        match name {
            "Id" => state.id = text(),
            "LoadState" => load = text(),
            "LoadError" => error = text(),
            "ActiveState" => state.active = text(),
            "SubState" => state.sub = text(),
            "UnitFileState" => state.file = text(),
            "NeedDaemonReload" => state.needs_reload = value == "yes",
            "FragmentPath" => state.fragment = text(),
            "Result" => state.result = text(),
            "ExecMainStatus" => state.status = value.parse().unwrap_or_default(),
            "MainPID" => state.process = value.parse().unwrap_or_default(),
            "NRestarts" => state.restarts = value.parse().unwrap_or_default(),
            "ConditionResult" => state.kept = value == "no",
            "CanReload" => state.can_reload = value == "yes",
            "Type" => state.kind = text(),
            "RemainAfterExit" => state.remains = value == "yes",
            "StateChangeTimestampMonotonic" => state.changed = value.parse().unwrap_or_default(),
            "TriggeredBy" => state.triggered_by = text(),
            "DropInPaths" => state.drop_ins = text(),
            _ => {}
        }
    }
    states
}

fn loaded(state: &str, error: &str) -> Load {
    match state {
        "loaded" | "stub" | "merged" => Load::Loaded,
        "not-found" => Load::NotFound,
        "masked" => Load::Masked,
        // `org.freedesktop.systemd1.BadUnitSetting "Unit x.service has a bad unit file setting."`
        other => match error.split_once('"') {
            Some((_, text)) => {
                Load::Bad(text.trim_end().trim_end_matches('"').trim_end_matches('.').to_owned())
            }
            None if other.is_empty() => Load::Bad("systemd did not say how it was loaded".to_owned()),
            None => Load::Bad(other.to_owned()),
        },
    }
}
