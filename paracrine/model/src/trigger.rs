//! What makes a task act beyond its desired state.

use serde::{Deserialize, Serialize};

/// What a task does when an earlier task of its plan has changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Action {
    /// Restart the service.
    Restart,
    /// Reload the service.
    Reload,
    /// Run the command.
    Run,
}

/// `restart`
impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Run => "run",
        })
    }
}

/// An earlier task whose change makes this one act.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Trigger {
    /// Its place in the plan; always before the task that has the trigger.
    pub on: u32,
    /// What to do then.
    pub action: Action,
}
