//! The report for programs: one JSON object per line, in the order in which things happen. [`crate::json_output`] says
//! what is in them; a change here is a change there.

use std::io::Write;
use std::time::Duration;

use paracrine_model::protocol::{Difference, Failure, Mode, OldContent, Outcome, Summary};
use serde_json::{Value, json};

use super::diff::{Line, diff};
use super::{Report, escape};
use crate::event::{Ending, Event, HostEvent, Run, Status, TaskName, TaskReport, Urgency};
use crate::reason::reason;

/// Writes events as they come.
pub(crate) struct Json<W> {
    to: W,
    run: Option<Run>,
    lost: Option<String>,
}

impl<W: Write> Json<W> {
    /// Writes to `to`.
    pub(crate) fn new(to: W) -> Self {
        Self { to, run: None, lost: None }
    }

    fn object(&self, event: &Event) -> Value {
        match event {
            Event::Started(run) => json!({
                "event": "started",
                "mode": mode(run.mode),
                "environment": run.environment,
                "hosts": run.hosts.iter().map(|h| json!({ "name": h.name, "tasks": h.tasks })).collect::<Vec<_>>(),
            }),
            Event::Interrupted(urgency) => json!({
                "event": "interrupted",
                "urgency": match urgency {
                    Urgency::AfterTask => "after_task",
                    Urgency::AtOnce => "at_once",
                },
            }),
            Event::Finished(totals) => json!({
                "event": "finished",
                "hosts": totals.hosts.iter().map(|(s, n)| (status(*s).to_owned(), json!(n))).collect::<serde_json::Map<_, _>>(),
                "refused": totals.refused,
                "seconds": seconds(totals.elapsed),
            }),
            Event::Host(host, event) => {
                let host =
                    self.run.as_ref().and_then(|run| run.hosts.get(*host)).map(|host| host.name.as_str());
                self.host(host, event)
            }
        }
    }

    fn host(&self, host: Option<&str>, event: &HostEvent) -> Value {
        match event {
            HostEvent::Connecting => json!({ "event": "connecting", "host": host }),
            HostEvent::Connected => json!({ "event": "connected", "host": host }),
            HostEvent::Ready => json!({ "event": "ready", "host": host }),
            HostEvent::Waiting { holder } => json!({ "event": "waiting", "host": host, "holder": holder }),
            HostEvent::Sent { sent, total } => {
                json!({ "event": "sent", "host": host, "bytes": sent, "of": total })
            }
            HostEvent::Begun(name) => json!({ "event": "begun", "host": host, "task": task(name) }),
            HostEvent::ClosingLook => json!({ "event": "closing_look", "host": host }),
            HostEvent::Notice(text) => json!({ "event": "notice", "host": host, "text": text }),
            HostEvent::Report(report) => {
                let (outcome, because, why) = match &report.report.outcome {
                    Outcome::Changed => ("changed", None, None),
                    Outcome::MayChange { because } => ("may_change", Some(because), None),
                    Outcome::Failed(why) => ("failed", None, Some(failure(why))),
                };
                let differences: Vec<_> =
                    report.report.differences.iter().map(|d| difference(d, report)).collect();
                json!({
                    "event": "report",
                    "host": host,
                    "task": task(&report.task),
                    "outcome": outcome,
                    "because": because,
                    "failure": why,
                    "differences": differences,
                    "seconds": seconds(Duration::from_micros(report.report.microseconds)),
                })
            }
            HostEvent::Ended { ending, elapsed } => {
                let mode = self.run.as_ref().map_or(Mode::Check, |run| run.mode);
                let (numbers, why, at) = match ending {
                    Ending::Done(numbers) => (Some(summary(numbers)), None, None),
                    Ending::Failed { failure: why, at } => (None, Some(failure(why)), at.as_ref().map(task)),
                    Ending::Unreachable(why) => (None, Some(failure(why)), None),
                    Ending::Held | Ending::NotBegun | Ending::After { .. } => (None, None, None),
                };
                let because = match ending {
                    Ending::After { failed } => Some(failed),
                    _ => None,
                };
                json!({
                    "event": "ended",
                    "host": host,
                    "status": status(ending.status(mode)),
                    "failed_before": because,
                    "summary": numbers,
                    "failure": why,
                    "task": at,
                    "seconds": seconds(*elapsed),
                })
            }
        }
    }
}

impl<W: Write> Report for Json<W> {
    fn event(&mut self, event: &Event) {
        if let Event::Started(run) = event {
            self.run = Some(run.clone());
        }
        let line = escape::json(&self.object(event));
        // The run goes on though nobody reads it any more; in the end that is told.
        if let Err(error) = writeln!(self.to, "{line}").and_then(|()| self.to.flush()) {
            self.lost.get_or_insert_with(|| reason(&error));
        }
    }

    fn lost(&self) -> Option<String> {
        self.lost.clone()
    }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Check => "check",
        Mode::Apply => "apply",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::AsPlanned => "as_planned",
        Status::Applied => "applied",
        Status::Pending => "pending",
        Status::Stopped => "stopped",
        Status::Held => "held",
        Status::NotBegun => "not_begun",
        Status::Unreachable => "unreachable",
        Status::Failed => "failed",
    }
}

fn task(task: &TaskName) -> Value {
    json!({
        "place": task.place,
        "kind": task.kind,
        "name": task.name,
        "file": task.origin.file,
        "line": task.origin.line,
        "column": task.origin.column,
    })
}

fn failure(failure: &Failure) -> Value {
    json!({ "message": failure.message, "output": failure.output, "help": failure.help })
}

fn difference(difference: &Difference, report: &TaskReport) -> Value {
    match difference {
        Difference::Create => {
            let attributes = report.attributes.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
            let content = report.content.as_ref().map(|_| lines(&OldContent::None, report));
            json!({
                "difference": "create",
                "attributes": attributes.collect::<serde_json::Map<_, _>>(),
                "diff": content,
            })
        }
        Difference::Remove { what } => json!({ "difference": "remove", "what": what }),
        Difference::Attribute { name, before, after } => {
            json!({ "difference": "attribute", "name": name, "before": before, "after": after })
        }
        Difference::Content { before } => {
            json!({ "difference": "content", "diff": lines(before, report) })
        }
        Difference::Action { verb, because } => {
            json!({ "difference": "action", "verb": verb, "because": because })
        }
    }
}

/// The lines of a unified diff.
fn lines(before: &OldContent, report: &TaskReport) -> Vec<String> {
    let lines = diff(before, report.content.as_ref()).into_iter();
    let line = |line| match line {
        Line::Hunk(text) | Line::Note(text) => text,
        Line::Same(text) => format!(" {text}"),
        Line::Old(text) => format!("-{text}"),
        Line::New(text) => format!("+{text}"),
    };
    lines.map(line).collect()
}

fn summary(summary: &Summary) -> Value {
    json!({
        "unchanged": summary.unchanged,
        "changed": summary.changed,
        "may_change": summary.may_change,
        "failed": summary.failed,
        "skipped": summary.skipped,
        "stopped": summary.stopped,
        "cpu_seconds": seconds(Duration::from_micros(summary.cpu_microseconds)),
        "peak_kib": summary.peak_kib,
    })
}

/// Seconds to the millisecond.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}
