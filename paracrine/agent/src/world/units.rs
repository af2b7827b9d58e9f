//! systemd's units: one `systemctl show` for all that the plan is about, asked while other things are looked at;
//! asked again only after changes; and under it what a check has predicted.

mod act;
mod show;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use paracrine_model::name::{AbsolutePath, UnitName};
use paracrine_model::protocol::Failure;

pub(crate) use act::{act, journal, now, settle};
pub use show::{Load, UnitState};

use super::process::{Finished, Program, Running};

/// Where unit files lie, those of the administrator first (systemd.unit(5), "Unit File Load Path").
pub(crate) const UNIT_DIRECTORIES: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// The units of the machine.
#[derive(Default)]
pub struct Units {
    /// Units that tasks are about, but templates, which have no state.
    announced: BTreeSet<String>,
    /// The answer that is on its way, and to which question.
    prefetched: Option<(Vec<String>, Running)>,
    states: BTreeMap<String, UnitState>,
    /// Whether nothing was asked since all was forgotten.
    forgotten: bool,
    /// Unit files were written and systemd was not told yet.
    changed: bool,
    /// Check only.
    predicted: BTreeMap<String, UnitState>,
    /// Check only: units whose files would have been written.
    predicted_files: BTreeSet<String>,
}

impl Units {
    /// The units of this machine.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a unit before the first is asked for.
    pub fn announce(&mut self, unit: &UnitName) {
        if !is_template(unit.as_str()) {
            self.announced.insert(unit.to_string());
        }
    }

    /// Asks for all that were announced, without waiting for the answer. Called once, before the first task.
    pub fn prefetch(&mut self) {
        if self.announced.is_empty() || self.prefetched.is_some() {
            return;
        }
        let names: Vec<String> = self.announced.iter().cloned().collect();
        // If it cannot be started, that is said when the first unit is asked for.
        if let Ok(running) = show(&names).start() {
            self.prefetched = Some((names, running));
        }
    }

    /// Tells that unit files were written: systemd reads them again before the next unit is looked at.
    pub fn changed(&mut self) {
        self.changed = true;
        self.forget();
    }

    /// Tells that a path was changed; see [`Self::changed`].
    pub fn changed_path(&mut self, path: &AbsolutePath) {
        if UNIT_DIRECTORIES.iter().any(|directory| Path::new(path.as_str()).starts_with(directory)) {
            self.changed();
        }
    }

    /// Forgets what was asked; called after everything that may have changed the state of a unit.
    pub fn forget(&mut self) {
        self.states.clear();
        self.prefetched = None;
        self.forgotten = true;
    }

    /// Has systemd read its unit files again if any were written since it did.
    ///
    /// # Errors
    /// systemd refuses, or is not there.
    pub fn daemon_reload_if_needed(&mut self) -> Result<(), Failure> {
        if self.changed { self.daemon_reload() } else { Ok(()) }
    }

    /// Has systemd read its unit files again.
    ///
    /// # Errors
    /// systemd refuses, or is not there.
    pub fn daemon_reload(&mut self) -> Result<(), Failure> {
        systemctl().args(["daemon-reload"]).run().and_then(explained)?;
        self.changed = false;
        self.forget();
        Ok(())
    }

    /// A unit as it is or is predicted.
    ///
    /// # Errors
    /// systemd does not answer.
    pub fn state(&mut self, unit: &str) -> Result<UnitState, Failure> {
        if let Some(predicted) = self.predicted.get(unit) {
            return Ok(predicted.clone());
        }
        self.daemon_reload_if_needed()?;
        if is_template(unit) {
            return template(unit);
        }
        if let Some((names, running)) = self.prefetched.take() {
            self.learn(&names, &running.wait()?);
        }
        if !self.states.contains_key(unit) {
            // Where each task changes something, each asks for its own unit; where none does, one asks for all.
            if self.forgotten {
                self.forgotten = false;
                return self.fresh(unit);
            }
            self.announced.insert(unit.to_owned());
            let names: Vec<String> = self.announced.iter().cloned().collect();
            let finished = show(&names).run()?;
            self.learn(&names, &finished);
        }
        match self.states.get(unit) {
            Some(state) => Ok(state.clone()),
            // One unit that systemd cannot even name would spoil the answer for all.
            None => self.fresh(unit),
        }
    }

    /// A unit as it is at this moment.
    ///
    /// # Errors
    /// systemd does not answer.
    pub fn fresh(&mut self, unit: &str) -> Result<UnitState, Failure> {
        if is_template(unit) {
            return template(unit);
        }
        let finished = show(&[unit.to_owned()]).run().and_then(explained)?;
        match show::parse(&finished.output).pop() {
            Some(state) => {
                self.states.insert(unit.to_owned(), state.clone());
                Ok(state)
            }
            None => Err(Failure::new(format!("systemd says nothing of {unit}")).output(finished.said())),
        }
    }

    /// Check: a unit would be in this state.
    pub fn predict(&mut self, unit: &UnitName, state: UnitState) {
        self.predicted.insert(unit.to_string(), state);
    }

    /// Check: something would have been put at a path. If that is the file of a unit, or of a template, there will be it.
    pub fn predict_path(&mut self, path: &AbsolutePath) {
        let directory = path.parent();
        let lies_there = directory.is_some_and(|directory| UNIT_DIRECTORIES.contains(&directory.as_str()));
        if let (true, Ok(unit)) = (lies_there, UnitName::parse(path.file_name())) {
            self.predicted_files.insert(unit.to_string());
        }
    }

    /// Whether a unit file is predicted that makes this unit.
    pub fn predicts_unit_file(&self, unit: &str) -> bool {
        self.predicted_files.contains(unit)
            || template_of(unit).is_some_and(|template| self.predicted_files.contains(&template))
    }

    /// Whether this check has predicted anything about units.
    pub fn predicts_anything(&self) -> bool {
        !(self.predicted.is_empty() && self.predicted_files.is_empty())
    }

    /// Takes in an answer: as many states as names, in their order; else nothing can be told from it.
    fn learn(&mut self, names: &[String], finished: &Finished) {
        let states = show::parse(&finished.output);
        if states.len() == names.len() {
            self.states.extend(names.iter().cloned().zip(states));
        }
    }
}

/// `name@.service`, which is no unit but the pattern of some.
pub(crate) fn is_template(unit: &str) -> bool {
    unit.rsplit_once('.').is_some_and(|(stem, _)| stem.ends_with('@'))
}

/// `name@.service` for `name@instance.service`.
pub(crate) fn template_of(unit: &str) -> Option<String> {
    let (stem, kind) = unit.rsplit_once('.')?;
    let (name, instance) = stem.split_once('@')?;
    (!instance.is_empty()).then(|| format!("{name}@.{kind}"))
}

fn systemctl() -> Program {
    Program::new("systemctl").args(["--no-pager", "--no-ask-password"])
}

fn show(names: &[String]) -> Program {
    let properties = format!("--property={}", show::PROPERTIES.join(","));
    systemctl().args(["show", &properties, "--"]).args(names).separate().timeout(Duration::from_secs(90))
}

/// A template has no state but whether it is enabled.
fn template(unit: &str) -> Result<UnitState, Failure> {
    let finished =
        systemctl().args(["is-enabled", "--", unit]).separate().timeout(Duration::from_secs(90)).run()?;
    let word = finished.output.trim();
    if word.is_empty() && !finished.errors.contains("No such file or directory") {
        explained(finished)?;
        return Err(Failure::new(format!("systemd says nothing of {unit}")));
    }
    // Since systemd 253 one that is missing is a word as well.
    let missing = matches!(word, "" | "not-found");
    let load = match word {
        _ if missing => Load::NotFound,
        "masked" | "masked-runtime" => Load::Masked,
        _ => Load::Loaded,
    };
    let file = if missing { String::new() } else { word.to_owned() };
    Ok(UnitState { load, file, template: true, ..UnitState::default() })
}

/// A program of systemd's that failed, with the reason in a line where it is known.
fn explained(finished: Finished) -> Result<Finished, Failure> {
    if finished.succeeded() {
        return Ok(finished);
    }
    let said = finished.said();
    let away =
        ["not been booted with systemd", "Failed to connect to bus", "Failed to connect to system scope bus"];
    if away.iter().any(|sign| said.contains(sign)) {
        return Err(Failure::new("systemd does not answer on this host")
            .output(super::process::tail(&said))
            .help("services need a host that was booted with systemd"));
    }
    Err(finished.failure())
}
