//! Runs against agents that live in this process. No clock: every step waits for the one before it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use paracrine_model::hash::Hash;
use paracrine_model::host::Address;
use paracrine_model::protocol::{
    Difference, Failure, FromAgent, Mode, Outcome, Report, Start, Summary, ToAgent,
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
    /// What it was sent first.
    pub start: Start,
    to: mpsc::UnboundedSender<FromAgent>,
    from: mpsc::UnboundedReceiver<ToAgent>,
    log: Log,
}

impl Agent {
    /// Says something.
    pub(crate) fn say(&self, message: FromAgent) {
        // The other end may have been dropped on purpose.
        let _ = self.to.send(message);
    }

    /// Says hello as the right agent on a machine of its own.
    pub(crate) fn hello(&self) {
        self.say(FromAgent::Hello { agent: Hash::of(AGENT), machine: format!("machine of {}", self.host) });
    }

    /// Notes what it does.
    fn log(&self, what: &str) {
        self.log.borrow_mut().push(format!("{} {what}", self.host));
    }

    /// Waits for a word of the controller, and notes it.
    pub(crate) async fn hear(&mut self) -> Option<ToAgent> {
        let message = self.from.recv().await;
        self.log(match &message {
            None => "hears nothing more",
            Some(ToAgent::Start(_)) => "hears Start",
            Some(ToAgent::Go(_)) => "hears Go",
            Some(ToAgent::Stop) => "hears Stop",
        });
        message
    }

    /// An apply of one task, as agents do it.
    pub(crate) async fn apply(self) {
        self.hello();
        self.change().await;
    }

    /// The same, once hello has been said.
    pub(crate) async fn change(mut self) {
        self.log("is ready");
        self.say(FromAgent::Ready { lacking: Vec::new() });
        match self.hear().await {
            Some(ToAgent::Go(_)) => {
                self.say(FromAgent::Begun { task: 0 });
                self.say(FromAgent::Report(changed(0)));
                self.say(FromAgent::Done(Summary { changed: 1, ..Summary::default() }));
            }
            Some(_) => self.say(FromAgent::Done(Summary { stopped: true, skipped: 1, ..Summary::default() })),
            None => {}
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
        agent.say(FromAgent::Done(summary));
    })
}

pub(crate) fn unreachable() -> Fake {
    Fake::Error(OpenError { unreachable: true, failure: Failure::new("no route to host") })
}

pub(crate) fn refused(message: &str) -> Fake {
    let failure = Failure::new(message);
    agent(|agent| async move {
        agent.hello();
        agent.say(FromAgent::Refused(failure));
    })
}

pub(crate) fn changed(task: u32) -> Report {
    Report { task, outcome: Outcome::Changed, differences: vec![Difference::Create], microseconds: 1 }
}

struct Fakes {
    fakes: RefCell<BTreeMap<String, Fake>>,
    log: Log,
}

impl Connector for Fakes {
    type Connection = FakeConnection;

    async fn open(
        &self,
        address: &Address,
        agent: AgentBinary,
        start: &Start,
    ) -> Result<FakeConnection, OpenError> {
        assert_eq!(agent.hash, start.agent);
        self.log.borrow_mut().push(format!("{} is connected to", address.name));
        let fake = self.fakes.borrow_mut().remove(&address.name);
        match fake.expect("each host is connected to once") {
            Fake::Error(error) => Err(error),
            Fake::Silent => std::future::pending().await,
            Fake::Agent(script) => {
                let (to, incoming) = mpsc::unbounded_channel();
                let (outgoing, from) = mpsc::unbounded_channel();
                let (host, start, log) = (address.name.clone(), start.clone(), self.log.clone());
                tokio::task::spawn_local(script(Agent { host, start, to, from, log }));
                Ok(FakeConnection { incoming, outgoing })
            }
        }
    }
}

struct FakeConnection {
    incoming: mpsc::UnboundedReceiver<FromAgent>,
    outgoing: mpsc::UnboundedSender<ToAgent>,
}

impl Connection for FakeConnection {
    async fn recv(&mut self) -> Result<FromAgent, Failure> {
        self.incoming.recv().await.ok_or_else(|| Failure::new("the connection was closed"))
    }

    async fn send(&mut self, message: &ToAgent) -> Result<(), Failure> {
        self.outgoing.send(message.clone()).map_err(|_| Failure::new("the connection was closed"))
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
    fakes: Vec<(&'static str, Fake)>,
    interrupt: watch::Receiver<Option<Urgency>>,
    log: Log,
}

impl Trial {
    pub(crate) fn new(mode: Mode, fakes: Vec<(&'static str, Fake)>) -> Self {
        // Without a sender nobody can interrupt.
        let interrupt = watch::channel(None).1;
        Self { mode, jobs: 16, fakes, interrupt, log: Log::default() }
    }

    pub(crate) fn jobs(self, jobs: usize) -> Self {
        Self { jobs, ..self }
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
            adopt: false,
            lock_wait: 0,
            holder: "ann@laptop".into(),
        };
        let fakes = self.fakes.into_iter().map(|(name, fake)| (name.to_owned(), fake)).collect();
        let connector = Fakes { fakes: RefCell::new(fakes), log: self.log.clone() };
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
