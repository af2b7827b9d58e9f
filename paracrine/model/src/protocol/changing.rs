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
}

impl Message for Changing {
    const PHASE: Phase = Phase::Changing;
}
