//! What a run is to do, and what its sessions share.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use paracrine_model::artifact::{Artifact, Host};
use paracrine_model::protocol::{Mode, RunId};
use tokio::sync::{mpsc, watch};

use super::connection::AgentBinary;
use super::schedule::Schedule;
use crate::event::{Event, HostEvent, Urgency};
use crate::large::LargeContents;
use crate::secrets::Resolved;

/// What a run is to do.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Check, or apply.
    pub mode: Mode,
    /// The environment.
    pub environment: String,
    /// The hosts, in the order of the inventory.
    pub hosts: Vec<Host>,
    /// How many hosts are worked on at once.
    pub jobs: usize,
    /// Whether hosts are changed after another has failed.
    pub keep_going: bool,
    /// Take over machines that were deployed as another host.
    pub adopt: bool,
    /// Seconds to wait for another run's lock.
    pub lock_wait: u32,
    /// Who runs this, for those who find the lock taken.
    pub holder: String,
}

/// What all sessions of a run share.
pub(super) struct Shared<C> {
    pub(super) connector: C,
    pub(super) site: Artifact<'static>,
    pub(super) large_contents: OnceCell<Arc<LargeContents>>,
    pub(super) agents: &'static [(&'static str, &'static [u8])],
    /// The name of this run.
    pub(super) run: RunId,
    pub(super) job: Job,
    pub(super) secrets: Resolved,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) interrupt: watch::Receiver<Option<Urgency>>,
    pub(super) schedule: Schedule,
    /// Which host was the first with this machine id, and whether it was told that another has the same.
    pub(super) machines: RefCell<Machines>,
}

/// The machine ids that hosts tell.
#[derive(Default)]
pub(super) struct Machines {
    first: BTreeMap<String, usize>,
    told: bool,
}

impl Machines {
    /// The longest that is taken for one; systemd's have 32 digits.
    const LONGEST: usize = 64;

    /// A host tells its machine's id; returns another host with the same one, once in a run.
    pub(super) fn shared(&mut self, host: usize, machine: String) -> Option<usize> {
        // Minimal systems have no machine id, or the same word in place of one.
        if machine.is_empty() || machine == "uninitialized" || machine.len() > Self::LONGEST {
            return None;
        }
        let first = *self.first.entry(machine).or_insert(host);
        (first != host && !std::mem::replace(&mut self.told, true)).then_some(first)
    }
}

impl<C> Shared<C> {
    /// The large contents in this binary, opened when a host first asks for one.
    pub(super) fn large(&self) -> io::Result<Arc<LargeContents>> {
        if let Some(large) = self.large_contents.get() {
            return Ok(Arc::clone(large));
        }
        let large = Arc::new(LargeContents::own()?);
        Ok(Arc::clone(self.large_contents.get_or_init(|| large)))
    }

    /// Tells what happened on a host.
    pub(super) fn tell(&self, host: usize, event: HostEvent) {
        // Whoever draws may have gone (a closed pipe); the run goes on.
        let _ = self.events.send(Event::Host(host, event));
    }

    /// The agent for a host, if this binary holds one.
    pub(super) fn agent(&self, host: &Host) -> Option<AgentBinary> {
        let arch = host.address.arch;
        let hash = *self.site.index.agents.get(&arch)?;
        let (_, gz) = self.agents.iter().find(|(name, _)| *name == arch.name())?;
        Some(AgentBinary { hash, gz })
    }
}
