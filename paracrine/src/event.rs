//! What happens in a run, as one ordered stream. The controller tells it, reports draw it; neither knows the other.
//!
//! Events stand for themselves: whoever draws them needs no plan, no artifact and no connection.

use std::time::Duration;

use paracrine_model::plan::Origin;
use paracrine_model::protocol::{Failure, Mode, Report, Summary};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// A run begins; first, and once.
    Started(Run),
    /// Something happened on the host with this place in [`Run::hosts`].
    Host(usize, HostEvent),
    /// Somebody wants the run to end.
    Interrupted(Urgency),
    /// The run is over; last, and once.
    Finished(Totals),
}

/// What a run is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Whether it changes anything.
    pub mode: Mode,
    /// The environment.
    pub environment: String,
    /// The hosts in the order of the inventory.
    pub hosts: Vec<RunHost>,
}

/// A host of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunHost {
    /// Its name.
    pub name: String,
    /// How many tasks its plan has.
    pub tasks: u32,
}

/// Something that happened on one host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HostEvent {
    /// It is being connected to.
    Connecting,
    /// Its agent runs.
    Connected,
    /// Another run holds its lock; this run waits.
    Waiting {
        /// Who holds it.
        holder: String,
    },
    /// It is locked and about to be changed; waits for the other hosts.
    Ready,
    /// A task is about to change something.
    Begun(TaskName),
    /// All that was done is looked at once more; reports that follow are of what does not hold.
    ClosingLook,
    /// Contents that it lacks are on their way.
    Sent {
        /// So many bytes.
        sent: u64,
        /// Of so many.
        total: u64,
    },
    /// A task differed from the plan, or failed.
    Report(Box<TaskReport>),
    /// Something that belongs to no task.
    Notice(String),
    /// Nothing more happens on this host.
    Ended {
        /// How it ended.
        ending: Ending,
        /// Since its connection was begun.
        elapsed: Duration,
    },
}

/// A task as people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskName {
    /// Its place in the plan, from 0.
    pub place: u32,
    /// `file`
    pub kind: String,
    /// `/etc/motd`
    pub name: String,
    /// The line that declared it.
    pub origin: Origin,
}

/// `file /etc/motd`
impl std::fmt::Display for TaskName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// What came of a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TaskReport {
    /// Which task.
    pub task: TaskName,
    /// As the agent said it, with secrets' values masked once more.
    pub report: Report,
    /// The content that the task's file should have, if the content differs or the file is not there.
    pub content: Option<NewContent>,
    /// What the plan says of it, attribute by attribute, if it is not there.
    pub attributes: Vec<(&'static str, String)>,
}

/// The content that a file should have, as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NewContent {
    /// Text, with late values by their names.
    Text(String),
    /// Not text, or too large to be shown.
    Opaque {
        /// In bytes.
        length: u64,
    },
}

/// How a host's part of a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its agent came to the end of the plan, to a failed task, or was stopped.
    Done(Summary),
    /// The run broke off on this host.
    Failed {
        /// Why.
        failure: Failure,
        /// The task that was at hand.
        at: Option<TaskName>,
    },
    /// There was no way to the host.
    Unreachable(Failure),
    /// Nothing was changed, because the run was refused as a whole.
    Held,
    /// Nothing was begun, because the run was interrupted before.
    NotBegun,
    /// Nothing was changed, because another host failed before its turn came.
    After {
        /// The name of that host.
        failed: String,
    },
}

/// What an ending comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// All tasks were as planned.
    AsPlanned,
    /// Apply: tasks were changed, and all are as planned now.
    Applied,
    /// Check: tasks will change or may change.
    Pending,
    /// The run stopped on demand, or the host had no turn.
    Stopped,
    /// Not changed, because the run was refused.
    Held,
    /// Not changed, because another host failed before.
    NotBegun,
    /// No way to the host.
    Unreachable,
    /// Something failed.
    Failed,
}

impl Ending {
    /// Whether it is a reason to change no other host: a task has failed, or the host was lost `changing`.
    pub(crate) fn stops_others(&self, changing: bool) -> bool {
        match self {
            Self::Done(summary) => summary.failed > 0,
            Self::Failed { .. } => changing,
            Self::Unreachable(_) | Self::Held | Self::NotBegun | Self::After { .. } => false,
        }
    }

    /// What it comes down to.
    pub(crate) fn status(&self, mode: Mode) -> Status {
        match self {
            Self::Done(summary) if summary.failed > 0 => Status::Failed,
            Self::Done(summary) if summary.stopped => Status::Stopped,
            Self::Done(summary) if summary.changed + summary.may_change == 0 => Status::AsPlanned,
            Self::Done(_) if mode == Mode::Check => Status::Pending,
            Self::Done(_) => Status::Applied,
            Self::Failed { .. } => Status::Failed,
            Self::Unreachable(_) => Status::Unreachable,
            Self::Held => Status::Held,
            Self::NotBegun => Status::Stopped,
            Self::After { .. } => Status::NotBegun,
        }
    }
}

/// How soon a run is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// After the task at hand.
    AfterTask,
    /// At once: connections are dropped, agents end by themselves.
    AtOnce,
}

/// A run in numbers of hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Hosts by what came of them; each host is counted once.
    pub hosts: std::collections::BTreeMap<Status, usize>,
    /// Why the run was refused as a whole, if it was.
    pub refused: Vec<String>,
    /// Since the run began.
    pub elapsed: Duration,
}

impl Totals {
    /// How many hosts came to this.
    pub(crate) fn count(&self, status: Status) -> usize {
        self.hosts.get(&status).copied().unwrap_or_default()
    }
}
