//! An apply that changes things.

use serde::{Deserialize, Serialize};

use super::any_time::Told;
use super::frame::{Message, Phase};

/// What the agent says while it changes things.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Changing {
    /// What it says at any time.
    Told(Told),
    /// A task is about to change something.
    Begun {
        /// Its place in the plan.
        task: u32,
    },
    /// All that is done has been done, and is looked at once more. Reports that follow are of tasks that do not hold any more,
    /// be it that they were reported as changed before.
    ClosingLook,
}

impl Message for Changing {
    const PHASE: Phase = Phase::Changing;
}
