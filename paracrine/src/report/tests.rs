//! What reports look like, word for word.

mod stream;
mod task;
mod terminal;

use std::time::Duration;

use paracrine_model::plan::Origin;
use paracrine_model::protocol::{Difference, Mode, OldContent, Outcome};

use super::{Json, Lines, Report, Terminal};
use crate::event::{Ending, Event, HostEvent, Run, RunHost, Status, TaskName, TaskReport, Totals};
use crate::testing::{Paper, plain};

fn run(mode: Mode, hosts: &[&str]) -> Event {
    let hosts = hosts.iter().map(|name| RunHost { name: (*name).into(), tasks: 190 }).collect();
    Event::Started(Run { mode, environment: "dev".into(), hosts })
}

fn name(place: u32, kind: &str, name: &str) -> TaskName {
    let origin = Origin { file: "roles/web.rs".into(), line: 10 + place, column: 10 };
    TaskName { place, kind: kind.into(), name: name.into(), origin }
}

fn report(task: TaskName, outcome: Outcome, differences: Vec<Difference>) -> TaskReport {
    let report =
        paracrine_model::protocol::Report { task: task.place, outcome, differences, microseconds: 1200 };
    TaskReport { task, report, content: None, attributes: Vec::new() }
}

fn told(host: usize, report: TaskReport) -> Event {
    Event::Host(host, HostEvent::Report(Box::new(report)))
}

fn ended(host: usize, ending: Ending) -> Event {
    Event::Host(host, HostEvent::Ended { ending, elapsed: Duration::from_millis(240) })
}

fn finished(hosts: &[(Status, usize)], refused: &[&str]) -> Event {
    Event::Finished(Totals {
        hosts: hosts.iter().copied().collect(),
        refused: refused.iter().map(ToString::to_string).collect(),
        elapsed: Duration::from_millis(310),
    })
}

fn attribute(name: &str, before: Option<&str>, after: &str) -> Difference {
    Difference::Attribute { name: name.into(), before: before.map(Into::into), after: after.into() }
}

fn old(text: &str) -> Difference {
    Difference::Content { before: OldContent::Text(text.into()) }
}

fn terminal(events: &[Event]) -> String {
    let paper = Paper::default();
    let mut report = Terminal::new(paper.clone(), false);
    events.iter().for_each(|event| report.event(event));
    plain(&paper.text())
}

fn json(events: &[Event]) -> String {
    let paper = Paper::default();
    let mut report = Json::new(paper.clone());
    events.iter().for_each(|event| report.event(event));
    plain(&paper.text())
}

fn lines(events: &[Event]) -> String {
    let paper = Paper::default();
    let mut report = Lines::new(paper.clone());
    events.iter().for_each(|event| report.event(event));
    plain(&paper.text())
}

/// One report under its host's name.
fn shown(report: TaskReport) -> String {
    super::task::task(&report, false).lines().map(|line| plain(line) + "\n").collect()
}
