//! The report for people: what differs on each host, then a line per host.

use std::io::Write;
use std::time::Duration;

use paracrine_model::protocol::{Failure, Mode, Outcome, Summary};

use super::style::{ADD, CHANGE, DIM, ERROR, HELP, MAY, STRONG, paint, seconds};
use super::task::{failure, task};
use super::{Report, escape};
use crate::event::{Ending, Event, HostEvent, Run, Status, TaskName, Totals};
use crate::reason::reason;

/// Collects a run and writes it out at its end, in the order of the inventory.
pub(crate) struct Terminal<W> {
    to: W,
    verbose: bool,
    run: Option<Run>,
    hosts: Vec<HostReport>,
    lost: Option<String>,
}

/// What has been told of a host so far.
#[derive(Default)]
struct HostReport {
    body: String,
    changed: u32,
    ending: Option<(Ending, Duration)>,
}

impl<W: Write> Terminal<W> {
    /// Writes to `to`; in full where `verbose`.
    pub(crate) fn new(to: W, verbose: bool) -> Self {
        Self { to, verbose, run: None, hosts: Vec::new(), lost: None }
    }

    fn write(&mut self, totals: &Totals) -> std::io::Result<()> {
        let Some(run) = &self.run else { return Ok(()) };
        let mut shown = String::new();
        for (names, body) in grouped(run, &self.hosts) {
            shown += &format!("{}\n{body}\n", paint(STRONG, names.join(", ")));
        }
        shown += &summaries(run, &self.hosts);
        shown += &total(run, totals);
        self.to.write_all(shown.as_bytes())?;
        self.to.flush()
    }
}

impl<W: Write> Report for Terminal<W> {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Started(run) => {
                self.hosts.resize_with(run.hosts.len(), HostReport::default);
                self.run = Some(run.clone());
            }
            Event::Host(host, event) => {
                let verbose = self.verbose;
                let Some(host) = self.hosts.get_mut(*host) else {
                    return;
                };
                match event {
                    HostEvent::Report(report) => {
                        host.changed += u32::from(report.report.outcome == Outcome::Changed);
                        host.body += &task(report, verbose);
                    }
                    HostEvent::Notice(text) => {
                        host.body += &format!("  {} {}\n", paint(HELP, "note:"), escape::line(text));
                    }
                    HostEvent::Ended { ending, elapsed } => {
                        host.body += &last_words(ending);
                        host.ending = Some((ending.clone(), *elapsed));
                    }
                    HostEvent::Connecting
                    | HostEvent::Connected
                    | HostEvent::Waiting { .. }
                    | HostEvent::Ready
                    | HostEvent::Begun(_)
                    | HostEvent::ClosingLook
                    | HostEvent::Sent { .. } => {}
                }
            }
            Event::Interrupted(_) => {}
            Event::Finished(totals) => {
                self.lost = self.write(totals).err().map(|error| reason(&error));
            }
        }
    }

    fn lost(&self) -> Option<String> {
        self.lost.clone()
    }
}

/// Hosts with something to say, those that say the same together.
fn grouped<'r>(run: &'r Run, hosts: &'r [HostReport]) -> Vec<(Vec<&'r str>, &'r str)> {
    let mut groups: Vec<(Vec<&str>, &str)> = Vec::new();
    let mut group_of = std::collections::HashMap::new();
    for (name, host) in run.hosts.iter().zip(hosts).filter(|(_, host)| !host.body.is_empty()) {
        let group = *group_of.entry(host.body.as_str()).or_insert_with(|| {
            groups.push((Vec::new(), &host.body));
            groups.len() - 1
        });
        groups[group].0.push(&name.name);
    }
    groups
}

/// What a host's part ended with, where the numbers do not say it.
fn last_words(ending: &Ending) -> String {
    match ending {
        Ending::Failed { failure: why, at } => told_failure(why, at.as_ref()),
        Ending::Unreachable(why) => told_failure(why, None),
        Ending::Done(_) | Ending::Held | Ending::NotBegun | Ending::After { .. } => String::new(),
    }
}

fn told_failure(why: &Failure, at: Option<&TaskName>) -> String {
    let mut why = why.clone();
    if let Some(at) = at {
        why.message +=
            &format!(", while at task {}: {at} ({}:{})", at.place + 1, at.origin.file, at.origin.line);
    }
    let shown = failure(&why, "    ");
    format!("  {}{}", paint(ERROR, "!"), &shown[3..])
}

fn summaries(run: &Run, hosts: &[HostReport]) -> String {
    let lines: Vec<_> =
        run.hosts.iter().zip(hosts).map(|(name, host)| (name, summary(run.mode, host))).collect();
    let widest = |width: fn(&str) -> usize, texts: &mut dyn Iterator<Item = &str>| {
        texts.map(width).max().unwrap_or_default()
    };
    let width = |text: &str| anstream::adapter::strip_str(text).to_string().chars().count();
    let names = widest(|text| text.chars().count(), &mut lines.iter().map(|(host, _)| host.name.as_str()));
    let texts = lines.iter().map(|(_, (text, _))| width(text)).max().unwrap_or_default();
    let mut shown = String::new();
    for (host, (text, elapsed)) in &lines {
        let line = match elapsed {
            Some(elapsed) => {
                let fill = " ".repeat(texts - width(text));
                format!("{:names$}  {text}{fill}   {}", host.name, paint(DIM, seconds(*elapsed)))
            }
            None => format!("{:names$}  {text}", host.name),
        };
        shown += &line;
        shown.push('\n');
    }
    shown
}

fn summary(mode: Mode, host: &HostReport) -> (String, Option<Duration>) {
    let Some((ending, elapsed)) = &host.ending else {
        return (paint(ERROR, "failed"), None);
    };
    let so_far = |word: &str| match host.changed {
        0 => word.to_owned(),
        changed => format!("{word}, {changed} {}", verb(mode)),
    };
    match ending {
        Ending::Done(summary) => (numbers(mode, summary), Some(*elapsed)),
        Ending::Failed { .. } => (paint(ERROR, so_far("failed")), Some(*elapsed)),
        Ending::Unreachable(_) => (paint(ERROR, "unreachable"), Some(*elapsed)),
        Ending::Held => ("not changed: the run was refused".to_owned(), Some(*elapsed)),
        Ending::NotBegun => ("not begun".to_owned(), None),
        Ending::After { failed } => (format!("not begun: {} failed before", escape::line(failed)), None),
    }
}

fn verb(mode: Mode) -> &'static str {
    match mode {
        Mode::Check => "to change",
        Mode::Apply => "changed",
    }
}

fn numbers(mode: Mode, summary: &Summary) -> String {
    let some = |n: u32, style, what: &str| (n > 0).then(|| paint(style, format_args!("{n} {what}")));
    let mut parts: Vec<String> = [
        summary.stopped.then(|| paint(CHANGE, "stopped")),
        some(summary.failed, ERROR, "failed"),
        some(summary.changed, CHANGE, verb(mode)),
        some(summary.may_change, MAY, "may change"),
        some(summary.skipped, CHANGE, "not reached"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if summary.unchanged > 0 || parts.is_empty() {
        let style = if parts.is_empty() { ADD } else { DIM };
        parts.push(paint(style, format_args!("{} as planned", summary.unchanged)));
    }
    parts.join(", ")
}

fn total(run: &Run, totals: &Totals) -> String {
    let mut shown = String::new();
    if run.hosts.len() > 1 {
        let some = |status, what: &str| {
            let n = totals.count(status);
            (n > 0).then(|| format!("{n} {what}"))
        };
        let parts: Vec<String> = [
            some(Status::Failed, "failed"),
            some(Status::Unreachable, "unreachable"),
            some(Status::Held, "not changed"),
            some(Status::NotBegun, "not begun"),
            some(Status::Stopped, "stopped"),
            some(Status::Applied, "changed"),
            some(Status::Pending, "to change"),
            some(Status::AsPlanned, "as planned"),
        ]
        .into_iter()
        .flatten()
        .collect();
        shown += &format!(
            "{}\n",
            paint(
                DIM,
                format_args!("{} hosts: {}   {}", run.hosts.len(), parts.join(", "), seconds(totals.elapsed))
            )
        );
    }
    // With one host it has been said.
    if !totals.refused.is_empty() && run.hosts.len() > 1 {
        shown += &format!("\n{} nothing was changed on any host\n", paint(ERROR, "refused:"));
        for why in &totals.refused {
            shown += &format!("  {}\n", escape::line(why));
        }
    }
    shown
}
