//! Which task makes which other act: triggers of this run, and debts of earlier ones.

use std::collections::BTreeMap;

use paracrine_model::plan::{Action, Work};

use crate::journal::Debt;
use crate::manage::Due;

/// What this run knows of causes so far.
pub(super) struct Causes {
    /// By task: what it is due.
    due: BTreeMap<usize, Vec<Due>>,
    /// By cause: the tasks that act on it.
    triggered: BTreeMap<usize, Vec<(usize, Action)>>,
    names: Vec<String>,
    /// Debts that the plan asks nobody to pay.
    void: Vec<Void>,
}

/// A debt of an earlier run that nobody will pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Void {
    pub(super) debt: Debt,
    /// `is no longer in the plan`
    pub(super) why: &'static str,
}

impl Causes {
    pub(super) fn new(tasks: &[Work], debts: &[Debt]) -> Self {
        let names: Vec<String> = tasks.iter().map(|task| task.resource.to_string()).collect();
        let place = |name: &str| names.iter().position(|known| known == name);
        let (mut due, mut void) = (BTreeMap::<usize, Vec<Due>>::new(), Vec::new());
        for debt in debts {
            let Some(index) = place(&debt.task) else {
                void.push(Void { debt: debt.clone(), why: "is no longer in the plan" });
                continue;
            };
            let actions = asked_today(&tasks[index], debt, place(&debt.because));
            if actions.is_empty() {
                void.push(Void { debt: debt.clone(), why: "the plan no longer asks for it" });
            }
            for action in actions {
                let because = format!("{}, owed from an earlier run", debt.because);
                let (all, one) = (due.entry(index).or_default(), Due { action, because, may: false });
                if !all.contains(&one) {
                    all.push(one);
                }
            }
        }
        let mut triggered: BTreeMap<usize, Vec<(usize, Action)>> = BTreeMap::new();
        for (index, task) in tasks.iter().enumerate() {
            for trigger in &task.triggers {
                triggered.entry(trigger.on as usize).or_default().push((index, trigger.action));
            }
        }
        Self { due, triggered, names, void }
    }

    /// What is demanded of a task by now.
    pub(super) fn due(&self, index: usize) -> Vec<Due> {
        self.due.get(&index).cloned().unwrap_or_default()
    }

    /// What other tasks will owe when this one changes.
    pub(super) fn debts_of(&self, index: usize) -> Vec<Debt> {
        let because = &self.names[index];
        let triggered = self.triggered.get(&index).map(Vec::as_slice).unwrap_or_default();
        triggered
            .iter()
            .map(|(task, action)| Debt {
                task: self.names[*task].clone(),
                action: *action,
                because: because.clone(),
            })
            .collect()
    }

    /// A task has changed, or certainly will.
    pub(super) fn changed(&mut self, index: usize) {
        let because = self.names[index].clone();
        self.add(index, &because, false);
    }

    /// A task may change.
    pub(super) fn may_change(&mut self, index: usize, because: &str) {
        let because = format!("{} may change: {because}", self.names[index]);
        self.add(index, &because, true);
    }

    fn add(&mut self, index: usize, because: &str, may: bool) {
        let triggered = self.triggered.get(&index).cloned().unwrap_or_default();
        for (task, action) in triggered {
            self.due.entry(task).or_default().push(Due { action, because: because.to_owned(), may });
        }
    }

    /// Debts that nobody will pay.
    pub(super) fn void(&self) -> &[Void] {
        &self.void
    }
}

/// What the plan of today has a task do for the cause of an old debt: a trigger that was taken away is owed no more, and one
/// that was changed is owed as it is now. A cause that has left the plan has taken its triggers along, but it did change: what
/// it owed is paid if the task still does that for others.
fn asked_today(task: &Work, debt: &Debt, cause: Option<usize>) -> Vec<Action> {
    let triggers = task.triggers.iter();
    match cause {
        Some(cause) => {
            triggers.filter(|trigger| trigger.on as usize == cause).map(|trigger| trigger.action).collect()
        }
        None => {
            triggers.map(|trigger| trigger.action).find(|action| *action == debt.action).into_iter().collect()
        }
    }
}
