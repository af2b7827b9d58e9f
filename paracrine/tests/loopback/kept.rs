//! Connections: kept, gone, found again.

use std::fs;
use std::process::Command;
use std::time::Duration;

use paracrine_model::protocol::Greeting;

use crate::sshd::{hello, until};
use crate::sshd_or_return;

#[tokio::test]
async fn the_agent_is_uploaded_once_and_the_connection_kept() {
    let sshd = sshd_or_return!("");
    let host = sshd.host();
    let mut link = host.open().await.unwrap();
    assert!(!link.kept());
    assert!(link.notes().iter().any(|note| note.contains("Permanently added")), "{:?}", link.notes());
    assert_eq!(link.recv::<Greeting>().await.unwrap(), hello(host.agent.hash));
    link.close().await;
    let uploaded = fs::metadata(host.cached_agent()).unwrap().modified().unwrap();
    let known = sshd.read("known_hosts");
    assert!(known.starts_with(&format!("[127.0.0.1]:{} ssh-ed25519 ", sshd.port)), "{known}");

    let mut link = host.open().await.unwrap();
    assert!(link.kept());
    assert_eq!(link.recv::<Greeting>().await.unwrap(), hello(host.agent.hash));
    link.close().await;
    assert_eq!(fs::metadata(host.cached_agent()).unwrap().modified().unwrap(), uploaded);
    assert_eq!(sshd.read("known_hosts"), known);
    assert_eq!(sshd.read("sshd_log").matches("Accepted publickey").count(), 1);
    assert_eq!(host.sockets().len(), 1);
}

#[tokio::test]
async fn what_was_not_to_be_kept_is_gone_at_once() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    host.settings.persist = Duration::ZERO;
    let link = host.open().await.unwrap();
    assert_eq!(host.sockets().len(), 1);
    link.close().await;
    assert_eq!(host.sockets().len(), 0);
    until("sshd sees the end", || sshd.read("sshd_log").contains("Disconnected from")).await;
    assert!(!host.open().await.unwrap().kept());
}

#[tokio::test]
async fn a_kept_connection_goes_when_its_time_is_over() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    host.settings.persist = Duration::from_secs(1);
    host.open().await.unwrap().close().await;
    until("the connection goes", || host.sockets().is_empty()).await;
    let link = host.open().await.unwrap();
    assert!(!link.kept());
}

#[tokio::test]
async fn a_dead_connection_is_replaced() {
    let sshd = sshd_or_return!("");
    let host = sshd.host();
    host.open().await.unwrap().close().await;
    let sockets = host.sockets();
    let pid = host.master();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    until("it is dead", || std::os::unix::net::UnixStream::connect(&sockets[0]).is_err()).await;
    let link = host.open().await.unwrap();
    assert!(!link.kept());
    link.close().await;
    assert!(host.open().await.unwrap().kept());
}

#[tokio::test]
async fn a_connection_that_was_kept_is_lost_with_the_host() {
    let sshd = sshd_or_return!("");
    let host = sshd.host();
    host.open().await.unwrap().close().await;
    // The processes that serve the connection, as when the host starts anew.
    let out = Command::new("pkill").args(["-KILL", "-P"]).arg(sshd.pid()).status().unwrap();
    assert!(out.success());
    let link = host.open().await.unwrap();
    assert!(!link.kept());
}

#[tokio::test]
async fn runs_at_the_same_time_do_not_disturb_each_other() {
    let sshd = sshd_or_return!("");
    let host = sshd.host();
    let opened = tokio::join!(host.open(), host.open(), host.open(), host.open());
    let links = [opened.0.unwrap(), opened.1.unwrap(), opened.2.unwrap(), opened.3.unwrap()];
    for mut link in links {
        assert_eq!(link.recv::<Greeting>().await.unwrap(), hello(host.agent.hash));
        link.close().await;
    }
    assert!(host.open().await.unwrap().kept());
    let names = fs::read_dir(sshd.path("home/.cache/paracrine")).unwrap().count();
    assert_eq!(names, 1, "temporary files are left");
}

#[tokio::test]
async fn what_is_secret_does_not_outlive_the_run() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    // Cargo sets both.
    host.settings.secret_variables = vec!["CARGO_PKG_NAME".into()];
    host.open().await.unwrap().close().await;
    let environment = fs::read(format!("/proc/{}/environ", host.master())).unwrap();
    let has = |name: &[u8]| environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(name));
    assert!(has(b"CARGO_MANIFEST_DIR="), "the environment of ssh is not where it is looked for");
    assert!(!has(b"CARGO_PKG_NAME="));
}
