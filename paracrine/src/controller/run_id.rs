//! The name of a run.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::SystemTime;

use paracrine_model::protocol::RunId;

/// A name that no other run has.
pub(super) fn make() -> RunId {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // Seeded by the system per process and counted up. The nanoseconds are a second source.
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(now.subsec_nanos());
    let [a, b, c, d, ..] = hasher.finish().to_be_bytes();
    RunId::new(now.as_secs(), u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_two_runs_have_the_same_name() {
        let made: BTreeSet<_> = (0..1000).map(|_| super::make()).collect();
        assert_eq!(made.len(), 1000);
    }
}
