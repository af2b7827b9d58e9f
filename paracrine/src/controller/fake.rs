//! Runs against agents that live in this process. No clock: every step waits for the one before it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use paracrine_model::artifact::read_work;
use paracrine_model::hash::Hash;
use paracrine_model::host::Address;
use paracrine_model::plan::Work;
use paracrine_model::protocol::{
    AnyTime, Changing, Deploy, Difference, Failure, Greeting, Lacking, Looking, Message, Mode, Opening,
    Outcome, PING_INTERVAL, Poised, Report, Request, Summary, Told, WhileLooking, decode, encode,
};
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;

use super::connection::{AgentBinary, Connection, Connector, OpenError};
use super::{Job, run};
use crate::event::{Ending, Event, HostEvent, Totals, Urgency};
use crate::secrets::{Providers, resolve};
use crate::testing::{AGENT, TestSite, secret};

/// The content of a file of a host that is in no run.
pub(crate) const STRANGE: &str = "of a stranger\n";

/// What a fake agent is given to talk with. Dropping it cuts the connection.
pub(crate) struct Agent {
    host: String,
    /// What it was asked for.
    pub deploy: Deploy,
    /// The plan that came with it.
    pub work: Vec<Work>,
    saying: Saying,
    /// Whether the controller may still give leave.
    before_leave: bool,
    to: mpsc::UnboundedSender<Vec<u8>>,
    from: mpsc::UnboundedReceiver<Vec<u8>>,
    log: Log,
}

/// The phase in which an agent speaks.
#[derive(Clone, Copy)]
enum Saying {
    Checking,
    Looking,
    Poised,
    Changing,
}

impl Agent {
    /// Says something, be it out of turn.
    pub(crate) fn say<M: Message>(&self, message: &M) {
        self.say_bytes(&encode(message).unwrap()[4..]);
    }

    /// Says what may be no message.
    pub(crate) fn say_bytes(&self, body: &[u8]) {
        // The other end may have been dropped on purpose.
        let _ = self.to.send(body.to_vec());
    }

    /// Whether anybody listens.
    pub(crate) fn is_heard(&self) -> bool {
        !self.to.is_closed()
    }

    /// Says hello as the right agent on a machine of its own.
    pub(crate) fn hello(&self) {
        self.hello_on(&format!("machine of {}", self.host));
    }

    /// Says hello as the right agent.
    pub(crate) fn hello_on(&self, machine: &str) {
        self.say(&Greeting::Hello { agent: Hash::of(AGENT), machine: machine.into() });
    }

    /// Says what can be said at any time, in the phase at hand.
    pub(crate) fn tell(&self, told: Told) {
        match self.saying {
            Saying::Checking => self.say(&told),
            Saying::Looking => self.say(&Looking::Told(told)),
            Saying::Poised => self.say(&Poised::Told(told)),
            Saying::Changing => self.say(&Changing::Told(told)),
        }
    }

    /// Says that it is done with the three tasks of its plan, of which it did not reach those that `summary` leaves out.
    pub(crate) fn done(&self, mut summary: Summary) {
        summary.skipped += 3 - u32::try_from(summary.tasks()).unwrap();
        self.tell(Told::Done(summary));
    }

    pub(crate) fn report(&self, report: Report) {
        self.tell(Told::Report(report));
    }

    /// Says that it is about to change something.
    pub(crate) fn ready(&mut self, lacking: Vec<Lacking>) {
        self.say(&Looking::Ready { lacking });
        self.saying = Saying::Poised;
    }

    /// Waits for leave and says that it has it; `false` if it hears something else.
    pub(crate) async fn left(&mut self) -> bool {
        if self.hear().await != Some(WhileLooking::Leave) {
            return false;
        }
        self.say(&Poised::Left);
        self.saying = Saying::Changing;
        true
    }

    pub(crate) fn begun(&self, task: u32) {
        self.say(&Changing::Begun { task });
    }

    /// Notes what it does.
    fn log(&self, what: &str) {
        self.log.borrow_mut().push(format!("{} {what}", self.host));
    }

    /// Waits for a word of the controller, and notes it.
    pub(crate) async fn hear(&mut self) -> Option<WhileLooking> {
        let body = self.from.recv().await;
        let word = body.map(|body| match self.before_leave {
            true => decode::<WhileLooking>(&body).unwrap(),
            false => WhileLooking::AnyTime(decode::<AnyTime>(&body).unwrap()),
        });
        self.log(match &word {
            None => "hears nothing more",
            Some(WhileLooking::Leave) => "hears Leave",
            Some(WhileLooking::AnyTime(AnyTime::Delivery(_))) => "hears Delivery",
            Some(WhileLooking::AnyTime(AnyTime::Late(_))) => "hears Late",
            Some(WhileLooking::AnyTime(AnyTime::Ping)) => "hears Ping",
            Some(WhileLooking::AnyTime(AnyTime::Stop)) => "hears Stop",
        });
        self.before_leave &= word != Some(WhileLooking::Leave);
        word
    }

    /// An apply of one task, as agents do it.
    pub(crate) async fn apply(self) {
        self.hello();
        self.change().await;
    }

    /// The same, once hello has been said.
    pub(crate) async fn change(mut self) {
        self.log("is ready");
        self.ready(Vec::new());
        if self.left().await {
            self.begun(0);
            self.report(changed(0));
            self.done(Summary { changed: 1, unchanged: 2, ..Summary::default() });
        } else {
            self.done(Summary { stopped: true, ..Summary::default() });
        }
    }
}

pub(crate) type Log = Rc<RefCell<Vec<String>>>;
type Script = Box<dyn FnOnce(Agent) -> Pin<Box<dyn Future<Output = ()>>>>;

pub(crate) enum Fake {
    /// Connects, and does that.
    Agent(Script),
    /// Does not connect.
    Error(OpenError),
    /// Never answers.
    Silent,
}

/// A host whose agent does that.
pub(crate) fn agent<F: Future<Output = ()> + 'static>(script: impl FnOnce(Agent) -> F + 'static) -> Fake {
    Fake::Agent(Box::new(|agent| Box::pin(script(agent))))
}

pub(crate) fn done(summary: Summary) -> Fake {
    agent(move |agent| async move {
        agent.hello();
        agent.done(summary);
    })
}

pub(crate) fn unreachable() -> Fake {
    Fake::Error(OpenError { unreachable: true, failure: Failure::new("no route to host") })
}

pub(crate) fn refused(message: &str) -> Fake {
    let failure = Failure::new(message);
    agent(|agent| async move {
        agent.hello();
        agent.tell(Told::Refused(failure));
    })
}

pub(crate) fn changed(task: u32) -> Report {
    Report { task, outcome: Outcome::Changed, differences: vec![Difference::Create], microseconds: 1 }
}

struct Fakes {
    fakes: RefCell<BTreeMap<String, Fake>>,
    pings: Duration,
    log: Log,
}

impl Connector for Fakes {
    type Connection = FakeConnection;

    async fn open(
        &self,
        address: &Address,
        agent: AgentBinary,
        opening: &Opening,
        attached: &[u8],
    ) -> Result<FakeConnection, OpenError> {
        assert_eq!(agent.hash, opening.agent);
        let Opening { request: Request::Deploy(deploy), .. } =
            decode(&encode(opening).unwrap()[4..]).unwrap();
        assert_eq!(deploy.plan as usize, attached.len());
        self.log.borrow_mut().push(format!("{} is connected to", address.name));
        let fake = self.fakes.borrow_mut().remove(&address.name);
        match fake.expect("each host is connected to once") {
            Fake::Error(error) => Err(error),
            Fake::Silent => std::future::pending().await,
            Fake::Agent(script) => {
                let (to, incoming) = mpsc::unbounded_channel();
                let (outgoing, from) = mpsc::unbounded_channel();
                let before_leave = deploy.mode == Mode::Apply;
                let agent = Agent {
                    host: address.name.clone(),
                    deploy: *deploy,
                    work: read_work(attached).unwrap(),
                    saying: if before_leave { Saying::Looking } else { Saying::Checking },
                    before_leave,
                    to,
                    from,
                    log: self.log.clone(),
                };
                tokio::task::spawn_local(script(agent));
                Ok(FakeConnection { incoming, outgoing, received: 0 })
            }
        }
    }

    fn ping_interval(&self) -> Duration {
        self.pings
    }
}

/// Bodies of frames go over it, so that everything is encoded and decoded as over a real one.
struct FakeConnection {
    incoming: mpsc::UnboundedReceiver<Vec<u8>>,
    outgoing: mpsc::UnboundedSender<Vec<u8>>,
    received: u64,
}

impl Connection for FakeConnection {
    fn received(&self) -> u64 {
        self.received
    }

    async fn recv<M: Message>(&mut self) -> Result<M, Failure> {
        let body = self.incoming.recv().await.ok_or_else(|| Failure::new("the connection was closed"))?;
        self.received += body.len() as u64;
        decode(&body).map_err(|error| Failure::new(error.to_string()))
    }

    async fn send<M: Message>(&mut self, message: &M) -> Result<(), Failure> {
        let body = encode(message).unwrap().split_off(4);
        self.outgoing.send(body).map_err(|_| Failure::new("the connection was closed"))
    }

    async fn close(self) {}
}

/// A run and what came of it.
pub(crate) struct Ran {
    /// All that was told.
    pub events: Vec<Event>,
    /// What it came down to.
    pub totals: Totals,
    /// What the agents did and heard, in order.
    pub log: Vec<String>,
}

impl Ran {
    /// What happened, host by host, in words.
    pub(crate) fn ending(&self, host: &str) -> &Ending {
        let index = self.index(host);
        let ending = self.events.iter().find_map(|event| match event {
            Event::Host(at, HostEvent::Ended { ending, .. }) if *at == index => Some(ending),
            _ => None,
        });
        ending.expect("every host has an end")
    }

    pub(crate) fn index(&self, host: &str) -> usize {
        let Some(Event::Started(run)) = self.events.first() else { panic!("a run starts with Started") };
        run.hosts.iter().position(|name| name.name == host).unwrap()
    }

    pub(crate) fn failure(&self, host: &str) -> (&str, Option<&str>, Option<String>) {
        match self.ending(host) {
            Ending::Failed { failure, at } => {
                (&failure.message, failure.help.as_deref(), at.as_ref().map(ToString::to_string))
            }
            other => panic!("{host} has not failed: {other:?}"),
        }
    }

    /// The place of an entry in the log.
    pub(crate) fn when(&self, entry: &str) -> usize {
        let found = self.log.iter().position(|found| found == entry);
        found.unwrap_or_else(|| panic!("no `{entry}` in {:#?}", self.log))
    }
}

pub(crate) struct Trial {
    mode: Mode,
    jobs: usize,
    keep_going: bool,
    pings: Duration,
    fakes: Vec<(&'static str, Fake)>,
    interrupt: watch::Receiver<Option<Urgency>>,
    log: Log,
}

impl Trial {
    pub(crate) fn new(mode: Mode, fakes: Vec<(&'static str, Fake)>) -> Self {
        // Without a sender nobody can interrupt.
        let interrupt = watch::channel(None).1;
        Self {
            mode,
            jobs: 16,
            keep_going: false,
            pings: PING_INTERVAL,
            fakes,
            interrupt,
            log: Log::default(),
        }
    }

    pub(crate) fn jobs(self, jobs: usize) -> Self {
        Self { jobs, ..self }
    }

    pub(crate) fn keep_going(self) -> Self {
        Self { keep_going: true, ..self }
    }

    pub(crate) fn pings_every(self, pings: Duration) -> Self {
        Self { pings, ..self }
    }

    pub(crate) fn interrupted_by(self, interrupt: &watch::Sender<Option<Urgency>>) -> Self {
        Self { interrupt: interrupt.subscribe(), ..self }
    }

    /// Runs it over a plan of a file with a secret, a plain file and a service.
    pub(crate) fn run(self) -> Ran {
        let mut site = TestSite::with_environments(&["dev", "other"]);
        site = site.host("other", "stranger", &[], |plan| {
            plan.file("/etc/motd", STRANGE);
        });
        for (name, _) in &self.fakes {
            site = site.host("dev", name, &[], |plan| {
                plan.file("/etc/secret", secret("POISON"));
                let conf = plan.file("/etc/motd", "hello\n");
                plan.service("app").running().restart_on(&conf);
            });
        }
        let embedded = site.embedded();
        let artifact = embedded.artifact().unwrap();
        let of_dev = artifact.index.hosts.iter().filter(|host| host.environment == "dev");
        let hosts: Vec<_> = of_dev.cloned().collect();
        let plan = artifact.plan(&hosts[0]).unwrap();
        let secrets = plan.texts().flat_map(|text| text.sources()).cloned().collect();
        let providers = Providers { site: None, env: |_| Some("p0ison-value\n".into()) };
        let secrets = resolve(secrets, &providers).unwrap();
        let job = Job {
            mode: self.mode,
            environment: "dev".into(),
            hosts: hosts.clone(),
            jobs: self.jobs,
            keep_going: self.keep_going,
            adopt: false,
            lock_wait: 0,
            holder: "ann@laptop".into(),
        };
        let fakes = self.fakes.into_iter().map(|(name, fake)| (name.to_owned(), fake)).collect();
        let connector = Fakes { fakes: RefCell::new(fakes), pings: self.pings, log: self.log.clone() };
        let (events, mut told) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let run = run(connector, embedded, artifact, job, secrets, events, self.interrupt);
        let totals = LocalSet::new().block_on(&runtime, run);
        let mut all = Vec::new();
        while let Ok(event) = told.try_recv() {
            all.push(event);
        }
        let log = self.log.borrow().clone();
        Ran { events: all, totals, log }
    }
}
