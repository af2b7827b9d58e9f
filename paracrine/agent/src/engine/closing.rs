//! The closing look: at the end of an apply that changed something, the whole plan is compared once more, when the services
//! that were started have had their time. What differs then has failed: a later task has undone it, or a service did not stay.

use std::time::{Duration, Instant};

use paracrine_model::facet::{Acts, Claim, Undo};
use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::{Difference, Failure, Outcome};
use paracrine_model::resource::Resource;

use super::{Engine, still_differs};
use crate::manage::{Comparison, Look, Turn};
use crate::port::{Leave, Port};
use crate::resource::AnyObserved;

/// How far a task has come in this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Came {
    /// It was not reached, or has failed and was told of.
    #[default]
    Nowhere,
    /// It was as it should be.
    AsPlanned,
    /// It was changed.
    Changed,
}

/// How often the controller is listened to while services have their time.
const TICK: Duration = Duration::from_millis(100);

/// How often is looked whether a service that has longer is gone.
const ROUND: Duration = Duration::from_secs(1);

/// For how long something that is on its way is waited for besides.
const PATIENCE: Duration = Duration::from_secs(30);

impl<P: Port> Engine<'_, P> {
    /// Looks at all tasks that were done. Nothing is looked at where nothing was changed, or where the run was stopped.
    pub(super) fn closing_look(&mut self, leave: &Leave) {
        if self.summary.changed == 0 || self.summary.stopped {
            return;
        }
        self.port.borrow_mut().closing(leave);
        self.port.borrow_mut().flush();
        if let Some(lock) = &mut self.lock {
            lock.at("the closing look");
        }
        self.world.forget();
        if !self.services_had_their_time() {
            return self.not_looked();
        }
        for index in 0..self.tasks.len() {
            if self.port.borrow_mut().ending().is_some() {
                return self.not_looked();
            }
            let changed = match self.came[index] {
                Came::Nowhere => continue,
                Came::AsPlanned => false,
                Came::Changed => true,
            };
            let began = Instant::now();
            let (failure, differences) = match self.look_once_more(index, changed) {
                Ok(comparison) if comparison.is_equal() => continue,
                Ok(comparison) => (self.undone(index, changed, &comparison), comparison.differences),
                Err(failure) => (self.blamed(index, failure), Vec::new()),
            };
            match changed {
                true => self.summary.changed -= 1,
                false => self.summary.unchanged -= 1,
            }
            self.summary.failed += 1;
            // What is not there has been shown when it was made.
            let shown = differences.into_iter().filter(|difference| *difference != Difference::Create);
            self.report(index, Outcome::Failed(failure), shown.collect(), began);
        }
    }

    fn look_once_more(&mut self, index: usize, changed: bool) -> Result<Comparison, Failure> {
        let turn = Turn { due: &[], look: Look::Closing { changed } };
        AnyObserved::of(&self.tasks[index].resource, &turn, &mut self.world)?.compare(&turn, &self.world)
    }

    /// Waits for it; `false` if the run has to end before.
    fn services_had_their_time(&mut self) -> bool {
        let give_up = Instant::now() + PATIENCE;
        // What systemd does not answer is said where a service is looked at.
        while let Ok(Some(left)) = self.world.units.left_to_settle() {
            if self.world.units.anyone_gone() || (left < ROUND && Instant::now() > give_up) {
                break;
            }
            let until = Instant::now() + left.min(ROUND);
            while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            {
                if self.port.borrow_mut().pause(left.min(TICK)).is_some() {
                    return false;
                }
            }
        }
        true
    }

    fn not_looked(&mut self) {
        self.summary.stopped = true;
        let notice = "stopped before the closing look was over: `check` shows whether all of it holds";
        self.port.borrow_mut().notice(notice.to_owned());
    }

    /// What has failed where a task was as it should be and is not any more.
    fn undone(&mut self, index: usize, changed: bool, comparison: &Comparison) -> Failure {
        let was = if changed { "it was made" } else { "it was as planned" };
        let what = still_differs(&comparison.differences);
        let culprits = self.culprits(index);
        match culprits.as_slice() {
            [] => Failure::new(format!("{was}, and is not so any more: {what}"))
                .help("no task after it can have done that: something else on the host changes it"),
            [one] => Failure::new(format!("{was}, and undone by {one}: {what}"))
                .help(format!("both cannot be: let {one} leave it as it is, or declare it as that makes it")),
            several => Failure::new(format!("{was}, and undone by a task after it: {what}"))
                .help(format!("one of these did it: {}", several.join(", "))),
        }
    }

    /// A failure with what may be behind it, where it has no help of its own.
    fn blamed(&mut self, index: usize, failure: Failure) -> Failure {
        if failure.help.is_some() {
            return failure;
        }
        match self.culprits(index).as_slice() {
            [] => failure,
            several => {
                let help = format!("after it came {}", several.join(", "));
                failure.help(help)
            }
        }
    }

    /// The tasks that may have undone what a task made, as far as that can be known: those after it that acted, and of
    /// those that are paths only, its own and those on the way to it. Commands first: nobody knows what they do.
    fn culprits(&mut self, index: usize) -> Vec<String> {
        let tasks = self.tasks;
        let paths = paths_of(&tasks[index].resource);
        let keys: Vec<String> = paths.iter().filter_map(|path| self.world.paths.key(path)).collect();
        let (mut first, mut later) = (Vec::new(), Vec::new());
        for (other, task) in tasks.iter().enumerate().skip(index + 1) {
            if !self.acted[other] {
                continue;
            }
            let facets = task.resource.facets();
            if let (Undo::Paths(theirs), false) = (&facets.undo, keys.is_empty()) {
                let theirs: Vec<String> =
                    theirs.iter().filter_map(|path| self.world.paths.key(path)).collect();
                let touches = |ours: &String| theirs.iter().any(|theirs| are_on_one_way(ours, theirs));
                if !keys.iter().any(touches) {
                    continue;
                }
            }
            match facets.acts {
                Acts::WhenDifferent => later.push(named(&task.resource)),
                Acts::WhenGuardsSay | Acts::WhenTriggered { .. } => first.push(named(&task.resource)),
            }
        }
        first.append(&mut later);
        const MOST: usize = 4;
        if let Some(more @ 1..) = first.len().checked_sub(MOST) {
            first.truncate(MOST);
            first.push(format!("and {more} more"));
        }
        first
    }
}

/// The paths that a task decides about.
fn paths_of(resource: &Resource) -> Vec<AbsolutePath> {
    let claims = resource.facets().claims;
    let paths = claims.iter().filter_map(|claim| match claim {
        Claim::Path(path) => AbsolutePath::parse(path).ok(),
        _ => None,
    });
    paths.collect()
}

/// Whether one path is the other or lies below it.
fn are_on_one_way(one: &str, other: &str) -> bool {
    let leads = |from: &str, to: &str| {
        to.strip_prefix(from).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || from == "/")
    };
    leads(one, other) || leads(other, one)
}

/// ``command `rm -f /srv/a` ``, `file /srv/a`
fn named(resource: &Resource) -> String {
    match resource.name().contains(char::is_whitespace) {
        true => format!("{} `{}`", resource.kind(), resource.name()),
        false => resource.to_string(),
    }
}

#[cfg(test)]
mod tests;
