//! One host's part in a run: the conversation with its agent.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use paracrine_model::content::Content;
use paracrine_model::hash::Hash;
use paracrine_model::late::LateValues;
use paracrine_model::plan::{HostPlan, Task};
use paracrine_model::protocol::{Difference, Failure, FromAgent, Mode, Report, Start, ToAgent, WireTask};
use tokio::sync::watch;

use super::connection::{AgentBinary, Connection, Connector};
use super::contents;
use super::schedule::{Answer, Turn};
use super::shared::Shared;
use crate::event::{Ending, HostEvent, NewContent, TaskName, TaskReport, Urgency};
use crate::secrets::Mask;

/// How long an agent has to answer once it was told to stop before it changed anything.
const GRACE: Duration = Duration::from_secs(5);
/// Larger contents are not shown.
const LARGEST_SHOWN: u64 = 256 * 1024;

/// An ending and the time since the host's connection was begun.
type Ended = (Ending, Duration);

/// Waits for its turn, then talks to the host until there is an end.
pub(super) async fn run<C: Connector>(shared: &Shared<C>, index: usize, turn: &Turn<'_>) -> Ended {
    let mut interrupt = shared.interrupt.clone();
    let answer = tokio::select! {
        biased;
        _ = wanted(&mut interrupt, Urgency::AfterTask) => return (Ending::NotBegun, Duration::ZERO),
        answer = turn.begun() => answer,
    };
    if answer == Answer::Held {
        return (Ending::Held, Duration::ZERO);
    }
    let began = Instant::now();
    shared.tell(index, HostEvent::Connecting);
    let ending = match prepare(shared, index) {
        Ok((plan, agent, start)) => {
            let mask = Mask::new(&start.values);
            let session = Session {
                shared,
                index,
                plan,
                agent,
                mask,
                values: start.values.clone(),
                turn,
                interrupt,
                phase: Phase::Greeting,
                told: None,
                at: BTreeSet::new(),
            };
            session.talk(start).await
        }
        Err(failure) => Ending::Failed { failure, at: None },
    };
    (ending, began.elapsed())
}

/// What the host is sent first.
fn prepare<C>(shared: &Shared<C>, index: usize) -> Result<(HostPlan, AgentBinary, Start), Failure> {
    let job = &shared.job;
    let host = &job.hosts[index];
    let plan = shared.site.plan(host).map_err(|broken| Failure::new(broken.to_string()))?;
    let agent = shared.agent(host).ok_or_else(|| {
        Failure::new(format!("this binary holds no agent for {}", host.address.arch))
            .help("build the site again")
    })?;
    let start = Start {
        agent: agent.hash,
        identity: format!("{}/{}/{}", shared.site.index.site, job.environment, host.address.name),
        adopt: job.adopt,
        mode: job.mode,
        lock_wait: job.lock_wait,
        holder: job.holder.clone(),
        tasks: plan
            .tasks
            .iter()
            .map(|task| WireTask { resource: task.resource.clone(), triggers: task.triggers.clone() })
            .collect(),
        values: shared.secrets.for_plan(&plan),
    };
    Ok((plan, agent, start))
}

/// Returns when the run is wanted to end that soon or sooner.
async fn wanted(interrupt: &mut watch::Receiver<Option<Urgency>>, urgency: Urgency) -> Urgency {
    match interrupt.wait_for(|wanted| *wanted >= Some(urgency)).await.as_deref() {
        Ok(Some(wanted)) => *wanted,
        // Nobody is left who could interrupt.
        _ => std::future::pending().await,
    }
}

fn out_of_turn(what: &str) -> Failure {
    Failure::new(format!("the agent says {what}, out of turn"))
        .help("this is a mistake of Paracrine: please report it")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waits for `Hello`.
    Greeting,
    /// The agent looks; nothing is changed.
    Looking,
    /// It was told to go.
    Changing,
}

struct Session<'s, C> {
    shared: &'s Shared<C>,
    index: usize,
    plan: HostPlan,
    agent: AgentBinary,
    mask: Mask,
    /// What is known of the late values in the plan.
    values: LateValues,
    turn: &'s Turn<'s>,
    interrupt: watch::Receiver<Option<Urgency>>,
    phase: Phase,
    /// The urgency that the agent was told of.
    told: Option<Urgency>,
    /// The tasks that are being changed: neighbours are changed together.
    at: BTreeSet<u32>,
}

impl<C: Connector> Session<'_, C> {
    async fn talk(mut self, start: Start) -> Ending {
        let address = &self.shared.job.hosts[self.index].address;
        let opened = tokio::select! {
            biased;
            _ = wanted(&mut self.interrupt, Urgency::AfterTask) => return Ending::NotBegun,
            opened = self.shared.connector.open(address, self.agent, &start) => opened,
        };
        drop(start);
        let mut connection = match opened {
            Ok(connection) => connection,
            Err(error) => {
                let failure = self.mask.failure(error.failure);
                return if error.unreachable {
                    Ending::Unreachable(failure)
                } else {
                    Ending::Failed { failure, at: None }
                };
            }
        };
        for note in connection.notes() {
            self.tell(HostEvent::Notice(note));
        }
        let ending = self.converse(&mut connection).await;
        match ending {
            Ok(ending) => {
                connection.close().await;
                ending
            }
            // A conversation that went wrong is not closed politely: the agent ends when its input does.
            Err(failure) => {
                drop(connection);
                Ending::Failed { failure, at: self.at() }
            }
        }
    }

    /// Until the agent says that it is at its end.
    async fn converse(&mut self, connection: &mut C::Connection) -> Result<Ending, Failure> {
        loop {
            let next = match self.told {
                Some(Urgency::AtOnce) => return Err(self.cut_off()),
                Some(Urgency::AfterTask) => Urgency::AtOnce,
                None => Urgency::AfterTask,
            };
            let message = tokio::select! {
                biased;
                urgency = wanted(&mut self.interrupt, next) => {
                    self.told = Some(urgency);
                    if urgency == Urgency::AfterTask {
                        self.send(connection, &ToAgent::Stop).await?;
                    }
                    continue;
                }
                message = connection.recv() => message.map_err(|failure| self.lost(failure))?,
            };
            if let Some(ending) = self.heed(connection, message).await? {
                return Ok(ending);
            }
        }
    }

    /// Acts on one message.
    async fn heed(
        &mut self,
        connection: &mut C::Connection,
        message: FromAgent,
    ) -> Result<Option<Ending>, Failure> {
        // Whatever an agent says that waited for a lock, it has it now.
        self.turn.unblocked();
        match (message, self.phase) {
            (FromAgent::Hello { agent, machine }, Phase::Greeting) => self.greet(agent, machine)?,
            (FromAgent::Refused(failure), phase) => {
                let failure = self.mask.failure(failure);
                if phase != Phase::Changing {
                    self.refuse(format!("{}: {}", self.name(), failure.message));
                }
                return Ok(Some(Ending::Failed { failure, at: self.at() }));
            }
            (_, Phase::Greeting) => return Err(Failure::new("the agent did not say hello")),
            (FromAgent::Waiting { holder }, _) => {
                self.turn.blocked();
                self.tell(HostEvent::Waiting { holder: self.mask.text(&holder) });
            }
            (FromAgent::Notice(text), _) => self.tell(HostEvent::Notice(self.mask.text(&text))),
            (FromAgent::Ready { lacking }, Phase::Looking) if self.shared.job.mode == Mode::Apply => {
                return self.await_turn(connection, &lacking).await;
            }
            // Also while it looks: to tell how a private file differs. That it may change things is another word.
            (FromAgent::Lacking(lacking), _) => self.supply(connection, &lacking).await?,
            (FromAgent::Begun { task }, Phase::Changing) => {
                let name = self.task(task)?;
                self.at.insert(task);
                self.tell(HostEvent::Begun(name));
            }
            (FromAgent::Report(report), _) => {
                self.at.remove(&report.task);
                let report = self.report(report)?;
                self.tell(HostEvent::Report(Box::new(report)));
            }
            (FromAgent::Done(summary), _) => return Ok(Some(Ending::Done(summary))),
            (FromAgent::Hello { .. }, _) => return Err(out_of_turn("hello")),
            (FromAgent::Ready { .. }, _) => return Err(out_of_turn("that it is ready")),
            (FromAgent::Begun { .. }, _) => return Err(out_of_turn("that it begins a task")),
        }
        Ok(None)
    }

    /// Sees that this is the agent and the machine that are meant.
    fn greet(&mut self, agent: Hash, machine: String) -> Result<(), Failure> {
        if agent != self.agent.hash {
            return Err(Failure::new("another agent answered than the one this binary holds"));
        }
        // Minimal systems have no machine id, or the same word in place of one.
        if !machine.is_empty() && machine != "uninitialized" {
            let first = *self.shared.machines.borrow_mut().entry(machine).or_insert(self.index);
            if first != self.index {
                let first = &self.shared.job.hosts[first].address.name;
                let failure = Failure::new(format!("{first} and {} are one machine", self.name())).help(
                    "one of the two addresses in the inventory is wrong, or the machines were cloned with one \
                     /etc/machine-id",
                );
                self.refuse(failure.message.clone());
                return Err(failure);
            }
        }
        self.phase = Phase::Looking;
        self.tell(HostEvent::Connected);
        Ok(())
    }

    /// Locked and about to change: waits to be admitted, then goes, or is let go.
    async fn await_turn(
        &mut self,
        connection: &mut C::Connection,
        lacking: &[Hash],
    ) -> Result<Option<Ending>, Failure> {
        if self.told.is_some() {
            // It has been told to stop and will say that it is done.
            return Ok(None);
        }
        self.tell(HostEvent::Ready);
        self.turn.locked();
        let answer = tokio::select! {
            biased;
            _ = wanted(&mut self.interrupt, Urgency::AfterTask) => return Ok(None),
            // Nothing is expected to be said here; what is heard is that the connection has gone.
            message = connection.recv() => {
                return match message {
                    Ok(_) => Err(out_of_turn("something while it waits")),
                    Err(failure) => Err(self.lost(failure)),
                };
            }
            answer = self.turn.admitted() => answer,
        };
        if answer == Answer::Held {
            // Whatever it answers: it has changed nothing. Waiting lets it give the lock back in good order.
            if self.send(connection, &ToAgent::Stop).await.is_ok() {
                let _ = tokio::time::timeout(GRACE, async {
                    while !matches!(
                        connection.recv().await,
                        Ok(FromAgent::Done(_) | FromAgent::Refused(_)) | Err(_)
                    ) {}
                })
                .await;
            }
            return Ok(Some(Ending::Held));
        }
        self.phase = Phase::Changing;
        self.supply(connection, lacking).await?;
        Ok(None)
    }

    /// Says `Go`, with what the host lacks.
    async fn supply(&mut self, connection: &mut C::Connection, lacking: &[Hash]) -> Result<(), Failure> {
        let blobs = contents::find(&self.shared.site, &self.plan, lacking)?;
        let packed = tokio::task::spawn_blocking(move || contents::pack(&blobs)).await;
        let packed = packed.unwrap_or_else(|_| Err(Failure::new("contents could not be packed")))?;
        self.send(connection, &ToAgent::Go(packed)).await
    }

    /// Sends, unless the run is to end at once.
    async fn send(&mut self, connection: &mut C::Connection, message: &ToAgent) -> Result<(), Failure> {
        let sent = tokio::select! {
            biased;
            _ = wanted(&mut self.interrupt, Urgency::AtOnce) => return Err(self.cut_off()),
            sent = connection.send(message) => sent,
        };
        sent.map_err(|failure| self.lost(failure))
    }

    fn report(&self, report: Report) -> Result<TaskReport, Failure> {
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
        let attributes = task_at(&self.plan, task).map(|task| task.resource.attributes()).unwrap_or_default();
        attributes.into_iter().map(|(name, value)| (name, self.mask.text(&value))).collect()
    }

    /// What should be in the task's file, as it may be shown.
    fn new_content(&self, task: u32) -> Option<NewContent> {
        let task = task_at(&self.plan, task)?;
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

    fn task(&self, place: u32) -> Result<TaskName, Failure> {
        task_at(&self.plan, place).map(|task| task_name(place, task)).ok_or_else(|| {
            Failure::new(format!("the agent speaks of task {place}, the plan has {}", self.plan.tasks.len()))
        })
    }

    fn at(&self) -> Option<TaskName> {
        self.task(*self.at.first()?).ok()
    }

    /// Keeps this host from being changed, and with it those that the schedule ties to it.
    fn refuse(&mut self, why: String) {
        if self.shared.job.mode == Mode::Apply {
            self.turn.refused(why);
        }
    }

    fn name(&self) -> &str {
        &self.shared.job.hosts[self.index].address.name
    }

    fn tell(&self, event: HostEvent) {
        self.shared.tell(self.index, event);
    }

    /// The connection has gone by itself.
    fn lost(&self, why: Failure) -> Failure {
        let why = self.mask.failure(why);
        let help = why.help.unwrap_or_else(|| self.aftermath().to_owned());
        Failure {
            message: format!("connection lost{}: {}", self.moment(), why.message),
            output: why.output,
            help: Some(help),
        }
    }

    /// The connection has been dropped on demand.
    fn cut_off(&self) -> Failure {
        Failure::new(format!("interrupted{}", self.moment())).help(self.aftermath())
    }

    fn aftermath(&self) -> &'static str {
        match self.phase {
            Phase::Changing => {
                "the agent ends by itself after the task at hand; `check` shows how far it came"
            }
            Phase::Greeting | Phase::Looking => "nothing was changed on this host",
        }
    }

    fn moment(&self) -> &'static str {
        match (self.phase, self.at.is_empty()) {
            (Phase::Greeting, _) => " before the agent answered",
            (Phase::Looking, _) => " before any change",
            (Phase::Changing, true) => " between two tasks",
            (Phase::Changing, false) => "",
        }
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
