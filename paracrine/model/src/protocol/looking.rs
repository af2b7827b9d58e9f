//! An apply before it may change anything.

use serde::{Deserialize, Serialize};

use super::any_time::{AnyTime, Told};
use super::delivery::Lacking;
use super::frame::{Message, Phase};

/// What the agent says while it looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Looking {
    /// What it says at any time.
    Told(Told),
    /// Another run holds the lock; this one waits.
    Waiting {
        /// Who holds it.
        holder: String,
    },
    /// The lock is held, the first change is at hand: waits for [`WhileLooking::Leave`]. What follows is
    /// [`Poised`](super::Poised).
    Ready {
        /// Contents that the host lacks, as far as can be told now: a delivery of them has to follow the leave, unless there
        /// are none.
        lacking: Vec<Lacking>,
    },
}

impl Message for Looking {
    const PHASE: Phase = Phase::Looking;
}

/// What the controller says until it has given leave; afterwards it says [`AnyTime`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WhileLooking {
    /// What it says at any time.
    AnyTime(AnyTime),
    /// The host may be changed.
    Leave,
}

impl Message for WhileLooking {
    const PHASE: Phase = Phase::WhileLooking;
}
