//! Conversations with real sshds: started here, as whoever runs the tests, on 127.0.0.1 with throw-away keys.

#[path = "loopback/sshd.rs"]
mod sshd;

use std::fs;
use std::process::Command;
use std::time::Duration;

use paracrine::link::LinkError;
use paracrine_model::hash::Hash;
use paracrine_model::host::Arch;
use paracrine_model::protocol::{FromAgent, ToAgent};

use sshd::{Agent, Host, Sshd, hello, octal, say, until};

macro_rules! sshd_or_return {
    ($more:expr) => {
        if sshd::there_is_one() {
            Sshd::start($more)
        } else {
            return;
        }
    };
}

#[tokio::test]
async fn the_agent_is_uploaded_once_and_the_connection_kept() {
    let sshd = sshd_or_return!("");
    let host = sshd.host();
    let mut link = host.open().await.unwrap();
    assert!(!link.kept());
    assert!(
        link.notes().iter().any(|note| note.contains("Permanently added")),
        "{:?}",
        link.notes()
    );
    assert_eq!(link.recv().await.unwrap(), hello(host.agent.hash));
    link.close().await;
    let uploaded = fs::metadata(host.cached_agent()).unwrap().modified().unwrap();
    let known = sshd.read("known_hosts");
    assert!(
        known.starts_with(&format!("[127.0.0.1]:{} ssh-ed25519 ", sshd.port)),
        "{known}"
    );

    let mut link = host.open().await.unwrap();
    assert!(link.kept());
    assert_eq!(link.recv().await.unwrap(), hello(host.agent.hash));
    link.close().await;
    assert_eq!(
        fs::metadata(host.cached_agent()).unwrap().modified().unwrap(),
        uploaded
    );
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
    until("sshd sees the end", || {
        sshd.read("sshd_log").contains("Disconnected from")
    })
    .await;
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
    assert!(
        Command::new("kill")
            .args(["-KILL", &pid])
            .status()
            .unwrap()
            .success()
    );
    until("it is dead", || {
        std::os::unix::net::UnixStream::connect(&sockets[0]).is_err()
    })
    .await;
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
    let out = Command::new("pkill")
        .args(["-KILL", "-P"])
        .arg(sshd.pid())
        .status()
        .unwrap();
    assert!(out.success());
    let link = host.open().await.unwrap();
    assert!(!link.kept());
}

#[tokio::test]
async fn runs_at_the_same_time_do_not_disturb_each_other() {
    let sshd = sshd_or_return!("");
    let host = sshd.host();
    let opened = tokio::join!(host.open(), host.open(), host.open(), host.open());
    let links = [
        opened.0.unwrap(),
        opened.1.unwrap(),
        opened.2.unwrap(),
        opened.3.unwrap(),
    ];
    for mut link in links {
        assert_eq!(link.recv().await.unwrap(), hello(host.agent.hash));
        link.close().await;
    }
    assert!(host.open().await.unwrap().kept());
    let names = fs::read_dir(sshd.path("home/.cache/paracrine")).unwrap().count();
    assert_eq!(names, 1, "temporary files are left");
}

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
        if all {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    });
    opened.await;
    let known = sshd.read("known_hosts");
    let mut names: Vec<&str> = known
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    names.sort_unstable();
    let mut expected: Vec<String> = (1..=12)
        .map(|last| format!("[127.0.0.{last}]:{}", sshd.port))
        .collect();
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
        until("it is turned away", || {
            sshd.read("sshd_log").contains("MaxStartups")
        })
        .await;
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
    assert!(error.unreachable());
    let LinkError::HostKeyChanged {
        known: Some(known),
        pinned: None,
        ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(
        (known.file.as_path(), known.line),
        (sshd.path("known_hosts").as_path(), 2)
    );
    let failure = error.failure();
    assert!(
        failure.message.contains("known_hosts, line 2: it shows SHA256:"),
        "{failure:?}"
    );
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
    assert!(error.unreachable());
    let failure = error.failure();
    assert!(
        failure
            .message
            .contains("is not the `host_key` that inventory.yaml pins: it shows SHA256:"),
        "{failure:?}"
    );

    // A key of another kind than any that the host has.
    host.address.host_key = Some("ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBG1cOaMIcEuKQ1cbKlV2NMSJPH2yGtAtcMHZ5MSDNyPK9cn2EbVoRlVCnf1gaWIwuJtgk5vGqPxN5MBMNzM1bVE=".into());
    let error = host.open().await.unwrap_err();
    assert!(
        matches!(error, LinkError::HostKeyChanged { pinned: Some(_), .. }),
        "{error:?}"
    );
    host.address.host_key = Some("nonsense".into());
    assert!(matches!(host.open().await.unwrap_err(), LinkError::Local { .. }));
}

#[tokio::test]
async fn a_host_that_is_not_there_is_unreachable() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    host.address.ssh_port = Some(free);
    let error = host.open().await.unwrap_err();
    assert!(error.unreachable());
    let message = error.to_string();
    assert!(
        message.starts_with(&format!("cannot reach 127.0.0.1 port {free}: ")),
        "{message}"
    );
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
    assert!(matches!(error, LinkError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("timed out"), "{error}");
}

#[tokio::test]
async fn a_key_that_the_host_does_not_know_is_no_login() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    host.address.ssh_key = vec!["other_key".into()];
    let error = host.open().await.unwrap_err();
    assert!(matches!(error, LinkError::AuthFailed { .. }), "{error:?}");
    assert!(error.unreachable());
    let failure = error.failure();
    assert!(failure.message.ends_with("does not let us log in"));
    assert!(failure.output.unwrap().contains("Permission denied (publickey)"));
    assert!(failure.help.unwrap().contains("other_key"));
    host.address.ssh_key = vec!["no such key".into()];
    let error = host.open().await.unwrap_err();
    assert!(
        matches!(error, LinkError::Local { .. }) && error.to_string().contains("no such key"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_jump_host_is_a_host_like_others() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    host.address.ssh_hostname = "127.0.0.2".into();
    host.address.jump = vec![
        format!("127.0.0.3:{}", sshd.port),
        format!("127.0.0.4:{}", sshd.port),
    ];
    let mut link = host.open().await.unwrap();
    assert_eq!(link.recv().await.unwrap(), hello(host.agent.hash));
    link.close().await;
    let known = sshd.read("known_hosts");
    for last in [2, 3, 4] {
        assert_eq!(
            known.matches(&format!("[127.0.0.{last}]:{} ", sshd.port)).count(),
            1,
            "{known}"
        );
    }
    assert_eq!(sshd.read("sshd_log").matches("Accepted publickey").count(), 3);
    assert!(host.open().await.unwrap().kept());

    host.settings.persist = Duration::ZERO;
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    host.address.jump[0] = format!("127.0.0.5:{free}");
    let error = host.open().await.unwrap_err();
    assert!(matches!(error, LinkError::Unreachable { .. }), "{error:?}");
    let said = error.failure().output.unwrap();
    assert!(
        said.contains(&format!(
            "connect to host 127.0.0.5 port {free}: Connection refused"
        )),
        "{said}"
    );
}

#[tokio::test]
async fn noise_at_login_is_skipped() {
    let noise = r#"ForceCommand echo 'Welcome! PARACRINE'; echo oh >&2; printf 'no line break'; eval "$SSH_ORIGINAL_COMMAND""#;
    let sshd = sshd_or_return!(noise);
    let host = sshd.host();
    for _ in 0..2 {
        let mut link = host.open().await.unwrap();
        assert_eq!(link.recv().await.unwrap(), hello(host.agent.hash));
    }
}

#[tokio::test]
async fn noise_without_end_is_an_error() {
    let sshd = sshd_or_return!("ForceCommand yes");
    let error = sshd.host().open().await.unwrap_err();
    assert!(
        error.to_string().contains("prints too much at login"),
        "{error:?}"
    );
    assert!(!error.unreachable());
}

#[tokio::test]
async fn a_login_that_does_something_else_is_told() {
    let sshd = sshd_or_return!("ForceCommand echo 'This account is not available' >&2; exit 1");
    let error = sshd.host().open().await.unwrap_err();
    let failure = error.failure();
    assert!(
        failure.message.contains("ended before an agent had started"),
        "{failure:?}"
    );
    assert_eq!(failure.output.as_deref(), Some("This account is not available"));
}

#[tokio::test]
async fn a_broken_agent_in_the_cache_is_replaced() {
    let sshd = sshd_or_return!("");
    let host = sshd.host();
    host.open().await.unwrap().close().await;
    let whole = fs::read(host.cached_agent()).unwrap();
    // As after a power cut: a file of no length, which a shell takes for an empty script.
    for broken in ["", "#!/bin/sh\nkill -SEGV $$\n", "#!/no/such/interpreter\n"] {
        fs::write(host.cached_agent(), broken).unwrap();
        let mut link = host.open().await.unwrap();
        assert_eq!(link.recv().await.unwrap(), hello(host.agent.hash), "{broken:?}");
        link.close().await;
        assert_eq!(fs::read(host.cached_agent()).unwrap(), whole);
    }
}

#[tokio::test]
async fn another_agent_is_not_listened_to() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    host.agent = Agent::of(Hash::of(b"expected"), &say(&hello(Hash::of(b"another"))));
    let error = host.open().await.unwrap_err();
    assert!(matches!(error, LinkError::NotOurs { .. }), "{error:?}");
    assert!(
        error.to_string().contains(&Hash::of(b"another").short()),
        "{error}"
    );
    host.agent = Agent::of(Hash::of(b"rude"), &say(&FromAgent::Notice("first".into())));
    let error = host.open().await.unwrap_err();
    assert!(error.to_string().contains("did not say hello"), "{error}");
}

#[tokio::test]
async fn another_architecture_is_named() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    host.address.arch = if host.address.arch == Arch::X86_64 {
        Arch::Aarch64
    } else {
        Arch::X86_64
    };
    let error = host.open().await.unwrap_err();
    assert!(matches!(error, LinkError::Architecture { .. }), "{error:?}");
    let help = error.failure().help.unwrap();
    assert!(
        help.starts_with("set `arch: ") && help.contains("for web1 in inventory.yaml"),
        "{help}"
    );
}

#[tokio::test]
async fn a_conversation_that_breaks_off_is_told_with_the_hosts_last_words() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let frame = octal(&paracrine_model::protocol::encode(&FromAgent::Notice("x".repeat(50))).unwrap()[..20]);
    for (end, expected) in [
        ("echo last words >&2", "the connection was closed"),
        (&*format!("{frame}; echo last words >&2"), "cut in the middle"),
        (
            r"printf '\377\377\377\377'; echo last words >&2",
            "not our protocol",
        ),
        (
            r"printf '\000\000\000\002\377\377'; echo last words >&2",
            "could not be read",
        ),
    ] {
        host.agent = Agent::new(end);
        let mut link = host.open().await.unwrap();
        assert_eq!(link.recv().await.unwrap(), hello(host.agent.hash));
        let failure = link.recv().await.unwrap_err().failure();
        assert!(failure.message.contains(expected), "{failure:?}");
        assert_eq!(failure.output.as_deref(), Some("last words"), "{end}");
        // It stays broken.
        assert!(link.recv().await.is_err());
    }
}

#[tokio::test]
async fn large_messages_go_both_ways_at_once() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let notice = FromAgent::Notice("y".repeat(3_000_000));
    let file = sshd.path("frame");
    fs::write(&file, paracrine_model::protocol::encode(&notice).unwrap()).unwrap();
    // Says all it has to say before it reads anything.
    let frame = file.display();
    host.agent = Agent::new(&format!("cat {frame}; wc -c >{frame}.read"));
    let mut start = host.start();
    start.holder = "x".repeat(2_000_000);
    let mut link = host.open_with(&start).await.unwrap();
    let go = ToAgent::Go(paracrine_model::protocol::Contents {
        index: Vec::new(),
        deflated: vec![7; 5_000_000],
    });
    link.send(&go).await.unwrap();
    assert_eq!(link.recv().await.unwrap(), hello(host.agent.hash));
    assert_eq!(link.recv().await.unwrap(), notice);
    link.close().await;
    let expected = [
        paracrine_model::protocol::encode(&ToAgent::Start(Box::new(start))),
        paracrine_model::protocol::encode(&go),
    ];
    let expected: usize = expected.iter().map(|frame| frame.as_ref().unwrap().len()).sum();
    until("it has read all", || {
        sshd.read("frame.read").trim() == expected.to_string()
    })
    .await;
}

#[tokio::test]
async fn dropping_it_leaves_nothing_running() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let pid = sshd.path("pid");
    host.agent = Agent::new(&format!("echo $$ >{}; exec cat >/dev/null", pid.display()));
    let link = host.open().await.unwrap();
    until("the agent runs", || sshd.read("pid").ends_with('\n')).await;
    let process = format!("/proc/{}", sshd.read("pid").trim());
    assert!(fs::exists(&process).unwrap());
    drop(link);
    until("the agent ends", || !fs::exists(&process).unwrap()).await;
}

#[tokio::test]
async fn an_open_that_is_dropped_leaves_nothing_running() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let pid = sshd.path("pid");
    // Never says hello.
    host.agent = Agent::of(
        Hash::of(b"mute"),
        &format!("echo $$ >{}; exec cat >/dev/null", pid.display()),
    );
    {
        let open = host.open();
        let runs = until("the agent runs", || sshd.read("pid").ends_with('\n'));
        tokio::select! {
            link = open => panic!("{link:?}"),
            () = runs => {}
        }
    }
    let process = format!("/proc/{}", sshd.read("pid").trim());
    until("the agent ends", || !fs::exists(&process).unwrap()).await;
}

#[tokio::test]
async fn connections_can_go_through_the_relay() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    // Stands for the deploy binary: this one, which becomes a relay in a test of its own.
    let test = std::env::current_exe().unwrap();
    let program = sshd.program(&format!(
        "echo >>$0.used\nexport RELAY_ARGUMENTS=\"$*\"\nexec {} -q --ignored --nocapture --exact a_relay",
        test.display()
    ));
    host.settings.relay = Some(program);
    let mut link = host.open().await.unwrap();
    assert_eq!(link.recv().await.unwrap(), hello(host.agent.hash));
    link.close().await;
    assert_eq!(sshd.read("program.used"), "\n");
    let known = sshd.read("known_hosts");
    assert!(
        known.starts_with(&format!("[127.0.0.1]:{} ssh-ed25519 ", sshd.port)),
        "{known}"
    );
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
    assert!(matches!(
        theirs.open().await.unwrap_err(),
        LinkError::Unreachable { .. }
    ));
    assert!(sshd.read("theirs").starts_with('\n'));
    assert_eq!(sshd.read("program.used"), "\n");

    fs::write(sshd.path("ssh_config"), "").unwrap();

    // A relay that does not work is done without.
    sshd.program("exit 1");
    host.open().await.unwrap().close().await;
}

#[test]
#[ignore = "what a relay does in the test of relays"]
fn a_relay() {
    let Ok(arguments) = std::env::var("RELAY_ARGUMENTS") else {
        return;
    };
    let arguments = std::iter::once("program").chain(arguments.split(' '));
    paracrine::link::relay_if_asked_for(arguments.map(Into::into)).unwrap();
}

#[tokio::test]
async fn a_host_that_is_not_there_is_told_by_the_relay_too() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let program =
        "echo \"ssh: connect to host $2 port $3: Connection refused\" >>$PARACRINE_RELAY_LOG\nexit 1";
    host.settings.relay = Some(sshd.program(program));
    let error = host.open().await.unwrap_err();
    assert!(matches!(error, LinkError::Unreachable { .. }), "{error:?}");
    let at = format!("127.0.0.1 port {}", sshd.port);
    assert_eq!(
        error.to_string(),
        format!("cannot reach {at}: connect to host {at}: Connection refused")
    );
}

#[tokio::test]
async fn what_is_secret_does_not_outlive_the_run() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    // Cargo sets both.
    host.settings.secret_variables = vec!["CARGO_PKG_NAME".into()];
    host.open().await.unwrap().close().await;
    let environment = fs::read(format!("/proc/{}/environ", host.master())).unwrap();
    let has = |name: &[u8]| {
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable.starts_with(name))
    };
    assert!(
        has(b"CARGO_MANIFEST_DIR="),
        "the environment of ssh is not where it is looked for"
    );
    assert!(!has(b"CARGO_PKG_NAME="));
}

/// `cargo test --release -p paracrine --test loopback -- --ignored --nocapture measure`
#[tokio::test]
#[ignore = "measures, and proves nothing"]
async fn measure() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    host.settings.persist = Duration::from_secs(60);
    host.open().await.unwrap().close().await;
    let mut yardstick = Command::new("ssh");
    let port = sshd.port.to_string();
    yardstick.args([
        "-F",
        "/dev/null",
        "-p",
        &port,
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "BatchMode=yes",
        "-i",
    ]);
    yardstick.arg(sshd.path("user_key")).arg("-o");
    yardstick.arg(format!(
        "UserKnownHostsFile={}",
        sshd.path("known_hosts").display()
    ));
    yardstick.args(["127.0.0.1", "true"]);
    let mut kept = Command::new("ssh");
    kept.arg("-F")
        .arg("/dev/null")
        .arg("-S")
        .arg(&host.sockets()[0])
        .args(["127.0.0.1", "true"]);
    let mut times: [Vec<Duration>; 4] = Default::default();
    for _ in 0..31 {
        let began = std::time::Instant::now();
        assert!(yardstick.status().unwrap().success());
        times[0].push(began.elapsed());
        let mut cold = host.clone();
        cold.settings.sockets = Some(sshd.path(&format!("c{}", times[1].len())));
        for (place, host) in [(1, &cold), (3, &host)] {
            let began = std::time::Instant::now();
            let mut link = host.open().await.unwrap();
            assert_eq!(link.kept(), place == 3);
            link.recv().await.unwrap();
            link.close().await;
            times[place].push(began.elapsed());
        }
        let began = std::time::Instant::now();
        assert!(kept.status().unwrap().success());
        times[2].push(began.elapsed());
    }
    for (name, mut times) in ["ssh, cold", "link, cold", "ssh, kept", "link, kept"]
        .iter()
        .zip(times)
    {
        times.sort();
        println!(
            "{name:10} median {:6.1?}, of {:6.1?} to {:6.1?}",
            times[15], times[0], times[30]
        );
    }
}
