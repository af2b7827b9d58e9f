//! systemd's units: one `systemctl show` for all that the plan is about, asked while other things are looked at;
//! asked again only after changes; and under it what a check has predicted.

mod act;
mod install;
mod show;
mod started;
#[cfg(test)]
mod tests;
mod wish;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use paracrine_model::name::{AbsolutePath, UnitName};
use paracrine_model::protocol::Failure;

pub(crate) use act::{act, journal, now, settle};
pub(crate) use install::{Install, Links, candidates};
pub use show::{Load, UnitState};
pub(crate) use started::does_not_run;
pub(crate) use wish::Wish;

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
    /// What tasks want of units.
    wishes: BTreeMap<String, Wish>,
    /// Units to be asked for together: all that tasks are about, but templates, which have no state, and what may start them.
    announced: BTreeSet<String>,
    /// The answer that is on its way, and to which question.
    prefetched: Option<(Vec<String>, Running)>,
    states: BTreeMap<String, UnitState>,
    /// The units' own names by those that they were asked for by; not forgotten.
    own_names: BTreeMap<String, String>,
    /// Links that enable units, by their places below the administrator's directory, once they were looked for.
    links: Option<Vec<(String, String)>>,
    /// When this began, in microseconds of the monotonic clock.
    begun: u64,
    /// Units that ran when they were asked for first.
    ran_before: BTreeSet<String>,
    /// What this run has started.
    started: BTreeMap<String, started::Start>,
    /// Whether nothing was asked since all was forgotten.
    forgotten: bool,
    /// Unit files were written and systemd was not told yet.
    changed: bool,
    /// Check only.
    predicted: BTreeMap<String, UnitState>,
    /// Check only: units whose files would have been written.
    predicted_files: BTreeSet<String>,
    /// Check only: files that would add to those of units.
    predicted_drop_ins: Vec<AbsolutePath>,
    /// Check only: files of units whose content is not known yet.
    unknown_files: BTreeSet<String>,
    /// Links below the administrator's directory that tasks are about.
    claimed_links: BTreeSet<String>,
}

impl Units {
    /// The units of this machine.
    pub fn new() -> Self {
        Self { begun: started::monotonic(), ..Self::default() }
    }

    /// Registers what a task wants of a unit before the first is asked for.
    pub(crate) fn announce(&mut self, unit: &UnitName, wish: Wish) {
        let unit = unit.as_str();
        self.wishes.insert(unit.to_owned(), wish);
        if is_template(unit) {
            return;
        }
        self.announced.insert(unit.to_owned());
        // What starts a service is called like it, nearly always: so it is known without asking once more.
        if let (true, Some(stem)) = (wish.wants_less(), unit.strip_suffix(".service")) {
            self.announced.extend(["socket", "path", "timer"].map(|kind| format!("{stem}.{kind}")));
        }
    }

    /// Registers a path that a task is about.
    pub(crate) fn announce_link(&mut self, path: &AbsolutePath) {
        if let Some(place) = path.as_str().strip_prefix(UNIT_DIRECTORIES[0]) {
            self.claimed_links.insert(place.trim_start_matches('/').to_owned());
        }
    }

    /// What tasks want of a unit.
    pub(crate) fn wish(&self, unit: &str) -> Wish {
        self.wishes.get(unit).copied().unwrap_or_default()
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
        if is_below_units(path) {
            self.changed();
        }
    }

    /// Forgets what was asked; called after everything that may have changed the state of a unit.
    pub fn forget(&mut self) {
        self.states.clear();
        self.links = None;
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
            self.ask_for_all()?;
        }
        match self.states.get(unit) {
            Some(state) => Ok(state.clone()),
            // One unit that systemd cannot even name would spoil the answer for all.
            None => self.fresh(unit),
        }
    }

    fn ask_for_all(&mut self) -> Result<(), Failure> {
        let names: Vec<String> = self.announced.iter().cloned().collect();
        let finished = show(&names).run()?;
        self.learn(&names, &finished);
        Ok(())
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
                self.know(unit, state.clone());
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
        } else if is_below_units(path) {
            self.predicted_drop_ins.push(path.clone());
        }
    }

    /// Check: what would be put at a path is not known yet.
    pub(crate) fn predict_unknown(&mut self, path: &AbsolutePath) {
        if is_below_units(path) {
            self.unknown_files.insert(path.to_string());
        }
    }

    /// Check: whether it is not known what would be at a path.
    pub(crate) fn is_unknown(&self, path: &AbsolutePath) -> bool {
        self.unknown_files.contains(path.as_str())
    }

    /// Check: files that would add to that of a unit.
    pub(crate) fn predicted_drop_ins(&self, unit: &str) -> Vec<String> {
        let of: Vec<String> = std::iter::once(unit.to_owned())
            .chain(template_of(unit))
            .map(|name| format!("/{name}.d"))
            .collect();
        let adds = |path: &&AbsolutePath| {
            path.parent().is_some_and(|directory| of.iter().any(|end| directory.as_str().ends_with(end)))
        };
        self.predicted_drop_ins.iter().filter(adds).map(ToString::to_string).collect()
    }

    /// That tasks want contradictory things of one unit, which they know by different names, if they do. `names` are those
    /// that its file gives it.
    pub(crate) fn contradiction(&self, unit: &str, names: &[String]) -> Option<Failure> {
        let of = |name: &str| self.own_names.get(name).filter(|own| !own.is_empty()).cloned();
        let own = of(unit).unwrap_or_else(|| unit.to_owned());
        let wish = self.wish(unit);
        let same = |name: &str| {
            name != unit
                && (name == own
                    || of(name).is_some_and(|other| other == own)
                    || names.iter().any(|other| other == name))
        };
        self.wishes.iter().filter(|(name, _)| same(name)).find_map(|(other, theirs)| {
            let (ours, theirs) = wish.contradicts(theirs)?;
            let ((first, ours), (second, theirs)) = match *other == own {
                true => ((other.as_str(), theirs), (unit, ours)),
                false => ((unit, ours), (other.as_str(), theirs)),
            };
            let short = own.strip_suffix(".service").unwrap_or(&own);
            Some(
                Failure::new(format!(
                    "{first} and {second} are one unit, and the plan wants it {ours} and {theirs}"
                ))
                .help(format!("declare it once, as `plan.service(\"{short}\")`")),
            )
        })
    }

    /// Whether tasks are about units that are not there by the names that they use.
    pub(crate) fn wishes_for_missing(&self, unit: &str) -> bool {
        let missing = |name: &String| {
            name != unit && self.states.get(name).is_none_or(|state| state.load == Load::NotFound)
        };
        self.wishes.keys().any(missing)
    }

    /// Whether a unit file is predicted that makes this unit.
    pub fn predicts_unit_file(&self, unit: &str) -> bool {
        self.predicted_files.contains(unit)
            || template_of(unit).is_some_and(|template| self.predicted_files.contains(&template))
    }

    /// Whether this check has predicted the state of this unit.
    pub(crate) fn predicts(&self, unit: &str) -> bool {
        self.predicted.contains_key(unit)
    }

    /// Whether this check has predicted anything about units.
    pub fn predicts_anything(&self) -> bool {
        !(self.predicted.is_empty() && self.predicted_files.is_empty())
    }

    /// Takes in an answer: as many states as names, in their order; else nothing can be told from it.
    fn learn(&mut self, names: &[String], finished: &Finished) {
        let states = show::parse(&finished.output);
        if states.len() != names.len() {
            return;
        }
        if self.own_names.is_empty() {
            let runs = names.iter().zip(&states).filter(|(_, state)| state.is_running());
            self.ran_before.extend(runs.map(|(name, _)| name.clone()));
        }
        for (name, state) in names.iter().zip(states) {
            self.know(name, state);
        }
    }

    fn know(&mut self, name: &str, state: UnitState) {
        self.own_names.insert(name.to_owned(), state.id.clone());
        self.states.insert(name.to_owned(), state);
    }
}

/// Whether a path is where systemd reads units.
pub(crate) fn is_below_units(path: &AbsolutePath) -> bool {
    UNIT_DIRECTORIES.iter().any(|directory| Path::new(path.as_str()).starts_with(directory))
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
