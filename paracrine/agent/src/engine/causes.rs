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
}

impl Causes {
    pub(super) fn new(tasks: &[Work], debts: &[Debt]) -> Self {
        let names: Vec<String> = tasks.iter().map(|task| task.resource.to_string()).collect();
        let mut due: BTreeMap<usize, Vec<Due>> = BTreeMap::new();
        for debt in debts {
            if let Some(index) = names.iter().position(|name| *name == debt.task) {
                let because = format!("{}, owed from an earlier run", debt.because);
                due.entry(index).or_default().push(Due { action: debt.action, because, may: false });
            }
        }
        let mut triggered: BTreeMap<usize, Vec<(usize, Action)>> = BTreeMap::new();
        for (index, task) in tasks.iter().enumerate() {
            for trigger in &task.triggers {
                triggered.entry(trigger.on as usize).or_default().push((index, trigger.action));
            }
        }
        Self { due, triggered, names }
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

    /// Debts whose task is in no plan any more.
    pub(super) fn of_nobody(&self, debts: &[Debt]) -> Vec<Debt> {
        debts.iter().filter(|debt| !self.names.contains(&debt.task)).cloned().collect()
    }
}
