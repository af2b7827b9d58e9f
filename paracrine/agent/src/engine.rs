//! Observe, compare, and in an apply: apply, and look at all of it once more at the end. The only place that knows whether a
//! run is a check.

#[cfg(test)]
pub(crate) mod bench;
mod causes;
mod closing;
mod one_path;
mod record;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Instant;

use paracrine_model::plan::Work;
use paracrine_model::protocol::{Difference, Failure, Lacking, Mode, Outcome, Report, Summary};

use crate::journal::{Debt, Journal};
use crate::lock::Lock;
use crate::manage::{Comparison, Due, Look, Turn};
use crate::port::{Ending, Leave, Port};
use crate::receipt::Receipt;
use crate::resource::{
    AnyObserved, announce, foresee, looked_at_at_once, step, together, tools_write, wants,
};
use crate::world::{Step, World, apart};

use causes::{Causes, Void};
use closing::Came;
use one_path::OnePath;

/// One run over one plan.
pub struct Engine<'t, P> {
    mode: Mode,
    tasks: &'t [Work],
    world: World,
    journal: Journal,
    /// Taken by the world when it may be changed.
    receipt: Option<Receipt>,
    /// Held in an apply.
    lock: Option<Lock>,
    identity: String,
    holder: String,
    port: Rc<RefCell<P>>,
    causes: Causes,
    /// By task.
    came: Vec<Came>,
    /// By task: whether it has tried to change something.
    acted: Vec<bool>,
    /// The paths of tasks that differ.
    one_path: OnePath,
    summary: Summary,
    /// That the controller has let this run change things.
    leave: Option<Leave>,
}

/// What a run brings with it.
pub struct Setup<'t, P> {
    /// Check or apply.
    pub mode: Mode,
    /// The plan.
    pub tasks: &'t [Work],
    /// The machine.
    pub world: World,
    /// Debts of earlier runs.
    pub journal: Journal,
    /// In an apply: where what it changes is recorded.
    pub receipt: Option<Receipt>,
    /// Held in an apply.
    pub lock: Option<Lock>,
    /// What the machine is deployed as.
    pub identity: String,
    /// Who runs this.
    pub holder: String,
    /// The controller.
    pub port: Rc<RefCell<P>>,
}

/// So many bytes of contents are asked for together at the most, and held until their turn; others are asked for at it.
const MOST_TOGETHER: u64 = 32 * 1024 * 1024;

/// How a run over the plan went on.
enum Flow {
    On,
    /// A task has failed, so those after its group are not done.
    Failed,
    End,
}

/// A task at its turn.
struct AtTurn<'t> {
    index: usize,
    observed: AnyObserved<'t>,
    comparison: Comparison,
    due: Vec<Due>,
}

impl<'t, P: Port> Engine<'t, P> {
    /// Prepares a run.
    pub fn new(setup: Setup<'t, P>) -> Self {
        let causes = Causes::new(setup.tasks, setup.journal.debts());
        Self {
            mode: setup.mode,
            tasks: setup.tasks,
            world: setup.world,
            journal: setup.journal,
            receipt: setup.receipt,
            lock: setup.lock,
            identity: setup.identity,
            holder: setup.holder,
            port: setup.port,
            causes,
            came: vec![Came::default(); setup.tasks.len()],
            acted: vec![false; setup.tasks.len()],
            one_path: OnePath::default(),
            summary: Summary::default(),
            leave: None,
        }
    }

    /// Goes through the plan.
    ///
    /// # Errors
    /// What keeps the run as a whole from going on; failures of tasks are reported, not returned.
    pub fn run(mut self) -> Result<Summary, Failure> {
        let is_clear = self.clear_up();
        self.forget_debts_of_nobody()?;
        for task in self.tasks {
            announce(&task.resource, &mut self.world);
        }
        // Runs while files are read.
        self.world.units.prefetch();
        let mut index = 0;
        while index < self.tasks.len() {
            let ending = self.port.borrow_mut().ending();
            if ending.is_some() {
                self.summary.stopped = true;
                self.summary.skipped += count(self.tasks.len() - index);
                break;
            }
            self.learn();
            let end = self.group(index);
            match self.group_of_tasks(index, end)? {
                Flow::On => index = end,
                Flow::Failed | Flow::End => break,
            }
        }
        self.world.paths.settle()?;
        let leave = self.leave.take();
        if let Some(leave) = &leave {
            // A unit file that no service came after; systemd reads it now.
            if let Err(failure) = self.world.units.daemon_reload_if_needed() {
                self.port.borrow_mut().notice(failure.message);
            }
            self.closing_look(leave);
        }
        self.end_receipt();
        if let (Some(_), Some(lock)) = (&leave, &mut self.lock) {
            lock.done();
        }
        if self.mode == Mode::Apply {
            if is_clear || leave.is_some() {
                self.journal.end();
            }
            self.journal.write()?;
        }
        Ok(self.summary)
    }

    /// Where the group of neighbours that begins at `index` ends: one task, unless its kind is applied together.
    fn group(&self, index: usize) -> usize {
        let first = &self.tasks[index].resource;
        if !together(first) {
            return index + 1;
        }
        let same = |task: &&Work| task.resource.kind() == first.kind();
        index + self.tasks[index..].iter().take_while(same).count()
    }

    fn group_of_tasks(&mut self, start: usize, end: usize) -> Result<Flow, Failure> {
        let began = Instant::now();
        if matches!(step(&self.tasks[start].resource), Step::Slow) {
            self.port.borrow_mut().flush();
        }
        let mut differing = Vec::new();
        let mut failed = Vec::new();
        for index in start..end {
            match self.observe(index) {
                Ok(task) if task.comparison.is_equal() => {
                    self.summary.unchanged += 1;
                    self.came[index] = Came::AsPlanned;
                    self.tell_notices();
                    // A reload that is owed by a service that no longer runs: nothing is left to be done.
                    if self.mode == Mode::Apply && !task.due.is_empty() {
                        self.journal.paid(&self.tasks[index].resource.to_string());
                    }
                }
                Ok(task) => match self.one_path.differs(self.tasks, index, &mut self.world) {
                    None => differing.push(task),
                    Some(failure) => failed.push((index, failure)),
                },
                Err(failure) => failed.push((index, failure)),
            }
        }
        let failures = !failed.is_empty();
        for (index, failure) in failed {
            self.fail(index, failure, Vec::new(), began);
        }
        // Those that go with one that fails are done all the same: it is not their fault.
        let flow = match self.mode {
            _ if differing.is_empty() => Flow::On,
            Mode::Check => {
                self.journal.can_be_written()?;
                self.announce(differing, began)
            }
            Mode::Apply => self.change(differing, end, began)?,
        };
        match flow {
            Flow::On if !failures => Ok(Flow::On),
            Flow::End => Ok(Flow::End),
            Flow::On | Flow::Failed => {
                self.summary.skipped += count(self.tasks.len() - end);
                Ok(Flow::End)
            }
        }
    }

    /// Observes and compares. What only may be due makes a change only possible. An apply does nothing with values that are
    /// not known yet.
    fn observe(&mut self, index: usize) -> Result<AtTurn<'t>, Failure> {
        let tasks: &'t [Work] = self.tasks;
        let due = self.causes.due(index);
        let (may, certain): (Vec<_>, Vec<_>) = due.into_iter().partition(|due| due.may);
        let turn = Turn { due: &certain, look: Look::First };
        let observed = AnyObserved::of(&tasks[index].resource, &turn, &mut self.world)?;
        let mut comparison = observed.compare(&turn, &self.world)?;
        let mut all = certain;
        if let Some(first) = may.first() {
            let because = first.because.clone();
            all.extend(may);
            let with_may = observed.compare(&Turn { due: &all, look: Look::First }, &self.world)?;
            if comparison.is_equal() && !with_may.is_equal() {
                comparison = with_may;
                comparison.may.get_or_insert(because);
            }
        }
        if !comparison.is_equal() {
            let written = tools_write(&tasks[index].resource, &comparison.differences);
            if let Some(obstacle) = self.world.obstacle_to(written) {
                return Err(obstacle);
            }
        }
        if self.mode == Mode::Apply && !comparison.is_equal() {
            for text in tasks[index].resource.texts() {
                self.world.require_known(text)?;
            }
        }
        Ok(AtTurn { index, observed, comparison, due: all })
    }

    /// Check: reports what differs and lays it over the world.
    fn announce(&mut self, differing: Vec<AtTurn<'t>>, began: Instant) -> Flow {
        let foreseen = match differing.as_slice() {
            [one] if self.alone(one) => {
                let foreseen = one.observed.rehearse(&mut self.world);
                if foreseen.is_ok() {
                    one.observed.predict(&mut self.world);
                }
                vec![foreseen]
            }
            all => {
                let all: Vec<_> = all.iter().map(|task| &task.observed).collect();
                AnyObserved::predict_all(&all, &mut self.world)
            }
        };
        let mut flow = Flow::On;
        for (AtTurn { index, comparison, .. }, foreseen) in differing.into_iter().zip(foreseen) {
            let Comparison { differences, may } = comparison;
            let outcome = match foreseen.map(|doubt| may.or(doubt)) {
                Err(failure) => {
                    self.fail(index, failure, differences, began);
                    flow = Flow::Failed;
                    continue;
                }
                Ok(Some(because)) => {
                    self.summary.may_change += 1;
                    self.causes.may_change(index, &because);
                    Outcome::MayChange { because }
                }
                Ok(None) => {
                    self.summary.changed += 1;
                    self.causes.changed(index);
                    Outcome::Changed
                }
            };
            self.report(index, outcome, differences, began);
        }
        flow
    }

    /// Apply: makes equal what differs.
    fn change(&mut self, differing: Vec<AtTurn<'t>>, end: usize, began: Instant) -> Result<Flow, Failure> {
        let first = differing.first().map_or(0, |task| task.index);
        if self.leave.is_none() {
            if let Some((index, failure)) = self.foreseen(&differing, end) {
                self.summary.failed += 1;
                self.summary.skipped += count(differing.len() + self.tasks.len() - end - 1);
                self.report(index, Outcome::Failed(failure), Vec::new(), began);
                return Ok(Flow::End);
            }
            if !self.ask_leave(first)? {
                self.summary.stopped = true;
                self.summary.skipped += count(differing.len() + self.tasks.len() - end);
                return Ok(Flow::End);
            }
        }
        // Before the change that causes them: a run that dies after it leaves its debts written down.
        let owed = self.owe(&differing);
        self.journal.write()?;
        for task in &differing {
            self.acted[task.index] = true;
            let resource = &self.tasks[task.index].resource;
            if let Some(lock) = &mut self.lock {
                lock.at(&resource.to_string());
            }
            if let Some(leave) = &self.leave {
                self.port.borrow_mut().begun(leave, count(task.index));
            }
        }
        if matches!(step(&self.tasks[first].resource), Step::Slow) {
            self.port.borrow_mut().flush();
        }
        if let Err(failure) = self.record(&differing) {
            self.forgive(&owed, None);
            self.journal.write()?;
            return Err(failure);
        }

        let mut alone = false;
        let applied = match differing.as_slice() {
            [one] if self.alone(one) => {
                alone = true;
                vec![one.observed.apply(&Turn { due: &one.due, look: Look::First }, &mut self.world)]
            }
            all => {
                let all: Vec<_> = all.iter().map(|task| &task.observed).collect();
                AnyObserved::apply_all(&all, &mut self.world)
            }
        };

        if applied.iter().any(Result::is_err) && self.world.undelivered() {
            // It has changed nothing: what it waited for does not come any more.
            self.forgive(&owed, None);
            self.journal.write()?;
            self.summary.stopped = true;
            self.summary.skipped += count(differing.len() + self.tasks.len() - end);
            return Ok(Flow::End);
        }

        let mut flow = Flow::On;
        for (AtTurn { index, comparison, .. }, applied) in differing.into_iter().zip(applied) {
            let at_once = applied.is_err() || looked_at_at_once(&self.tasks[index].resource);
            let again = if at_once { self.observe_again(index) } else { Ok(Comparison::equal()) };
            let untouched = again.as_ref().is_ok_and(|again| again.differences == comparison.differences);
            let outcome = match (applied, again) {
                // A single task that failed has failed even if it looks equal by now: a command may have made its
                // file and failed after. Of several that were applied at once, those that are equal have not.
                (Err(_), Ok(again)) if again.is_equal() && !alone => Ok(()),
                (Err(failure), _) => Err(failure),
                (Ok(()), Ok(again)) if again.is_equal() => Ok(()),
                (Ok(()), Ok(again)) => Err(Failure::new(format!(
                    "it still differs after it was applied: {}",
                    still_differs(&again.differences)
                ))
                .help("something else changes it at the same time, or it cannot be as the plan says")),
                (Ok(()), Err(failure)) => Err(failure),
            };
            match outcome {
                Ok(()) => {
                    self.summary.changed += 1;
                    self.came[index] = Came::Changed;
                    self.causes.changed(index);
                    self.journal.paid(&self.tasks[index].resource.to_string());
                    self.report(index, Outcome::Changed, comparison.differences, began);
                }
                Err(failure) => {
                    // It differs as it did before: whoever acts on its changes has nothing to do.
                    if untouched {
                        self.forgive(&owed, Some(index));
                    }
                    self.fail(index, failure, comparison.differences, began);
                    flow = Flow::Failed;
                }
            }
        }
        self.journal.write()?;
        Ok(flow)
    }

    /// Notes what tasks will owe when they change; gives back what was not owed before, with the task that would cause it.
    fn owe(&mut self, differing: &[AtTurn<'_>]) -> Vec<(usize, Debt)> {
        let mut new = Vec::new();
        for AtTurn { index, .. } in differing {
            for debt in self.causes.debts_of(*index) {
                if self.journal.owe(debt.clone()) {
                    new.push((*index, debt));
                }
            }
        }
        new
    }

    /// Strikes out what was noted for a task that has changed nothing, or for all of them.
    fn forgive(&mut self, owed: &[(usize, Debt)], index: Option<usize>) {
        for (_, debt) in owed.iter().filter(|(cause, _)| index.is_none_or(|index| index == *cause)) {
            self.journal.forgive(debt);
        }
    }

    /// Tells the controller that the lock is held and the first change at hand, and waits for its leave and for the contents
    /// that are lacking.
    fn ask_leave(&mut self, first: usize) -> Result<bool, Failure> {
        let lacking = self.lacking(first);
        let changes = self.changes(first, &lacking);
        let length = lacking.iter().map(|content| content.length).sum();
        let mut contents = Vec::new();
        let mut port = self.port.borrow_mut();
        let leave = port.ask_leave(lacking.clone()).and_then(|leave| {
            port.delivery(length, &mut |piece| contents.extend_from_slice(piece))?;
            Ok(leave)
        });
        drop(port);
        let leave = match leave {
            Ok(leave) => leave,
            Err(Ending::Stopped | Ending::Gone) => return Ok(false),
            Err(Ending::Silent) => return Err(Ending::Silent.failure()),
        };
        self.world.keep(apart(&contents, &lacking)?);
        self.learn();
        self.journal.begin(&self.identity, &self.holder);
        self.begin_receipt(first, &lacking, changes);
        self.leave = Some(leave);
        Ok(true)
    }

    /// Takes in values that have become known meanwhile.
    fn learn(&mut self) {
        let late = self.port.borrow_mut().late();
        late.into_iter().for_each(|values| self.world.learn(values));
    }

    /// Whether a task is applied alone, whatever neighbours it has.
    fn alone(&self, task: &AtTurn<'t>) -> bool {
        !together(&self.tasks[task.index].resource)
    }

    /// What is known before the first change to be impossible, of the tasks that are to come.
    fn foreseen(&mut self, differing: &[AtTurn<'t>], end: usize) -> Option<(usize, Failure)> {
        let coming = differing.iter().map(|task| task.index).chain(end..self.tasks.len());
        coming.into_iter().find_map(|index| {
            let foreseen = foresee(&self.tasks[index].resource, &mut self.world);
            foreseen.err().map(|failure| (index, failure))
        })
    }

    /// Observes and compares after a change: guards that need not hold by then are not asked, and nothing is due.
    fn observe_again(&mut self, index: usize) -> Result<Comparison, Failure> {
        let turn = Turn { due: &[], look: Look::After };
        AnyObserved::of(&self.tasks[index].resource, &turn, &mut self.world)?.compare(&turn, &self.world)
    }

    /// The contents that tasks from `first` on will want, as far as can be told before anything is changed: asked
    /// for at once, so that they cost one round trip and not one each.
    fn lacking(&mut self, first: usize) -> Vec<Lacking> {
        let mut lacking = Vec::new();
        let mut known = BTreeSet::new();
        let mut room = MOST_TOGETHER;
        for task in &self.tasks[first..] {
            let Some(content) = wants(&task.resource, &mut self.world) else { continue };
            if content.length <= room && known.insert(content.hash) {
                room -= content.length;
                lacking.push(content);
            }
        }
        lacking
    }

    fn fail(&mut self, index: usize, failure: Failure, differences: Vec<Difference>, began: Instant) {
        self.summary.failed += 1;
        self.report(index, Outcome::Failed(failure), differences, began);
    }

    fn report(&mut self, index: usize, outcome: Outcome, differences: Vec<Difference>, began: Instant) {
        let microseconds = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let report = Report { task: count(index), outcome, differences, microseconds };
        let report = self.world.mask(report);
        self.port.borrow_mut().report(report);
        self.tell_notices();
    }

    /// Tells what somebody should know of the task at hand.
    fn tell_notices(&mut self) {
        let notices = std::mem::take(&mut self.world.notices);
        notices.into_iter().for_each(|text| self.port.borrow_mut().notice(text));
    }

    /// Debts that nobody will pay are said and, in an apply, struck out.
    fn forget_debts_of_nobody(&mut self) -> Result<(), Failure> {
        for Void { debt, why } in self.causes.void() {
            let text = format!(
                "{} still owes a {} ({} changed in an earlier run), but {why}: {}",
                debt.task,
                debt.action,
                debt.because,
                match self.mode {
                    Mode::Check => "apply will forget it",
                    Mode::Apply => "forgotten",
                }
            );
            self.port.borrow_mut().notice(text);
            if self.mode == Mode::Apply {
                self.journal.forgive(debt);
            }
        }
        if self.mode == Mode::Apply { self.journal.write() } else { Ok(()) }
    }
}

/// What still differs, or differs again, in words.
fn still_differs(differences: &[Difference]) -> String {
    let what: Vec<String> = differences
        .iter()
        .map(|difference| match difference {
            Difference::Create => "it is not there".to_owned(),
            Difference::Remove { what } => format!("the {what} is still there"),
            Difference::Attribute { name, before, after } => {
                format!("{name} is {}, not {after}", before.as_deref().unwrap_or("not set"))
            }
            Difference::Content { .. } => "the content is another".to_owned(),
            Difference::Action { verb, because } => format!("{verb} is still due ({because})"),
        })
        .collect();
    what.join(", ")
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
