//! A core file of this program would hold the values of secrets.

use nix::sys::resource::{Resource, setrlimit};

/// Sees that this process leaves none, however it ends; nor do the programs that it starts, which tell it secrets.
pub(crate) fn leave_none() {
    // Where it cannot be had, there is no reason not to run.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    // The limit does not count where the system hands cores to a program.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}
