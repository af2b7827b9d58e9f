//! What exit codes mean.

use crate::event::{Status, Totals};

/// Nothing to do, or all of it applied.
pub(crate) const SUCCESS: u8 = 0;
/// Something failed, or the command line was wrong.
pub(crate) const FAILED: u8 = 1;
/// Changes are pending.
pub(crate) const PENDING: u8 = 2;
/// A host was unreachable, and nothing failed.
pub(crate) const UNREACHABLE: u8 = 3;

/// What a run comes down to.
pub(crate) fn code(totals: &Totals) -> u8 {
    let any = |statuses: &[Status]| statuses.iter().any(|status| totals.count(*status) > 0);
    if any(&[Status::Failed, Status::Held, Status::NotBegun, Status::Stopped]) {
        FAILED
    } else if any(&[Status::Unreachable]) {
        UNREACHABLE
    } else if any(&[Status::Pending]) {
        PENDING
    } else {
        SUCCESS
    }
}
