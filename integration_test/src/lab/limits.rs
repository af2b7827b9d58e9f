//! Limits of the kernel that many hosts on one machine run into.

use std::fs;

use super::error::{Context as _, Result};

/// How many inotify instances the processes of one user may have: the roots of all hosts are one user to the kernel.
const INOTIFY: &str = "/proc/sys/fs/inotify/max_user_instances";

/// Raises the limit on inotify instances, until the machine's next boot, where so many hosts would not boot under it.
pub(crate) fn make_room_for(hosts: usize) -> Result<()> {
    let limit = fs::read_to_string(INOTIFY).context(|| format!("cannot read {INOTIFY}"))?;
    if let Some(enough) = raised(limit.trim(), hosts) {
        eprintln!(
            "lab: raising fs.inotify.max_user_instances from {} to {enough} for {hosts} hosts",
            limit.trim()
        );
        fs::write(INOTIFY, enough.to_string()).context(|| format!("cannot write {INOTIFY}"))?;
    }
    Ok(())
}

/// The limit to set, if the present one is too low. A host takes four instances, some more with what tests install.
fn raised(limit: &str, hosts: usize) -> Option<usize> {
    let needed = 32 + 6 * hosts;
    let limit = limit.parse::<usize>().ok()?;
    (limit < needed).then(|| needed.next_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_raised_when_too_low_only() {
        assert_eq!(raised("128", 12), None);
        assert_eq!(raised("128", 24), Some(256));
        assert_eq!(raised("8192", 200), None);
        assert_eq!(raised("unlimited", 200), None);
    }
}
