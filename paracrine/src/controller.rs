//! Does a run: one session per host, in parallel, and one schedule that says when each has its turn.
//!
//! Everything here runs on one thread. What happens is told as [`Event`]s.

mod budget;
pub(crate) mod connection;
mod contents;
#[cfg(test)]
mod fake;
pub(crate) mod over_ssh;
#[cfg(test)]
mod poison;
mod run_id;
mod schedule;
mod session;
mod shared;
mod talk;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use paracrine_model::artifact::Artifact;
use paracrine_model::protocol::Mode;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::embedded::Embedded;
use crate::event::{Event, HostEvent, Run, RunHost, Totals, Urgency};
use crate::secrets::Resolved;
use connection::Connector;
use schedule::{AllAtOnce, Schedule};
pub(crate) use shared::Job;
use shared::Shared;

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
        schedule: Schedule::new(
            hosts,
            job.jobs,
            // A check stops for nothing: it changes nothing.
            Box::new(AllAtOnce { keep_going: job.keep_going || mode == Mode::Check }),
        ),
        large_contents: std::cell::OnceCell::new(),
        machines: RefCell::default(),
        connector,
        site,
        agents: embedded.agents,
        run: run_id::make(),
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
