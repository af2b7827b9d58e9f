//! All hosts of the selection are locked, then all are changed at once; one that refuses keeps all from being changed, and one
//! that fails those whose turn has not come.

use super::strategy::{Answer, Hosts, Moment, Strategy};

/// See the module.
pub(in crate::controller) struct AllAtOnce {
    /// Whether hosts go on after another has failed.
    pub(in crate::controller) keep_going: bool,
}

impl AllAtOnce {
    fn is_over(&self, hosts: &Hosts) -> bool {
        !self.keep_going && hosts.first_failed().is_some()
    }
}

impl Strategy for AllAtOnce {
    fn begin(&self, _: usize, hosts: &Hosts) -> Option<Answer> {
        Some(if self.is_over(hosts) { Answer::Held } else { Answer::Go })
    }

    fn admit(&self, _: usize, hosts: &Hosts) -> Option<Answer> {
        if self.is_over(hosts) {
            Some(Answer::Held)
        } else if hosts.any(|moment| !Moment::is_settled(moment)) {
            None
        } else if hosts.refusals().next().is_some() {
            Some(Answer::Held)
        } else {
            Some(Answer::Go)
        }
    }
}
