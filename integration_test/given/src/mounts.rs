//! Tests that mount something.

use std::process::Command;

const UNSHARE: [&str; 3] = ["--mount", "--propagation", "private"];
/// Set in the process in which the test really runs.
const INSIDE: &str = "PARACRINE_OWN_MOUNTS";

/// Runs a test again in a process of its own, where what it mounts is nobody else's. Only root can do that, and not
/// everywhere; where it cannot be done, the test is skipped. `test` is the test's whole name, with its modules.
///
/// # Panics
/// If the test does.
#[track_caller]
pub fn own_mounts(test: &str, body: fn()) {
    if std::env::var_os(INSIDE).is_some_and(|inside| inside == *test) {
        return body();
    }
    if !crate::root() || !crate::that(possible(), "to be let mount (unshare --mount)") {
        return;
    }
    let test_binary = std::env::current_exe().unwrap_or_else(|error| panic!("no test binary: {error}"));
    let again = Command::new("unshare")
        .args(UNSHARE)
        .arg(test_binary)
        .args(["--exact", test])
        .env(INSIDE, test)
        .output()
        .unwrap_or_else(|error| panic!("cannot run {test} again: {error}"));
    let said = String::from_utf8_lossy(&again.stdout);
    // A name that is no test's would run none, and pass.
    assert!(again.status.success() && said.contains("1 passed"), "{said}");
}

fn possible() -> bool {
    Command::new("unshare").args(UNSHARE).arg("true").output().is_ok_and(|done| done.status.success())
}
