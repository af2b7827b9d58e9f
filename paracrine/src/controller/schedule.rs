//! When each host of a run has its turn.
//!
//! A host is *begun* (connected to, locked by its agent, observed); if it is to be changed it says that it is *locked*
//! and waits to be *admitted*; in the end it is *finished*. Which host may take the next step, and which must not, is
//! the [`Strategy`]'s to say. This file sees to what holds for all strategies: no more hosts are at work than allowed,
//! those that wait do not count among them, and whoever may go goes in the order of the inventory.

mod all_at_once;
mod strategy;
#[cfg(test)]
mod tests;

use std::cell::RefCell;

use tokio::sync::Notify;

use crate::event::Status;
pub(super) use all_at_once::AllAtOnce;
pub(super) use strategy::{Answer, Hosts, Moment, Strategy};

/// The schedule of one run.
pub(super) struct Schedule {
    strategy: Box<dyn Strategy>,
    /// How many hosts are at work at once.
    limit: usize,
    hosts: RefCell<Hosts>,
    /// By host: that it may go, or not.
    answered: Vec<Notify>,
}

impl Schedule {
    /// For so many hosts, of which at most `limit` are at work at once.
    pub(super) fn new(hosts: usize, limit: usize, strategy: Box<dyn Strategy>) -> Self {
        let schedule = Self {
            strategy,
            limit: limit.max(1),
            hosts: RefCell::new(Hosts::new(hosts)),
            answered: (0..hosts).map(|_| Notify::new()).collect(),
        };
        schedule.answer();
        schedule
    }

    /// The turn of one of the hosts; each host takes one.
    pub(super) fn turn(&self, host: usize) -> Turn<'_> {
        Turn { schedule: self, host }
    }

    /// Why hosts are not changed, in the order of the hosts.
    pub(super) fn refusals(&self) -> Vec<String> {
        self.hosts.borrow().refusals().map(str::to_owned).collect()
    }

    /// The host for which others were not begun or admitted.
    pub(super) fn first_failed(&self) -> Option<usize> {
        self.hosts.borrow().first_failed()
    }

    /// Something has happened to a host: others may go now.
    fn moved(&self, host: usize, from: &[Moment], to: Moment) {
        let moved = self.hosts.borrow_mut().step(host, from, to);
        if moved {
            self.answer();
        }
    }

    /// Gives an answer to all hosts for which there is one by now, as long as there is a free place. Where there is none,
    /// somebody is at work, and something will happen again.
    fn answer(&self) {
        let mut hosts = self.hosts.borrow_mut();
        let mut from = 0;
        while hosts.at_work() < self.limit
            && let Some(host) = hosts.next_waiting(from)
        {
            from = host + 1;
            let (answer, next) = match hosts.moment(host) {
                Moment::Queued => (self.strategy.begin(host, &hosts), Moment::Begun),
                _ => (self.strategy.admit(host, &hosts), Moment::Admitted),
            };
            let next = match answer {
                Some(Answer::Go) => next,
                Some(Answer::Held) => Moment::Held,
                None => continue,
            };
            hosts.step(host, &[Moment::Queued, Moment::Locked], next);
            self.answered[host].notify_one();
        }
    }

    /// Waits until the host is no longer at that moment. What it is told stands in [`Hosts`], so that nothing is lost
    /// when this is dropped.
    async fn left(&self, host: usize, moment: Moment) -> Answer {
        loop {
            match self.hosts.borrow().moment(host) {
                at if at == moment => {}
                Moment::Held => return Answer::Held,
                _ => return Answer::Go,
            }
            self.answered[host].notified().await;
        }
    }
}

/// A host's part in the schedule. Dropping it says: this host is out, do not wait for it.
pub(super) struct Turn<'s> {
    schedule: &'s Schedule,
    host: usize,
}

impl Turn<'_> {
    /// Waits until this host may be connected to and locked. From then on it is at work. Cancel-safe.
    pub(super) async fn begun(&self) -> Answer {
        self.schedule.left(self.host, Moment::Queued).await
    }

    /// Another run holds this host's lock, which may take long: others are let go meanwhile.
    pub(super) fn blocked(&self) {
        self.schedule.moved(self.host, &[Moment::Begun], Moment::Blocked);
    }

    /// The lock came free. The agent goes on by itself, so this host is at work though the limit may be reached;
    /// nobody else is let go until the number is below it again.
    pub(super) fn unblocked(&self) {
        self.schedule.moved(self.host, &[Moment::Blocked], Moment::Begun);
    }

    /// This host is locked and about to be changed.
    pub(super) fn locked(&self) {
        self.schedule.moved(self.host, &[Moment::Begun, Moment::Blocked], Moment::Locked);
    }

    /// Waits until it is settled whether this host may be changed. Cancel-safe: the answer stays, and while it is
    /// awaited something else can be done.
    pub(super) async fn admitted(&self) -> Answer {
        self.schedule.left(self.host, Moment::Locked).await
    }

    /// This host is not to be changed, and those that the strategy ties to it are not either. Says nothing once it is
    /// locked.
    pub(super) fn refused(&self, why: String) {
        let unsettled = [Moment::Queued, Moment::Begun, Moment::Blocked];
        self.schedule.hosts.borrow_mut().refuse(self.host, &unsettled, why);
        self.schedule.moved(self.host, &unsettled, Moment::Refused);
    }

    /// A task has failed on this host, or it was lost while it was being changed. Said before it is finished.
    pub(super) fn failed(&self) {
        self.schedule.hosts.borrow_mut().fail(self.host);
    }

    /// Nothing more happens on this host.
    pub(super) fn finished(self, status: Status) {
        self.schedule.finish(self.host, status);
    }
}

impl Schedule {
    #[cfg(test)]
    fn moments(&self) -> Vec<Moment> {
        let hosts = self.hosts.borrow();
        (0..self.answered.len()).map(|host| hosts.moment(host)).collect()
    }

    fn finish(&self, host: usize, status: Status) {
        let before = self.hosts.borrow().moment(host);
        if !matches!(before, Moment::Finished(_)) {
            self.moved(host, &[before], Moment::Finished(status));
        }
    }
}

impl Drop for Turn<'_> {
    /// A session that ends without a word has panicked: it counts as failed.
    fn drop(&mut self) {
        self.schedule.finish(self.host, Status::Failed);
    }
}
