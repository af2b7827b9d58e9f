//! The way to a host, and what stands in it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::time::Duration;

use paracrine::remote_agent::ConnectionError;
use paracrine_model::protocol::Greeting;

use crate::sshd::until;
use crate::sshd::{Host, hello};
use crate::sshd_or_return;

#[tokio::test]
async fn many_hosts_are_remembered_at_once() {
    let sshd = sshd_or_return!("");
    let hosts: Vec<Host> = (1..=12)
        .map(|last| {
            let mut host = sshd.host();
            host.address.ssh_hostname = format!("127.0.0.{last}");
            host
        })
        .collect();
    let mut opening: Vec<_> = hosts.iter().map(|host| Box::pin(host.open())).collect();
    // Started together, so that they write together.
    let opened = std::future::poll_fn(|context| {
        let mut all = true;
        opening.retain_mut(|open| match open.as_mut().poll(context) {
            std::task::Poll::Ready(link) => {
                drop(link.unwrap());
                false
            }
            std::task::Poll::Pending => {
                all = false;
                true
            }
        });
        if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    });
    opened.await;
    let known = sshd.read("known_hosts");
    let mut names: Vec<&str> = known.lines().map(|line| line.split(' ').next().unwrap()).collect();
    names.sort_unstable();
    let mut expected: Vec<String> = (1..=12).map(|last| format!("[127.0.0.{last}]:{}", sshd.port)).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
    let key = sshd.read("host_key.pub").split(' ').nth(1).unwrap().to_owned();
    assert!(known.lines().all(|line| line.ends_with(&key)), "{known}");
}

#[tokio::test]
async fn a_host_that_is_busy_with_logins_is_tried_again() {
    // One at a time, every further one is turned away.
    let sshd = sshd_or_return!("MaxStartups 1:100:1");
    let mut host = sshd.host();
    host.settings.persist = Duration::ZERO;
    let first = std::net::TcpStream::connect(("127.0.0.1", sshd.port)).unwrap();
    let turned_away = async {
        until("it is turned away", || sshd.read("sshd_log").contains("MaxStartups")).await;
        drop(first);
    };
    tokio::join!(host.open(), turned_away).0.unwrap().close().await;
}

#[tokio::test]
async fn a_changed_host_key_is_refused_and_named() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    host.settings.persist = Duration::ZERO;
    let other = sshd.read("other_key.pub");
    let other: Vec<&str> = other.split(' ').take(2).collect();
    let line = format!("# ours\n[127.0.0.1]:{} {}\n", sshd.port, other.join(" "));
    fs::write(sshd.path("known_hosts"), &line).unwrap();
    let error = host.open().await.unwrap_err();
    assert!(!error.unreachable());
    let ConnectionError::HostKeyChanged { known: Some(known), pinned: None, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!((known.file.as_path(), known.line), (sshd.path("known_hosts").as_path(), 2));
    let failure = error.failure();
    assert!(failure.message.contains("known_hosts, line 2: it shows SHA256:"), "{failure:?}");
    assert!(failure.help.unwrap().contains("remove line 2 of"));
    assert_eq!(sshd.read("known_hosts"), line);
}

#[tokio::test]
async fn a_pinned_host_key_is_the_only_one_taken() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    host.settings.persist = Duration::ZERO;
    host.address.host_key = Some(sshd.read("host_key.pub"));
    let link = host.open().await.unwrap();
    assert_eq!(link.notes(), [""; 0]);
    link.close().await;
    assert!(!sshd.path("known_hosts").exists());

    host.address.host_key = Some(sshd.read("other_key.pub"));
    let error = host.open().await.unwrap_err();
    assert!(!error.unreachable());
    let failure = error.failure();
    assert_eq!(failure.output, None);
    assert!(
        failure.message.contains("is not the `host_key` that inventory.yaml pins: it shows SHA256:"),
        "{failure:?}"
    );

    // A key of another kind than any that the host has.
    host.address.host_key = Some("ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBG1cOaMIcEuKQ1cbKlV2NMSJPH2yGtAtcMHZ5MSDNyPK9cn2EbVoRlVCnf1gaWIwuJtgk5vGqPxN5MBMNzM1bVE=".into());
    let error = host.open().await.unwrap_err();
    assert!(matches!(error, ConnectionError::HostKeyChanged { pinned: Some(_), .. }), "{error:?}");
    host.address.host_key = Some("nonsense".into());
    assert!(matches!(host.open().await.unwrap_err(), ConnectionError::Local { .. }));
}

#[tokio::test]
async fn a_host_that_is_not_there_is_unreachable() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    host.address.ssh_port = Some(free);
    let error = host.open().await.unwrap_err();
    assert!(error.unreachable());
    let message = error.to_string();
    assert!(message.starts_with(&format!("cannot reach 127.0.0.1 port {free}: ")), "{message}");
    assert!(message.contains("Connection refused"), "{message}");
}

#[tokio::test]
async fn a_host_that_never_answers_is_unreachable() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    host.address.ssh_port = Some(silent.local_addr().unwrap().port());
    host.settings.connect_timeout = Duration::from_secs(1);
    let error = host.open().await.unwrap_err();
    assert!(matches!(error, ConnectionError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("timed out"), "{error}");
}

#[tokio::test]
async fn a_key_that_the_host_does_not_know_is_no_login() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    host.address.ssh_key = vec!["other_key".into()];
    let error = host.open().await.unwrap_err();
    assert!(matches!(error, ConnectionError::AuthFailed { .. }), "{error:?}");
    assert!(!error.unreachable());
    let failure = error.failure();
    assert!(failure.message.ends_with("does not let us log in"));
    assert!(failure.output.unwrap().contains("Permission denied (publickey)"));
    assert!(failure.help.unwrap().contains("other_key"));
    host.address.ssh_key = vec!["no such key".into()];
    let error = host.open().await.unwrap_err();
    assert!(
        matches!(error, ConnectionError::Local { .. }) && error.to_string().contains("no such key"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_jump_host_is_a_host_like_others() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    host.address.ssh_hostname = "127.0.0.2".into();
    host.address.jump = vec![format!("127.0.0.3:{}", sshd.port), format!("127.0.0.4:{}", sshd.port)];
    let mut link = host.open().await.unwrap();
    assert_eq!(link.recv::<Greeting>().await.unwrap(), hello(host.agent.hash));
    link.close().await;
    let known = sshd.read("known_hosts");
    for last in [2, 3, 4] {
        assert_eq!(known.matches(&format!("[127.0.0.{last}]:{} ", sshd.port)).count(), 1, "{known}");
    }
    assert_eq!(sshd.read("sshd_log").matches("Accepted publickey").count(), 3);
    assert!(host.open().await.unwrap().kept());

    host.settings.persist = Duration::ZERO;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    host.address.jump[0] = format!("127.0.0.5:{free}");
    let error = host.open().await.unwrap_err();
    assert!(matches!(error, ConnectionError::Unreachable { .. }), "{error:?}");
    let said = error.failure().output.unwrap();
    assert!(said.contains(&format!("connect to host 127.0.0.5 port {free}: Connection refused")), "{said}");
}

#[tokio::test]
async fn connections_can_go_through_the_relay() {
    // Stands for the deploy binary: this one, which becomes a relay when it is asked to.
    if let Ok(arguments) = std::env::var("RELAY_ARGUMENTS") {
        let arguments = std::iter::once("program").chain(arguments.split(' '));
        paracrine::remote_agent::relay_if_asked_for(arguments.map(Into::into)).unwrap();
        return;
    }
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let test = std::env::current_exe().unwrap();
    let program = sshd.program(&format!(
        "echo >>$0.used\nexport RELAY_ARGUMENTS=\"$*\"\nexec {} -q --nocapture --exact way::connections_can_go_through_the_relay",
        test.display()
    ));
    host.settings.relay = Some(program);
    let mut link = host.open().await.unwrap();
    assert_eq!(link.recv::<Greeting>().await.unwrap(), hello(host.agent.hash));
    link.close().await;
    assert_eq!(sshd.read("program.used"), "\n");
    let known = sshd.read("known_hosts");
    assert!(known.starts_with(&format!("[127.0.0.1]:{} ssh-ed25519 ", sshd.port)), "{known}");
    // The way is another, the connection the same.
    let mut direct = host.clone();
    direct.settings.relay = None;
    assert!(direct.open().await.unwrap().kept());

    host.settings.persist = Duration::ZERO;
    // Hosts for which the user's config has a proxy keep it.
    let theirs = format!("ProxyCommand echo >>{}\n", sshd.path("theirs").display());
    fs::write(sshd.path("config"), theirs).unwrap();
    let mut theirs = host.clone();
    theirs.settings.config = Some(sshd.path("config"));
    assert!(matches!(theirs.open().await.unwrap_err(), ConnectionError::Unreachable { .. }));
    assert!(sshd.path("theirs").exists());
    assert_eq!(sshd.read("program.used"), "\n");

    fs::write(sshd.path("ssh_config"), "").unwrap();

    // A relay that does not work is done without.
    sshd.program("exit 1");
    host.open().await.unwrap().close().await;
}

#[tokio::test]
async fn a_host_that_is_not_there_is_told_by_the_relay_too() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let program =
        "echo \"ssh: connect to host $2 port $3: Connection refused\" >>$PARACRINE_RELAY_LOG\nexit 1";
    host.settings.relay = Some(sshd.program(program));
    let error = host.open().await.unwrap_err();
    assert!(matches!(error, ConnectionError::Unreachable { .. }), "{error:?}");
    let at = format!("127.0.0.1 port {}", sshd.port);
    assert_eq!(error.to_string(), format!("cannot reach {at}: connect to host {at}: Connection refused"));
}

/// A port on which everybody is told this, then left alone with an open connection.
fn port_that_says(what: &'static [u8], close: bool) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut socket in listener.incoming().map_while(Result::ok) {
            let _ = std::io::Write::write_all(&mut socket, what);
            if !close {
                open.push(socket);
            }
        }
    });
    port
}

/// Relays, if this test was started to stand for the deploy binary, which becomes a relay when it is asked to.
fn relays() -> bool {
    let Ok(arguments) = std::env::var("RELAY_ARGUMENTS") else {
        return false;
    };
    let arguments = std::iter::once("program").chain(arguments.split(' '));
    paracrine::remote_agent::relay_if_asked_for(arguments.map(Into::into)).unwrap();
    true
}

/// A program that does something, then becomes the relay that this test is.
fn relay(sshd: &crate::sshd::Sshd, first: &str, test: &str) -> std::path::PathBuf {
    let own = std::env::current_exe().unwrap();
    sshd.program(&format!(
        "{first}\nexport RELAY_ARGUMENTS=\"$*\"\nexec {} -q --nocapture --exact {test}",
        own.display()
    ))
}

#[tokio::test]
async fn through_the_relay_the_cause_is_told() {
    if relays() {
        return;
    }
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    host.settings.relay = Some(relay(&sshd, ":", "way::through_the_relay_the_cause_is_told"));
    host.settings.connect_timeout = Duration::from_secs(2);
    for (says, close, expected, unreachable) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            true,
            "does not speak SSH: it sent \"HTTP/1.1 400 Bad Request\"",
            false,
        ),
        (
            b"220 mail.example.org ESMTP\r\n",
            false,
            "does not speak SSH: it sent \"220 mail.example.org ESMTP\"",
            false,
        ),
        (b"\x4a\0\0\0\x0a8.0\0", false, "does not speak SSH: it sent \"J\\0\\0\\0\"", false),
        (b"", false, "it does not answer: no SSH greeting came in time", true),
    ] {
        host.address.ssh_port = Some(port_that_says(says, close));
        let error = host.open().await.unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
        assert_eq!(error.unreachable(), unreachable, "{error:?}");
        let failure = error.failure();
        assert!(!format!("{failure:?}").contains("UNKNOWN"), "{failure:?}");
    }
}

fn keygen(arguments: &[&str]) {
    let made = std::process::Command::new("ssh-keygen").args(arguments).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// The type and the key of a public key's file.
fn public(file: &std::path::Path) -> String {
    fs::read_to_string(file).unwrap().split(' ').take(2).collect::<Vec<_>>().join(" ").trim().to_owned()
}

#[tokio::test]
async fn a_host_is_asked_for_the_key_that_is_known_whatever_the_users_config_prefers() {
    let keys = tempfile::tempdir().unwrap();
    let at = |name: &str| keys.path().join(name);
    let path = |name: &str| at(name).display().to_string();
    keygen(&["-q", "-t", "ecdsa", "-N", "", "-f", &path("ecdsa")]);
    keygen(&["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", &path("rsa")]);
    keygen(&["-q", "-t", "ed25519", "-N", "", "-f", &path("ca")]);
    keygen(&["-q", "-s", &path("ca"), "-I", "x", "-h", "-n", "127.0.0.1", &path("rsa.pub")]);
    let sshd = sshd_or_return!(&format!(
        "HostKey {}\nHostKey {}\nHostCertificate {}",
        path("ecdsa"),
        path("rsa"),
        path("rsa-cert.pub")
    ));
    let mut host = sshd.host();
    host.settings.persist = Duration::ZERO;
    let name = format!("[127.0.0.1]:{}", sshd.port);
    let ed25519 = public(&sshd.path("host_key.pub"));
    let (ecdsa, rsa, other) =
        (public(&at("ecdsa.pub")), public(&at("rsa.pub")), public(&sshd.path("other_key.pub")));
    let config = |lists: &str| {
        fs::write(sshd.path("ssh_config"), format!("HostKeyAlgorithms {lists}\n")).unwrap();
    };
    let known = |lines: &str| fs::write(sshd.path("known_hosts"), lines).unwrap();
    let open = async |host: &Host<'_>| match host.open().await {
        Ok(link) => {
            link.close().await;
            Ok(())
        }
        Err(error) => Err(error),
    };
    for (list, key) in [
        ("ecdsa-sha2-nistp256", &ed25519),
        ("ecdsa-sha2-nistp256,ssh-ed25519", &ed25519),
        ("rsa-sha2-512", &ecdsa),
        // The host has none of these at all.
        ("ssh-dss", &rsa),
        ("^ecdsa-sha2-nistp256", &rsa),
    ] {
        config(list);
        let line = format!("{name} {key}\n");
        known(&line);
        open(&host).await.unwrap_or_else(|error| panic!("{list} {key}: {error:?}"));
        assert_eq!(sshd.read("known_hosts"), line);
        // As other tools write it.
        keygen(&["-q", "-H", "-f", &sshd.path("known_hosts").display().to_string()]);
        assert!(sshd.read("known_hosts").starts_with("|1|"));
        open(&host).await.unwrap_or_else(|error| panic!("hashed, {list} {key}: {error:?}"));
        let mut pinned = host.clone();
        pinned.address.host_key = Some(key.clone());
        open(&pinned).await.unwrap_or_else(|error| panic!("pinned, {list} {key}: {error:?}"));
    }
    // By its certificate, with which it also shows a key that is known as another.
    config("ecdsa-sha2-nistp256");
    known(&format!("@cert-authority {name},127.0.0.1 {}\n{name} {other}\n", public(&at("ca.pub"))));
    open(&host).await.unwrap();

    // Another key stays another key.
    for list in ["ecdsa-sha2-nistp256", "ssh-ed25519"] {
        config(list);
        let line = format!("{name} {other}\n");
        known(&line);
        let error = open(&host).await.unwrap_err();
        assert!(matches!(error, ConnectionError::HostKeyChanged { .. }), "{error:?}");
        assert_eq!(sshd.read("known_hosts"), line);
    }
    // And what the user's config does not allow is not taken for the first time.
    config("ssh-dss");
    known("");
    let error = open(&host).await.unwrap_err();
    assert!(error.to_string().contains("no matching host key type found"), "{error}");
    assert_eq!(sshd.read("known_hosts"), "");
}

#[tokio::test]
async fn a_host_that_cannot_be_remembered_is_not_talked_to() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let ran = sshd.path("ran");
    host.agent = crate::sshd::Agent::new(&format!("echo >{}; exec cat >/dev/null", ran.display()));
    let known = sshd.path("known_hosts");
    let refused = async |host: &Host<'_>, why: &str| {
        let error = host.open().await.unwrap_err();
        assert!(matches!(error, ConnectionError::Local { .. }) && !error.unreachable(), "{error:?}");
        assert_eq!(
            error.to_string(),
            format!("host keys cannot be remembered in {}: {why}", known.display())
        );
        assert!(error.failure().help.unwrap().contains("pin `host_key`"));
    };
    for (target, why) in [
        ("/dev/null", "it is no regular file"),
        ("/dev/full", "it is no regular file"),
        ("/nowhere/known_hosts", "there is no such directory"),
        ("known_hosts", "too many levels of symbolic links"),
    ] {
        std::os::unix::fs::symlink(target, &known).unwrap();
        refused(&host, why).await;
        fs::remove_file(&known).unwrap();
    }
    fs::create_dir(&known).unwrap();
    refused(&host, "is a directory").await;
    // A jump host is met by its key too.
    let mut pinned = host.clone();
    pinned.address.host_key = Some(sshd.read("host_key.pub"));
    pinned.address.jump = vec![format!("127.0.0.2:{}", sshd.port)];
    refused(&pinned, "is a directory").await;
    assert_eq!(sshd.read("sshd_log").matches("Connection from").count(), 0);
    assert_eq!(sshd.read("sshd_log").matches("Accepted").count(), 0);
    assert!(!ran.exists());
    // Whose keys are all pinned needs no such file.
    pinned.address.jump = Vec::new();
    pinned.open().await.unwrap().close().await;
}

#[tokio::test]
async fn a_key_that_did_not_get_into_the_file_ends_the_run_on_that_host() {
    if relays() {
        return;
    }
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let ran = sshd.path("ran");
    host.agent = crate::sshd::Agent::new(&format!("echo >{}; exec cat >/dev/null", ran.display()));
    let known = sshd.path("known_hosts").display().to_string();
    // What happens to the file after it was looked at and before ssh writes to it: it takes all and keeps nothing, or none.
    for happens in [format!("ln -sf /dev/null {known}"), format!("rm -f {known}; mkdir {known}")] {
        host.settings.relay = Some(relay(
            &sshd,
            &happens,
            "way::a_key_that_did_not_get_into_the_file_ends_the_run_on_that_host",
        ));
        let error = host.open().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "127.0.0.1 port {} was reached for the first time, and its host key did not get into {known}: nothing was sent \
                 to it",
                sshd.port
            )
        );
        assert!(!error.unreachable());
        until("its connection is closed", || host.sockets().is_empty()).await;
        let _ = fs::remove_file(sshd.path("known_hosts"));
    }
    assert!(!ran.exists());
}
