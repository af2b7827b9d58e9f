//! What a strategy is asked, and what it is told.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Status;

/// In which order hosts are begun and changed, and when to stop.
///
/// It is asked of one host after the other, in the order of the inventory, whenever something has happened and one more
/// host may be at work. Its answers depend on nothing but what it sees in [`Hosts`], and it does not mind how many hosts
/// are at work: that is not for it to count. It owes every host an answer once no other is
/// [unsettled](Moment::is_settled) or at work.
pub(in crate::controller) trait Strategy {
    /// Whether this host may be connected to and locked; `None`: not yet.
    fn begin(&self, host: usize, hosts: &Hosts) -> Option<Answer>;

    /// Whether this host, which is locked, may be changed; `None`: not yet.
    fn admit(&self, host: usize, hosts: &Hosts) -> Option<Answer>;
}

/// What a host is told that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::controller) enum Answer {
    /// It may go on.
    Go,
    /// It may not, in this run; why, [`Hosts::refusals`] and [`Hosts::first_failed`] tell.
    Held,
}

/// How far a host has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::controller) enum Moment {
    /// Waits to be begun.
    Queued,
    /// Is connected to, locked, and compared with its plan.
    Begun,
    /// Waits for another run to let go of the lock.
    Blocked,
    /// Is locked, differs from its plan, and waits to be admitted.
    Locked,
    /// Is being changed.
    Admitted,
    /// Was told that it is not changed, and lets go of its lock.
    Held,
    /// Cannot be changed, and said so before anything was.
    Refused,
    /// Nothing more happens on it.
    Finished(Status),
}

impl Moment {
    /// Whether it is known of this host if it can be changed.
    pub(in crate::controller) fn is_settled(self) -> bool {
        !matches!(self, Self::Queued | Self::Begun | Self::Blocked)
    }

    /// Whether it counts among those at work.
    pub(super) fn is_at_work(self) -> bool {
        matches!(self, Self::Begun | Self::Admitted)
    }

    /// Whether it waits for an answer.
    pub(super) fn is_waiting(self) -> bool {
        matches!(self, Self::Queued | Self::Locked)
    }
}

/// How far the hosts of a run have come.
pub(in crate::controller) struct Hosts {
    moments: Vec<Moment>,
    /// How many hosts are at each moment, so that a strategy need not look at all of them; none is zero.
    counts: BTreeMap<Moment, usize>,
    waiting: BTreeSet<usize>,
    at_work: usize,
    refusals: BTreeMap<usize, String>,
    first_failed: Option<usize>,
}

impl Hosts {
    /// So many, all of them at the beginning.
    pub(super) fn new(hosts: usize) -> Self {
        Self {
            moments: vec![Moment::Queued; hosts],
            counts: BTreeMap::from_iter((hosts > 0).then_some((Moment::Queued, hosts))),
            waiting: (0..hosts).collect(),
            at_work: 0,
            refusals: BTreeMap::new(),
            first_failed: None,
        }
    }

    /// How far one of them has come.
    pub(in crate::controller) fn moment(&self, host: usize) -> Moment {
        self.moments[host]
    }

    /// Whether any of them is at such a moment.
    pub(in crate::controller) fn any(&self, is: impl Fn(Moment) -> bool) -> bool {
        self.counts.keys().any(|moment| is(*moment))
    }

    /// Why hosts could not be changed, in the order of the hosts. They stay when those hosts are finished.
    pub(in crate::controller) fn refusals(&self) -> impl Iterator<Item = &str> {
        self.refusals.values().map(String::as_str)
    }

    /// The first host on which a task has failed, or that was lost while it was being changed. (One that could not be begun
    /// says nothing against the plan of the others.)
    pub(in crate::controller) fn first_failed(&self) -> Option<usize> {
        self.first_failed
    }

    /// Notes that a task has failed on a host.
    pub(super) fn fail(&mut self, host: usize) {
        self.first_failed.get_or_insert(host);
    }

    /// How many are at work.
    pub(super) fn at_work(&self) -> usize {
        self.at_work
    }

    /// The first that waits for an answer, from this one on, in the order of the inventory.
    pub(super) fn next_waiting(&self, from: usize) -> Option<usize> {
        self.waiting.range(from..).next().copied()
    }

    /// Notes why a host cannot be changed, if it is at one of these moments.
    pub(super) fn refuse(&mut self, host: usize, at: &[Moment], why: String) {
        if at.contains(&self.moments[host]) {
            self.refusals.insert(host, why);
        }
    }

    /// Moves a host on, if it is at one of the moments `from`.
    pub(super) fn step(&mut self, host: usize, from: &[Moment], to: Moment) -> bool {
        let before = self.moments[host];
        if !from.contains(&before) {
            return false;
        }
        self.moments[host] = to;
        self.at_work -= usize::from(before.is_at_work());
        self.at_work += usize::from(to.is_at_work());
        if let Some(count) = self.counts.get_mut(&before) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&before);
            }
        }
        *self.counts.entry(to).or_default() += 1;
        if to.is_waiting() {
            self.waiting.insert(host);
        } else {
            self.waiting.remove(&host);
        }
        true
    }
}
