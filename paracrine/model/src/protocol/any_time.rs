//! What can be said whenever a run is on. A check consists of nothing else.

use serde::{Deserialize, Serialize};

use super::delivery::{Delivery, Lacking};
use super::frame::{Message, Phase};
use super::outcome::{Failure, Report, Summary};
use crate::late::LateValues;

/// What the agent says while it looks and while it changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Told {
    /// Something worth telling that belongs to no task: an earlier run was cut off, a debt was dropped.
    Notice(String),
    /// Contents turned out to be lacking: waits for all pieces of them ([`AnyTime::Delivery`]).
    Lacking(Vec<Lacking>),
    /// A task differed from its plan, or failed. Nothing is said of tasks that were as they should be.
    Report(Report),
    /// The end of the run.
    Done(Summary),
    /// The run ended before it could begin, or broke off; nothing more comes.
    Refused(Failure),
}

impl Message for Told {
    const PHASE: Phase = Phase::Checking;
}

/// What the controller says whenever it likes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AnyTime {
    /// A piece of the contents that were asked for.
    Delivery(Delivery),
    /// Values that have become known since the run began. They count from the next task on.
    Late(LateValues),
    /// The controller is still there, though the host has to wait.
    Ping,
    /// Stop after the task at hand.
    Stop,
}

impl Message for AnyTime {
    const PHASE: Phase = Phase::AnyTime;
}
