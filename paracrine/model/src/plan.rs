//! Plans: what a host should be, as an ordered list of tasks.
//!
//! Roles fill a `Plan` through its builder methods (`plan.file(…)`, each in its resource's file); `Plan::finish` makes the
//! [`HostPlan`] that travels in the deploy binary.

mod value_use;

#[cfg(feature = "declare")]
pub use crate::declare::{AnyTask, Declared, TaskRef};
#[cfg(feature = "declare")]
pub use crate::resource::Plan;
pub use crate::trigger::{Action, Trigger};
pub use value_use::ValueUse;

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Place;
use crate::resource::Resource;
use crate::text::Text;

/// The line of a role that declared a task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// As rustc names it: relative to the workspace, absolute for dependencies.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

/// `roles/web.rs:12:10`
impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A task as an agent gets it: without what only people need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// What should be.
    pub resource: Resource,
    /// What makes it act beyond that.
    pub triggers: Vec<Trigger>,
}

/// A resource at its place in a host's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What should be, and what makes it act; a task is read as if these fields were its own.
    pub work: Work,
    /// Which line declared it.
    pub origin: Origin,
    /// The template or local file its content came from, relative to the site.
    pub source: Option<String>,
}

impl Task {
    /// The line that declared it, as a place for diagnostics.
    pub fn place(&self) -> Place {
        let Origin { file, line, column } = &self.origin;
        Place::new(file.as_str(), *line, *column, 0)
    }
}

impl Deref for Task {
    type Target = Work;

    fn deref(&self) -> &Work {
        &self.work
    }
}

/// A host's tasks in the order in which they are done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostPlan {
    /// In order; triggers point backwards.
    pub tasks: Vec<Task>,
}

impl HostPlan {
    /// All late text in it.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        self.tasks.iter().flat_map(|task| task.resource.texts())
    }
}

#[cfg(feature = "declare")]
impl Plan {
    /// The plan, and all that is wrong with it.
    ///
    /// Tasks declared twice alike become one, at the place of the first, with the triggers of all; what is declared
    /// twice differently is a problem that names both lines.
    pub fn finish(self) -> (HostPlan, crate::diagnostic::Diagnostics) {
        let (declared, problems) = self.into_tasks();
        let task = |task: crate::declare::Finished<Resource>| Task {
            work: Work { resource: task.resource, triggers: task.triggers },
            origin: Origin {
                file: task.location.file().to_owned(),
                line: task.location.line(),
                column: task.location.column(),
            },
            source: task.source,
        };
        (HostPlan { tasks: declared.into_iter().map(task).collect() }, problems)
    }
}
