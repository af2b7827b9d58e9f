//! The agent's first message.

use serde::{Deserialize, Serialize};

use super::frame::{Message, Phase};
use super::outcome::Failure;
use crate::hash::Hash;

/// What the agent says first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Greeting {
    /// Which agent this is and where it runs.
    Hello {
        /// The hash of its own executable.
        agent: Hash,
        /// The machine (`/etc/machine-id`), to notice that it was cloned.
        machine: String,
    },
    /// The opening could not be understood; nothing more comes.
    Refused(Failure),
}

impl Message for Greeting {
    const PHASE: Phase = Phase::Greeting;
}
