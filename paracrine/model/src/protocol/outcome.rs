//! What comes of tasks and runs, as both ends and the receipts know it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What came of one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Its place in the plan.
    pub task: u32,
    /// What came of it.
    pub outcome: Outcome,
    /// What differed (and, in an apply, has been made equal).
    pub differences: Vec<Difference>,
    /// How long it took.
    pub microseconds: u64,
}

/// What came of a task that was not as it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Check: apply will change it. Apply: it was changed, and is now as it should be.
    Changed,
    /// Check only: whether it will change cannot be known before earlier tasks are done.
    MayChange {
        /// Why not: `package nginx may bring it`.
        because: String,
    },
    /// It could not be looked at, or not be made equal.
    Failed(Failure),
}

/// Something that differs between what is and what should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Difference {
    /// It is not there.
    Create,
    /// It is there and should not be.
    Remove {
        /// What it is: `file`, `directory with 3 entries`.
        what: String,
    },
    /// One attribute differs.
    Attribute {
        /// Its name: `mode`, `owner`, `running`.
        name: String,
        /// As it is; `None` where there is none.
        before: Option<String>,
        /// As it should be.
        after: String,
    },
    /// The content differs.
    Content {
        /// As it is.
        before: OldContent,
    },
    /// Something is done that is no attribute: a restart, a command.
    Action {
        /// What: `restart`, `run`.
        verb: String,
        /// Why: `file /etc/app.conf changes`.
        because: String,
    },
}

/// The content of a file before it is replaced, as far as it may and can be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OldContent {
    /// There was none.
    None,
    /// Text, with secrets replaced by their names and lines that may hold old secrets by a mark.
    Text(String),
    /// Not text, or too large to be shown.
    Opaque {
        /// In bytes.
        length: u64,
    },
}

/// Why a task or run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong; lower case, no full stop.
    pub message: String,
    /// The last lines of a program's output or of the journal, if any say more.
    pub output: Option<String>,
    /// What to do next, if anything is known to help.
    pub help: Option<String>,
}

impl Failure {
    /// A failure that is told in a line.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), output: None, help: None }
    }

    /// Adds the last lines of a program's output.
    #[must_use]
    pub fn output(mut self, output: impl Into<String>) -> Self {
        self.output = Some(output.into()).filter(|output: &String| !output.trim().is_empty());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The end of a run in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Tasks that were as they should be.
    pub unchanged: u32,
    /// Tasks that were changed, or would be.
    pub changed: u32,
    /// Tasks that may change.
    pub may_change: u32,
    /// Tasks that failed.
    pub failed: u32,
    /// Tasks that were not reached, because an earlier one failed or the run was stopped.
    pub skipped: u32,
    /// Whether the run was stopped on demand.
    pub stopped: bool,
    /// Processor time of the agent and its children, in microseconds.
    pub cpu_microseconds: u64,
    /// The agent's largest resident size, in KiB.
    pub peak_kib: u64,
}

impl Summary {
    /// Of how many tasks it tells; each is counted once.
    pub fn tasks(&self) -> u64 {
        let Self { unchanged, changed, may_change, failed, skipped, .. } = *self;
        [unchanged, changed, may_change, failed, skipped].into_iter().map(u64::from).sum()
    }
}
