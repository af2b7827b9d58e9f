//! The gate between looking and changing: it opens when every host of the selection is locked, has nothing to change,
//! or is out; it stays shut for all when one host refuses.

use std::cell::{Cell, RefCell};

use tokio::sync::watch;

/// What is decided once every host is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Hosts may be changed.
    Open,
    /// A host refused: none is changed.
    Shut,
}

/// The gate of one run.
pub(crate) struct Gate {
    unsettled: Cell<usize>,
    refusals: RefCell<Vec<(usize, String)>>,
    verdict: watch::Sender<Option<Verdict>>,
}

impl Gate {
    /// A gate that waits for so many hosts.
    pub(crate) fn new(hosts: usize) -> Self {
        Self { unsettled: Cell::new(hosts), refusals: RefCell::default(), verdict: watch::Sender::new(None) }
    }

    /// The seat of one of the hosts; each host takes one.
    pub(crate) fn seat(&self, host: usize) -> Seat<'_> {
        Seat { gate: self, host, settled: false }
    }

    /// Why the gate stays shut, in the order of the hosts.
    pub(crate) fn refusals(&self) -> Vec<String> {
        let mut refusals = self.refusals.borrow().clone();
        refusals.sort();
        refusals.into_iter().map(|(_, why)| why).collect()
    }

    fn settle(&self) {
        let left = self.unsettled.get().saturating_sub(1);
        self.unsettled.set(left);
        if left == 0 {
            let open = self.refusals.borrow().is_empty();
            self.verdict.send_replace(Some(if open { Verdict::Open } else { Verdict::Shut }));
        }
    }
}

/// A host's part in the decision. Dropping it says: do not wait for this host.
pub(crate) struct Seat<'g> {
    gate: &'g Gate,
    host: usize,
    settled: bool,
}

impl Seat<'_> {
    /// This host is locked and about to be changed.
    pub(crate) fn ready(&mut self) {
        self.settle();
    }

    /// This host is not to be changed, and so none is.
    pub(crate) fn refuse(&mut self, why: String) {
        if !self.settled {
            self.gate.refusals.borrow_mut().push((self.host, why));
        }
        self.settle();
    }

    /// Waits until every host is settled.
    pub(crate) async fn verdict(&self) -> Verdict {
        let mut verdict = self.gate.verdict.subscribe();
        match verdict.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(verdict)) => *verdict,
            // The sender lives in the gate, which outlives its seats.
            _ => Verdict::Shut,
        }
    }

    fn settle(&mut self) {
        if !std::mem::replace(&mut self.settled, true) {
            self.gate.settle();
        }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.settle();
    }
}
