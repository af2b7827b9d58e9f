//! All hosts of the selection are locked, then all are changed at once; one that refuses keeps all from being changed.

use super::strategy::{Answer, Hosts, Moment, Strategy};

/// See the module.
pub(in crate::controller) struct AllAtOnce;

impl Strategy for AllAtOnce {
    fn begin(&self, _: usize, _: &Hosts) -> Option<Answer> {
        Some(Answer::Go)
    }

    fn admit(&self, _: usize, hosts: &Hosts) -> Option<Answer> {
        if hosts.any(|moment| !Moment::is_settled(moment)) {
            None
        } else if hosts.refusals().next().is_some() {
            Some(Answer::Held)
        } else {
            Some(Answer::Go)
        }
    }
}
