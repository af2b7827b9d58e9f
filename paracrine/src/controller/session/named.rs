//! What an agent says of the tasks of its plan, with the words of the plan.

use paracrine_model::content::Content;
use paracrine_model::plan::{HostPlan, Task};
use paracrine_model::protocol::{Difference, Failure, Report};

use super::Session;
use crate::controller::connection::Connector;
use crate::event::{NewContent, TaskName, TaskReport};

/// Larger contents are not shown.
const LARGEST_SHOWN: u64 = 256 * 1024;

impl<C: Connector> Session<'_, C> {
    /// The plan, decoded when it is first asked for: a host with nothing to do has nobody read it here.
    pub(super) fn plan(&self) -> Result<&HostPlan, Failure> {
        if let Some(plan) = self.plan.get() {
            return Ok(plan);
        }
        let host = &self.shared.job.hosts[self.index];
        let plan = self.shared.site.plan(host).map_err(|broken| Failure::new(broken.to_string()))?;
        Ok(self.plan.get_or_init(|| plan))
    }

    /// What came of a task, as people read it.
    pub(super) fn report(&self, report: Report) -> Result<TaskReport, Failure> {
        let name = self.task(report.task)?;
        let any = |is: fn(&Difference) -> bool| report.differences.iter().any(is);
        let created = any(|difference| matches!(difference, Difference::Create));
        let differs = any(|difference| matches!(difference, Difference::Content { .. }));
        let content = (created || differs).then(|| self.new_content(report.task)).flatten();
        let attributes = if created { self.attributes(report.task) } else { Vec::new() };
        Ok(TaskReport { task: name, report: self.mask.report(report), content, attributes })
    }

    /// What the plan says of a task.
    fn attributes(&self, task: u32) -> Vec<(&'static str, String)> {
        let plan = self.plan().ok();
        let task = plan.and_then(|plan| task_at(plan, task));
        let attributes = task.map(|task| task.resource.attributes()).unwrap_or_default();
        attributes.into_iter().map(|(name, value)| (name, self.mask.text(&value))).collect()
    }

    /// What should be in the task's file, as it may be shown.
    fn new_content(&self, task: u32) -> Option<NewContent> {
        let task = task_at(self.plan().ok()?, task)?;
        Some(match task.resource.content()? {
            Content::Late(text) => {
                // Masked like the old content, so that what is alike looks alike.
                NewContent::Text(self.mask.text(&text.shown(&self.values)))
            }
            Content::Blob { hash, length } => {
                let text = (*length <= LARGEST_SHOWN)
                    .then(|| self.shared.site.blob(hash))
                    .flatten()
                    .and_then(|bytes| std::str::from_utf8(bytes).ok())
                    .filter(|text| !text.contains('\0'));
                match text {
                    Some(text) => NewContent::Text(self.mask.text(text)),
                    None => NewContent::Opaque { length: *length },
                }
            }
        })
    }

    /// A task as people know it.
    pub(super) fn task(&self, place: u32) -> Result<TaskName, Failure> {
        let plan = self.plan()?;
        task_at(plan, place).map(|task| task_name(place, task)).ok_or_else(|| {
            Failure::new(format!("the agent speaks of task {place}, the plan has {}", plan.tasks.len()))
        })
    }

    /// The first of the tasks that are being changed.
    pub(super) fn at(&self) -> Option<TaskName> {
        self.task(*self.at.first()?).ok()
    }
}

/// A task of a plan as people know it.
fn task_name(place: u32, task: &Task) -> TaskName {
    TaskName {
        place,
        kind: task.resource.kind().to_owned(),
        name: task.resource.name().to_owned(),
        origin: task.origin.clone(),
    }
}

fn task_at(plan: &HostPlan, place: u32) -> Option<&Task> {
    plan.tasks.get(usize::try_from(place).ok()?)
}
