//! Does a run: one session per host, in parallel, and one schedule that says when each has its turn.
//!
//! Everything here runs on one thread. What happens is told as [`Event`]s.

pub(crate) mod connection;
mod contents;
#[cfg(test)]
mod fake;
pub(crate) mod over_ssh;
#[cfg(test)]
mod poison;
mod schedule;
mod session;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use paracrine_model::artifact::{Artifact, Host};
use paracrine_model::plan::{HostPlan, Task};
use paracrine_model::protocol::Mode;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::embedded::Embedded;
use crate::event::{Ending, Event, HostEvent, Run, RunHost, TaskName, Totals, Urgency};
use crate::secrets::Resolved;
use connection::{AgentBinary, Connector};
use schedule::{AllAtOnce, Schedule};

/// What a run is to do.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Look, or change.
    pub mode: Mode,
    /// The environment.
    pub environment: String,
    /// The hosts, in the order of the inventory.
    pub hosts: Vec<Host>,
    /// How many hosts are worked on at once.
    pub jobs: usize,
    /// Take over machines that were deployed as another host.
    pub adopt: bool,
    /// Seconds to wait for another run's lock.
    pub lock_wait: u32,
    /// Who runs this, for those who find the lock taken.
    pub holder: String,
}

/// What all sessions of a run share.
struct Shared<C> {
    connector: C,
    site: Artifact<'static>,
    agents: &'static [(&'static str, &'static [u8])],
    job: Job,
    secrets: Resolved,
    events: mpsc::UnboundedSender<Event>,
    interrupt: watch::Receiver<Option<Urgency>>,
    schedule: Schedule,
    machines: RefCell<BTreeMap<String, usize>>,
}

impl<C> Shared<C> {
    fn tell(&self, host: usize, event: HostEvent) {
        // Whoever draws may have gone (a closed pipe); the run goes on.
        let _ = self.events.send(Event::Host(host, event));
    }

    fn agent(&self, host: &Host) -> Option<AgentBinary> {
        let arch = host.address.arch;
        let hash = *self.site.index.agents.get(&arch)?;
        let (_, gz) = self.agents.iter().find(|(name, _)| *name == arch.name())?;
        Some(AgentBinary { hash, gz })
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

/// Does the job; what happens is told on `events`, the end of it returned as well.
///
/// Has to be called within a [`tokio::task::LocalSet`].
pub(crate) async fn run<C: Connector + 'static>(
    connector: C,
    embedded: &Embedded,
    site: Artifact<'static>,
    job: Job,
    secrets: Resolved,
    events: mpsc::UnboundedSender<Event>,
    interrupt: watch::Receiver<Option<Urgency>>,
) -> Totals {
    let began = Instant::now();
    let hosts = job.hosts.len();
    let mode = job.mode;
    let names = job.hosts.iter().map(|host| RunHost { name: host.address.name.clone(), tasks: host.tasks });
    let _ = events.send(Event::Started(Run {
        mode,
        environment: job.environment.clone(),
        hosts: names.collect(),
    }));

    let shared = Rc::new(Shared {
        schedule: Schedule::new(hosts, job.jobs, Box::new(AllAtOnce)),
        machines: RefCell::default(),
        connector,
        site,
        agents: embedded.agents,
        job,
        secrets,
        events,
        interrupt,
    });
    let mut sessions = JoinSet::new();
    for index in 0..hosts {
        let shared = shared.clone();
        sessions.spawn_local(async move {
            let turn = shared.schedule.turn(index);
            let (ending, elapsed) = session::run(&shared, index, &turn).await;
            let status = ending.status(mode);
            shared.tell(index, HostEvent::Ended { ending, elapsed });
            turn.finished(status);
            status
        });
    }
    let mut totals = Totals::default();
    while let Some(ended) = sessions.join_next().await {
        // A session that panicked is a mistake of ours: it counts as failed, the others go on.
        let status = ended.unwrap_or(crate::event::Status::Failed);
        *totals.hosts.entry(status).or_default() += 1;
    }
    totals.refused = shared.schedule.refusals();
    totals.elapsed = began.elapsed();
    let _ = shared.events.send(Event::Finished(totals.clone()));
    totals
}

/// How long an agent has to answer once it was told to stop before it changed anything.
const GRACE: Duration = Duration::from_secs(5);

/// An ending and the time since the host's connection was begun.
type Ended = (Ending, Duration);
