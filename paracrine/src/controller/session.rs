//! One host's part in a run: the conversation with its agent.

mod named;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use paracrine_model::artifact::Broken;
use paracrine_model::hash::Hash;
use paracrine_model::late::LateValues;
use paracrine_model::plan::HostPlan;
use paracrine_model::protocol::{
    AnyTime, Changing, Deploy, Failure, Greeting, Lacking, Looking, Message, Mode, Opening, Outcome, Poised,
    Request, Summary, Told,
};
use tokio::sync::watch;

use super::budget::Budget;
use super::connection::{AgentBinary, Connection, Connector};
use super::contents::{self, Pieces};
use super::schedule::{Answer, Turn};
use super::shared::Shared;
use super::talk::Talk;
use crate::event::{Ending, HostEvent, Urgency};
use crate::secrets::Mask;

/// How long an agent has to answer once it was told to stop before it changed anything.
const GRACE: Duration = Duration::from_secs(5);
/// How often is told how much of large contents has been sent.
const PROGRESS: Duration = Duration::from_millis(200);
const BUG: &str = "this is a mistake of Paracrine: please report it";

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
        return (held(shared), Duration::ZERO);
    }
    let began = Instant::now();
    shared.tell(index, HostEvent::Connecting);
    let ending = match prepare(shared, index) {
        Ok(Prepared { opening, attached, agent, values }) => {
            let session = Session {
                shared,
                index,
                plan: OnceCell::new(),
                agent,
                mask: Mask::new(&values),
                values,
                turn,
                interrupt,
                moment: Moment::BeforeHello,
                told: None,
                at: BTreeSet::new(),
                budget: Budget::new(shared.job.hosts[index].tasks),
                differs: false,
                failed: BTreeSet::new(),
            };
            session.talk(opening, attached).await
        }
        Err(failure) => Ending::Failed { failure, at: None },
    };
    (ending, began.elapsed())
}

/// Why a host is not begun or changed.
fn held<C>(shared: &Shared<C>) -> Ending {
    match shared.schedule.first_failed() {
        // A refusal says more, and keeps all hosts from being changed.
        Some(host) if shared.schedule.refusals().is_empty() => {
            Ending::After { failed: shared.job.hosts[host].address.name.clone() }
        }
        _ => Ending::Held,
    }
}

/// What the host is sent first, and by whom it is read.
struct Prepared {
    opening: Opening,
    /// The plan, as it lies in the site.
    attached: &'static [u8],
    agent: AgentBinary,
    values: LateValues,
}

fn prepare<C>(shared: &Shared<C>, index: usize) -> Result<Prepared, Failure> {
    let job = &shared.job;
    let host = &job.hosts[index];
    let broken = |broken: Broken| Failure::new(broken.to_string());
    let attached = shared.site.plan_bytes(host).map_err(broken)?;
    let values = shared.secrets.of(&shared.site.lates(host).map_err(broken)?);
    let agent = shared.agent(host).ok_or_else(|| {
        Failure::new(format!("this binary holds no agent for {}", host.address.arch))
            .help("build the site again")
    })?;
    let deploy = Deploy {
        run: shared.run.clone(),
        identity: format!("{}/{}/{}", shared.site.index.site, job.environment, host.address.name),
        adopt: job.adopt,
        mode: job.mode,
        lock_wait: job.lock_wait,
        holder: job.holder.clone(),
        commit: shared.site.index.commit.clone(),
        values: values.clone(),
        plan: u32::try_from(attached.len()).map_err(|_| {
            Failure::new(format!("a plan of {} bytes is too large to be sent", attached.len()))
        })?,
    };
    let opening = Opening { agent: agent.hash, request: Request::Deploy(Box::new(deploy)) };
    Ok(Prepared { opening, attached, agent, values })
}

/// Returns when the run is wanted to end that soon or sooner.
async fn wanted(interrupt: &mut watch::Receiver<Option<Urgency>>, urgency: Urgency) -> Urgency {
    match interrupt.wait_for(|wanted| *wanted >= Some(urgency)).await.as_deref() {
        Ok(Some(wanted)) => *wanted,
        // Nobody is left who could interrupt.
        _ => std::future::pending().await,
    }
}

/// How far it has come, for those who ask where it broke off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    BeforeHello,
    /// Nothing is changed.
    BeforeLeave,
    /// Leave was given.
    Changing,
    /// All is done.
    ClosingLook,
}

struct Session<'s, C> {
    shared: &'s Shared<C>,
    index: usize,
    /// Decoded when something is to be said of a task.
    plan: OnceCell<HostPlan>,
    agent: AgentBinary,
    mask: Mask,
    /// What is known of the late values in the plan.
    values: LateValues,
    turn: &'s Turn<'s>,
    interrupt: watch::Receiver<Option<Urgency>>,
    moment: Moment,
    /// The urgency that the agent was told of.
    told: Option<Urgency>,
    /// The tasks that are being changed: neighbours are changed together.
    at: BTreeSet<u32>,
    budget: Budget,
    /// Whether the agent has told of a task that differs.
    differs: bool,
    /// The tasks of which it has last told that they failed.
    failed: BTreeSet<u32>,
}

impl<C: Connector> Session<'_, C> {
    async fn talk(mut self, opening: Opening, attached: &[u8]) -> Ending {
        let address = &self.shared.job.hosts[self.index].address;
        let opened = tokio::select! {
            biased;
            _ = wanted(&mut self.interrupt, Urgency::AfterTask) => return Ending::NotBegun,
            opened = self.shared.connector.open(address, self.agent, &opening, attached) => opened,
        };
        drop(opening);
        let connection = match opened {
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
        let mut talk = Talk::new(connection, self.shared.job.mode);
        let ending = match self.converse(&mut talk).await {
            Ok(ending) => {
                talk.connection.close().await;
                ending
            }
            // A conversation that went wrong is not closed politely: the agent ends when its input does.
            Err(failure) => {
                drop(talk);
                Ending::Failed { failure, at: self.at() }
            }
        };
        if ending.stops_others(self.moment == Moment::Changing) {
            self.turn.failed();
        }
        ending
    }

    /// Until the agent says that it is at its end.
    async fn converse(&mut self, talk: &mut Talk<C::Connection>) -> Result<Ending, Failure> {
        match self.hear(talk).await? {
            Greeting::Hello { agent, machine } => self.greet(agent, machine)?,
            Greeting::Refused(failure) => return Ok(self.refused(failure)),
        }
        match self.shared.job.mode {
            Mode::Check => self.check(talk).await,
            Mode::Apply => self.look(talk).await,
        }
    }

    async fn check(&mut self, talk: &mut Talk<C::Connection>) -> Result<Ending, Failure> {
        loop {
            let told = self.hear(talk).await?;
            if let Some(ending) = self.heed(talk, told).await? {
                return Ok(ending);
            }
        }
    }

    /// An apply until it is about to change something.
    async fn look(&mut self, talk: &mut Talk<C::Connection>) -> Result<Ending, Failure> {
        loop {
            match self.hear(talk).await? {
                Looking::Told(told) => {
                    if let Some(ending) = self.heed(talk, told).await? {
                        return Ok(ending);
                    }
                }
                Looking::Waiting { holder } => {
                    self.turn.blocked();
                    self.budget.waits();
                    self.tell(HostEvent::Waiting { holder: self.mask.text(&holder) });
                }
                Looking::Ready { lacking } => return self.wait(talk, &lacking).await,
            }
        }
    }

    /// Locked and about to change: waits to be admitted, then gives leave, or lets the host go.
    async fn wait(&mut self, talk: &mut Talk<C::Connection>, lacking: &[Lacking]) -> Result<Ending, Failure> {
        self.budget.looked();
        // An agent that was told to stop will say that it is done.
        if self.told.is_none() {
            self.tell(HostEvent::Ready);
            self.turn.locked();
            let every = self.shared.connector.ping_interval();
            let mut pings = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
            let answer = loop {
                tokio::select! {
                    biased;
                    urgency = wanted(&mut self.interrupt, Urgency::AfterTask) => {
                        self.interrupted(talk, urgency).await?;
                        break None;
                    }
                    word = talk.hear::<Poised>() => {
                        let word = word.map_err(|failure| self.lost(failure))?;
                        self.account_for(talk).await?;
                        if let Some(ending) = self.heed_poised(talk, word).await? {
                            return Ok(ending);
                        }
                    }
                    answer = self.turn.admitted() => break Some(answer),
                    _ = pings.tick() => self.say(talk, AnyTime::Ping).await?,
                }
            };
            match answer {
                Some(Answer::Held) => return Ok(self.let_go(talk).await),
                Some(Answer::Go) => self.give_leave(talk, lacking).await?,
                None => {}
            }
        }
        loop {
            match self.hear(talk).await? {
                Poised::Left if self.moment == Moment::Changing => return self.change(talk).await,
                word => {
                    if let Some(ending) = self.heed_poised(talk, word).await? {
                        return Ok(ending);
                    }
                }
            }
        }
    }

    async fn give_leave(
        &mut self,
        talk: &mut Talk<C::Connection>,
        lacking: &[Lacking],
    ) -> Result<(), Failure> {
        let pieces = self.pieces(lacking)?;
        self.moment = Moment::Changing;
        talk.leave().await.map_err(|failure| self.lost(failure))?;
        self.deliver(talk, pieces).await
    }

    /// What an agent says that has no leave.
    async fn heed_poised(
        &mut self,
        talk: &mut Talk<C::Connection>,
        word: Poised,
    ) -> Result<Option<Ending>, Failure> {
        match word {
            Poised::Told(told) => self.heed(talk, told).await,
            Poised::Left => {
                Err(Failure::new("the agent says that it has leave to change things, and it has none")
                    .help(BUG))
            }
        }
    }

    async fn change(&mut self, talk: &mut Talk<C::Connection>) -> Result<Ending, Failure> {
        loop {
            match self.hear(talk).await? {
                Changing::Told(told) => {
                    if let Some(ending) = self.heed(talk, told).await? {
                        return Ok(ending);
                    }
                }
                Changing::Begun { task } => {
                    let name = self.task(task)?;
                    self.at.insert(task);
                    self.tell(HostEvent::Begun(name));
                }
                Changing::ClosingLook => {
                    self.at.clear();
                    self.moment = Moment::ClosingLook;
                    self.tell(HostEvent::ClosingLook);
                }
            }
        }
    }

    /// The next message, which has to be one of this phase. Meanwhile an interrupt is passed on.
    async fn hear<M: Message>(&mut self, talk: &mut Talk<C::Connection>) -> Result<M, Failure> {
        loop {
            let next = match self.told {
                Some(Urgency::AtOnce) => return Err(self.cut_off()),
                Some(Urgency::AfterTask) => Urgency::AtOnce,
                None => Urgency::AfterTask,
            };
            tokio::select! {
                biased;
                urgency = wanted(&mut self.interrupt, next) => self.interrupted(talk, urgency).await?,
                message = talk.hear() => {
                    // Whatever an agent says that waited for a lock, it has it now.
                    self.turn.unblocked();
                    let message = message.map_err(|failure| self.lost(failure))?;
                    self.account_for(talk).await?;
                    return Ok(message);
                }
                () = tokio::time::sleep_until(self.budget.until().into()) => return Err(self.budget.too_late()),
            }
        }
    }

    /// Sees that the host does not say too much, and lets everybody else go first now and then: Ctrl-C, other hosts, those who
    /// draw. A host that never stops would have them wait.
    async fn account_for(&mut self, talk: &Talk<C::Connection>) -> Result<(), Failure> {
        if self.budget.said(talk.connection.received())? {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn interrupted(&mut self, talk: &mut Talk<C::Connection>, urgency: Urgency) -> Result<(), Failure> {
        self.told = Some(urgency);
        if urgency == Urgency::AfterTask { self.say(talk, AnyTime::Stop).await } else { Ok(()) }
    }

    /// Acts on what can be told at any time.
    async fn heed(&mut self, talk: &mut Talk<C::Connection>, told: Told) -> Result<Option<Ending>, Failure> {
        match told {
            Told::Notice(text) => {
                self.budget.noticed(&text)?;
                self.tell(HostEvent::Notice(self.mask.text(&text)));
            }
            // Also while it looks: to tell how a private file differs.
            Told::Lacking(lacking) => {
                let pieces = self.pieces(&lacking)?;
                self.deliver(talk, pieces).await?;
            }
            Told::Report(report) => {
                self.at.remove(&report.task);
                self.differs = true;
                match report.outcome {
                    Outcome::Failed(_) => self.failed.insert(report.task),
                    Outcome::Changed | Outcome::MayChange { .. } => self.failed.remove(&report.task),
                };
                let report = self.report(report)?;
                self.tell(HostEvent::Report(Box::new(report)));
            }
            Told::Done(summary) => return self.done(summary).map(Some),
            Told::Refused(failure) => return Ok(Some(self.refused(failure))),
        }
        Ok(None)
    }

    /// Believes an agent's numbers if they are those of its plan.
    fn done(&self, summary: Summary) -> Result<Ending, Failure> {
        let (told, tasks) = (summary.tasks(), self.shared.job.hosts[self.index].tasks);
        if told != u64::from(tasks) {
            let message = format!("the agent counts {told} tasks, the plan has {tasks}");
            return Err(Failure::new(message).help(BUG));
        }
        let Summary { changed, may_change, failed, .. } = summary;
        if (failed == 0 && !self.failed.is_empty()) || (self.differs && changed + may_change + failed == 0) {
            let message = "the agent's numbers are not those of the tasks that it has told of";
            return Err(Failure::new(message).help(BUG));
        }
        Ok(Ending::Done(summary))
    }

    fn refused(&self, failure: Failure) -> Ending {
        let failure = self.mask.failure(failure);
        if !matches!(self.moment, Moment::Changing | Moment::ClosingLook) {
            self.refuse(format!("{}: {}", self.name(), failure.message));
        }
        Ending::Failed { failure, at: self.at() }
    }

    /// Sees that this is the agent and the machine that are meant.
    fn greet(&mut self, agent: Hash, machine: String) -> Result<(), Failure> {
        if agent != self.agent.hash {
            return Err(Failure::new("another agent answered than the one this binary holds"));
        }
        let twin = self.shared.machines.borrow_mut().shared(self.index, machine);
        if let Some(twin) = twin {
            let twin = &self.shared.job.hosts[twin].address.name;
            self.tell(HostEvent::Notice(format!(
                "/etc/machine-id is the same as on {twin}: a cloned machine should have its own"
            )));
        }
        self.moment = Moment::BeforeLeave;
        self.tell(HostEvent::Connected);
        Ok(())
    }

    /// Has the agent give the lock back in good order. Whatever it answers: it has changed nothing.
    async fn let_go(&mut self, talk: &mut Talk<C::Connection>) -> Ending {
        if self.say(talk, AnyTime::Stop).await.is_ok() {
            let over = |word| matches!(word, Err(_) | Ok(Poised::Told(Told::Done(_) | Told::Refused(_))));
            let answer = async {
                while !over(talk.hear().await) {
                    tokio::task::yield_now().await;
                }
            };
            let _ = tokio::time::timeout(GRACE, answer).await;
        }
        held(self.shared)
    }

    /// Sends contents that were asked for. An interrupt in the middle of them is passed on, and no more of them is sent.
    async fn deliver(&mut self, talk: &mut Talk<C::Connection>, mut pieces: Pieces) -> Result<(), Failure> {
        let mut told: Option<Instant> = None;
        while self.told.is_none() {
            let made = tokio::task::spawn_blocking(move || (pieces.next(), pieces)).await;
            let (piece, rest) = made.map_err(|_| Failure::new("contents could not be packed"))?;
            pieces = rest;
            let Some(piece) = piece? else { break };
            let interrupt = *self.interrupt.borrow_and_update();
            if let Some(urgency) = interrupt {
                return self.interrupted(talk, urgency).await;
            }
            self.say(talk, AnyTime::Delivery(piece)).await?;
            let (sent, total) = pieces.progress();
            if sent < total && told.is_none_or(|told| told.elapsed() > PROGRESS) {
                told = Some(Instant::now());
                self.tell(HostEvent::Sent { sent, total });
            }
        }
        Ok(())
    }

    /// The contents behind what the host lacks.
    fn pieces(&mut self, lacking: &[Lacking]) -> Result<Pieces, Failure> {
        self.plan()?;
        let uses = self.plan.get().map(contents::uses).unwrap_or_default();
        self.budget.asked(lacking, |hash| uses.get(hash).copied().unwrap_or_default())?;
        Pieces::of(&self.shared.site, self.plan()?, lacking, || self.shared.large())
    }

    /// Says something, unless the run is to end at once.
    async fn say(&mut self, talk: &mut Talk<C::Connection>, word: AnyTime) -> Result<(), Failure> {
        let said = tokio::select! {
            biased;
            _ = wanted(&mut self.interrupt, Urgency::AtOnce) => return Err(self.cut_off()),
            said = talk.say(word) => said,
        };
        said.map_err(|failure| self.lost(failure))
    }

    /// Keeps this host from being changed, and with it those that the schedule ties to it.
    fn refuse(&self, why: String) {
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
        match self.moment {
            Moment::Changing => {
                "the agent ends by itself, and the task at hand may be left half done; `check` shows how far it came"
            }
            Moment::ClosingLook => "all tasks are done; `check` shows whether they hold",
            Moment::BeforeHello | Moment::BeforeLeave => "nothing was changed on this host",
        }
    }

    fn moment(&self) -> &'static str {
        match (self.moment, self.at.is_empty()) {
            (Moment::BeforeHello, _) => " before the agent answered",
            (Moment::BeforeLeave, _) => " before any change",
            (Moment::ClosingLook, _) => " during the closing look",
            (Moment::Changing, true) => " between two tasks",
            (Moment::Changing, false) => "",
        }
    }
}
