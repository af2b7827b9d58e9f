//! The suite that every resource passes below a temporary root (`paracrine/agent/src/suite.rs`), run on a Debian host with
//! real accounts, packages and systemd: the same table, in one boot.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use integration_test::lab::Lab;
use integration_test::site::workspace;

#[test]
fn every_resource_passes_the_suite_on_a_host() {
    let tests = agents_tests();
    let lab = Lab::start(&["suite"]).expect("the lab starts");
    let there = lab.root("suite").expect("there is this host").join("usr/local/bin/agents-tests");
    std::fs::copy(&tests, &there).expect("the tests can be copied to the host");
    let script = "PARACRINE_SUITE=host RUST_BACKTRACE=0 agents-tests resource::all:: on_any_machine:: --test-threads 1 2>&1";
    let done = lab.exec("suite", script).expect("the host answers");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}");
    let passed = said.lines().filter(|line| line.ends_with(" ... ok")).count();
    assert!(passed >= 13, "every resource is in it:\n{said}");
}

/// The agent's tests as one program. The lab's hosts are of the Debian that this machine is.
fn agents_tests() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .current_dir(workspace())
        .args(["test", "--package", "paracrine-agent", "--lib", "--no-run", "--message-format", "json"])
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be started");
    assert!(built.status.success(), "the agent's tests build");
    let said = String::from_utf8_lossy(&built.stdout);
    let messages = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let executable =
        messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
    executable.expect("cargo tells where the tests are")
}
