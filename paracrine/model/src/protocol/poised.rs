//! An apply that is about to change something and waits to be allowed to.

use serde::{Deserialize, Serialize};

use super::any_time::Told;
use super::frame::{Message, Phase};

/// What the agent says once it is ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Poised {
    /// What it says at any time: that it is done, as it was told to stop, or that it has waited in vain.
    Told(Told),
    /// It has its leave. What follows is [`Changing`](super::Changing).
    Left,
}

impl Message for Poised {
    const PHASE: Phase = Phase::Poised;
}
