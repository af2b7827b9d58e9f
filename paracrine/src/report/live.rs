//! What is going on right now: a line per working host on a terminal; elsewhere nothing, or single remarks with `-v`.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};
use paracrine_model::protocol::Mode;

use super::style::seconds;
use super::{Report, escape};
use crate::event::{Ending, Event, HostEvent, Run, Status, Urgency};

/// A run that is over sooner shows no live lines.
const PATIENCE: Duration = Duration::from_millis(200);
/// At most so many hosts have a line.
const MOST: usize = 16;

/// What a host is doing, in words; `None` where the event changes nothing about it.
fn doing(event: &HostEvent) -> Option<String> {
    match event {
        HostEvent::Connecting => Some("connecting".to_owned()),
        HostEvent::Connected => Some("looking".to_owned()),
        HostEvent::Waiting { holder } => Some(format!("waits for the lock of {}", escape::line(holder))),
        HostEvent::Ready => Some("locked, waits for the other hosts".to_owned()),
        HostEvent::Begun(task) => Some(escape::line(&task.to_string())),
        HostEvent::ClosingLook => Some("closing look".to_owned()),
        HostEvent::Sent { sent, total } => {
            Some(format!("{} of {} sent", HumanBytes(*sent), HumanBytes(*total)))
        }
        HostEvent::Report(_) | HostEvent::Notice(_) | HostEvent::Ended { .. } => None,
    }
}

fn interrupted(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::AfterTask => "stopping after the task at hand; Ctrl-C again stops at once",
        Urgency::AtOnce => "stopping at once; what hosts are at may be left half done, `check` shows it",
    }
}

/// A line per working host, for terminals.
pub(crate) struct Bars {
    all: MultiProgress,
    began: Instant,
    names: Vec<String>,
    ended: usize,
    working: BTreeMap<usize, Working>,
    shown: BTreeMap<usize, ProgressBar>,
    total: Option<ProgressBar>,
}

struct Working {
    doing: String,
    since: Instant,
}

impl Bars {
    /// On standard error, which has to be a terminal.
    pub(crate) fn new() -> Self {
        Self {
            all: MultiProgress::new(),
            began: Instant::now(),
            names: Vec::new(),
            ended: 0,
            working: BTreeMap::new(),
            shown: BTreeMap::new(),
            total: None,
        }
    }

    fn style() -> ProgressStyle {
        // A template that cannot be read would be a mistake of ours; the plain line is good enough then.
        ProgressStyle::with_template("{prefix:.bold}  {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
    }

    fn draw(&mut self) {
        if self.began.elapsed() < PATIENCE {
            return;
        }
        let width = self.names.iter().map(String::len).max().unwrap_or_default();
        let hosts = self.names.len();
        if self.total.is_none() && hosts > 1 {
            let bar = self.all.add(ProgressBar::no_length());
            bar.set_style(Self::style());
            bar.set_prefix(format!("{:width$}", ""));
            self.total = Some(bar);
        }
        for (host, working) in &self.working {
            let bar = match self.shown.get(host) {
                Some(bar) => bar,
                None if self.shown.len() >= MOST => continue,
                None => {
                    let bar = ProgressBar::no_length();
                    let next = self.shown.range(host..).next().map(|(_, next)| next).or(self.total.as_ref());
                    let bar = match next {
                        Some(next) => self.all.insert_before(next, bar),
                        None => self.all.add(bar),
                    };
                    bar.set_style(Self::style());
                    bar.set_prefix(format!("{:width$}", self.names.get(*host).map_or("", String::as_str)));
                    self.shown.entry(*host).or_insert(bar)
                }
            };
            bar.set_message(format!("{}  {}", working.doing, seconds(working.since.elapsed())));
        }
        if let Some(total) = &self.total {
            total.set_message(format!(
                "{} of {hosts} hosts done  {}",
                self.ended,
                seconds(self.began.elapsed())
            ));
        }
    }
}

impl Report for Bars {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Started(Run { hosts, .. }) => {
                self.began = Instant::now();
                self.names = hosts.iter().map(|host| host.name.clone()).collect();
            }
            Event::Host(host, HostEvent::Ended { .. }) => {
                self.ended += 1;
                self.working.remove(host);
                if let Some(bar) = self.shown.remove(host) {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
            }
            Event::Host(host, event) => {
                if let Some(doing) = doing(event) {
                    self.working.insert(*host, Working { doing, since: Instant::now() });
                }
            }
            Event::Interrupted(urgency) => {
                let _ = self.all.println(interrupted(*urgency));
            }
            Event::Finished(_) => {
                self.working.clear();
                let _ = self.all.clear();
            }
        }
    }

    fn tick(&mut self) {
        self.draw();
    }
}

/// Single remarks in plain lines, for logs of those who want them (`-v`).
pub(crate) struct Lines<W> {
    to: W,
    run: Option<Run>,
}

impl<W: Write> Lines<W> {
    /// Writes to `to`.
    pub(crate) fn new(to: W) -> Self {
        Self { to, run: None }
    }
}

impl<W: Write> Report for Lines<W> {
    fn event(&mut self, event: &Event) {
        let line = match event {
            Event::Started(run) => {
                self.run = Some(run.clone());
                None
            }
            Event::Interrupted(urgency) => Some(interrupted(*urgency).to_owned()),
            Event::Finished(_) => None,
            Event::Host(host, event) => {
                let Some(run) = &self.run else { return };
                let Some(host) = run.hosts.get(*host) else { return };
                let said = match event {
                    // A check is over soon and says all of it at its end.
                    HostEvent::Ended { ending, elapsed }
                        if run.mode == Mode::Apply && run.hosts.len() > 1 =>
                    {
                        Some(format!("{}  {}", ended(ending, run.mode), seconds(*elapsed)))
                    }
                    event => doing(event),
                };
                said.map(|said| format!("{}: {said}", host.name))
            }
        };
        if let Some(line) = line {
            // Nobody reads: nothing to be done about it.
            let _ = writeln!(self.to, "{line}");
        }
    }
}

fn ended(ending: &Ending, mode: Mode) -> &'static str {
    match ending.status(mode) {
        Status::AsPlanned => "as planned",
        Status::Applied => "changed",
        Status::Pending => "to change",
        Status::Stopped => "stopped",
        Status::Held => "not changed",
        Status::NotBegun => "not begun",
        Status::Unreachable => "unreachable",
        Status::Failed => "failed",
    }
}
