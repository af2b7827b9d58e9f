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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use nix::sys::resource::getrlimit;

    use super::*;

    #[test]
    fn nothing_is_left_of_this_process() {
        const CHILD: &str = "NO_CORE_CHILD";
        if std::env::var_os(CHILD).is_some() {
            assert!(nix::sys::prctl::get_dumpable().unwrap());
            leave_none();
            assert!(!nix::sys::prctl::get_dumpable().unwrap());
            assert_eq!(getrlimit(Resource::RLIMIT_CORE).unwrap(), (0, 0));
            // What it has to know of itself it still can.
            assert!(std::fs::File::open("/proc/self/exe").is_ok());
            assert!(crate::relay::this_program().is_some());
            return;
        }
        // In a process of its own, as it cannot be taken back.
        let own = std::env::current_exe().unwrap();
        let test = "no_core::tests::nothing_is_left_of_this_process";
        let child = std::process::Command::new(own).args([test, "--exact"]).env(CHILD, "1").output().unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    }
}
