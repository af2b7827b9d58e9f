//! Agents: started, renewed, mistaken, lost.

use std::fs;

use paracrine::remote_agent::ConnectionError;
use paracrine_model::hash::Hash;
use paracrine_model::host::Arch;
use paracrine_model::protocol::{AnyTime, Delivery, Greeting, Told};

use crate::sshd::{Agent, hello, octal, say, until};
use crate::sshd_or_return;

#[tokio::test]
async fn noise_at_login_is_skipped() {
    let noise = r#"ForceCommand echo 'Welcome! PARACRINE'; echo oh >&2; printf 'no line break'; eval "$SSH_ORIGINAL_COMMAND""#;
    let sshd = sshd_or_return!(noise);
    let host = sshd.host();
    for _ in 0..2 {
        let mut link = host.open().await.unwrap();
        assert_eq!(link.recv::<Greeting>().await.unwrap(), hello(host.agent.hash));
    }
}

#[tokio::test]
async fn noise_without_end_is_an_error() {
    let sshd = sshd_or_return!("ForceCommand yes");
    let error = sshd.host().open().await.unwrap_err();
    assert!(error.to_string().contains("prints too much at login"), "{error:?}");
    assert_eq!(error.failure().output.as_deref(), Some(["y"; 20].join("\n").as_str()));
    assert!(!error.unreachable());
}

#[tokio::test]
async fn a_login_that_does_something_else_is_told() {
    let sshd = sshd_or_return!("ForceCommand echo 'This account is not available' >&2; exit 1");
    let error = sshd.host().open().await.unwrap_err();
    let failure = error.failure();
    assert!(failure.message.contains("ended before an agent had started"), "{failure:?}");
    assert_eq!(failure.output.as_deref(), Some("This account is not available"));
}

#[tokio::test]
async fn what_a_login_prints_that_ends_or_waits_is_told() {
    let logins = [
        (
            "echo 'This account is currently not available.'; exit 1",
            "ended before an agent",
            "This account is currently not available.",
        ),
        (
            "echo '1) shell'; echo '2) quit'; exec sleep 60",
            "prints something and then waits",
            "1) shell\n2) quit",
        ),
        ("echo 'who are you?' >&2; exec sleep 60", "prints something and then waits", "who are you?"),
    ];
    let mut sshds = Vec::new();
    for (login, _, _) in logins {
        sshds.push(sshd_or_return!(&format!("ForceCommand {login}")));
    }
    let hosts: Vec<_> = sshds.iter().map(crate::sshd::Sshd::host).collect();
    let began = std::time::Instant::now();
    let (first, second, third) = tokio::join!(hosts[0].open(), hosts[1].open(), hosts[2].open());
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
    for (opened, (login, message, printed)) in [first, second, third].into_iter().zip(logins) {
        let failure = opened.unwrap_err().failure();
        assert!(failure.message.contains(message), "{login}: {failure:?}");
        assert_eq!(failure.output.as_deref(), Some(printed), "{login}");
    }
}

#[tokio::test]
async fn a_login_that_sends_back_what_it_is_sent_does_not_get_it_shown() {
    let sshd = sshd_or_return!("ForceCommand exec cat");
    let host = sshd.host();
    let error = host.open_with(&host.opening("p0ison"), b"p0ison").await.unwrap_err();
    let failure = error.failure();
    assert!(failure.message.contains("sends back what it is sent, as `cat` does"), "{failure:?}");
    assert!(!format!("{error:?}{failure:?}").contains("p0ison"), "{error:?}");
    assert!(!error.unreachable());
}

#[tokio::test]
async fn a_host_that_talks_and_does_not_listen_is_no_memory_lost() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let notice = octal(&paracrine_model::protocol::encode(&Told::Notice("x".repeat(2000))).unwrap());
    host.agent =
        Agent::new(&format!("{notice} >$0.frame; while cat $0.frame $0.frame $0.frame $0.frame; do :; done"));
    let mut link = host.open().await.unwrap();
    assert_eq!(link.recv::<Greeting>().await.unwrap(), hello(host.agent.hash));
    let piece = AnyTime::Delivery(Delivery::Plain(vec![7; 3_000_000]));
    let error = async {
        loop {
            if let Err(error) = link.send(&piece).await {
                return error;
            }
        }
    };
    let error = error.await.to_string();
    assert!(error.ends_with("says more and more and does not listen"), "{error}");
}

#[tokio::test]
async fn a_banner_is_no_trouble() {
    let banner = tempfile::NamedTempFile::new().unwrap();
    fs::write(banner.path(), "Authorised use only\n".repeat(500)).unwrap();
    let sshd = sshd_or_return!(&format!("Banner {}", banner.path().display()));
    sshd.host().open().await.unwrap().close().await;
}

#[tokio::test]
async fn a_host_that_asks_for_the_agent_again_and_again_does_not_get_it_for_ever() {
    let asks = "n=$(echo \"$SSH_ORIGINAL_COMMAND\" | grep -oE ' [0-9a-f]{16} ' | head -n 1 | tr -d ' '); \
                while echo PARACRINE $n need $(uname -m); do :; done";
    let sshd = sshd_or_return!(&format!("ForceCommand {asks}"));
    let error = sshd.host().open().await.unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("the host said Need") && message.ends_with("in place of an agent"),
        "{message}"
    );
    assert!(!error.unreachable());
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
        assert_eq!(link.recv::<Greeting>().await.unwrap(), hello(host.agent.hash), "{broken:?}");
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
    assert!(matches!(error, ConnectionError::NotOurs { .. }), "{error:?}");
    assert!(error.to_string().contains(&Hash::of(b"another").short()), "{error}");
    host.agent = Agent::of(Hash::of(b"rude"), &say(&Told::Notice("first".into())));
    let error = host.open().await.unwrap_err();
    assert!(error.to_string().contains("did not say hello"), "{error}");
}

#[tokio::test]
async fn another_architecture_is_named() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    host.address.arch = if host.address.arch == Arch::X86_64 { Arch::Aarch64 } else { Arch::X86_64 };
    let error = host.open().await.unwrap_err();
    assert!(matches!(error, ConnectionError::Architecture { .. }), "{error:?}");
    let help = error.failure().help.unwrap();
    assert!(help.starts_with("set `arch: ") && help.contains("for web1 in inventory.yaml"), "{help}");
}

#[tokio::test]
async fn a_conversation_that_breaks_off_is_told_with_the_hosts_last_words() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let frame = octal(&paracrine_model::protocol::encode(&Told::Notice("x".repeat(50))).unwrap()[..20]);
    for (end, expected) in [
        ("echo last words >&2", "the connection was closed"),
        (&*format!("{frame}; echo last words >&2"), "cut in the middle"),
        (r"printf '\377\377\377\377'; echo last words >&2", "not our protocol"),
        (r"printf '\000\000\000\002\377\377'; echo last words >&2", "could not be read"),
    ] {
        host.agent = Agent::new(end);
        let mut link = host.open().await.unwrap();
        assert_eq!(link.recv::<Greeting>().await.unwrap(), hello(host.agent.hash));
        let failure = link.recv::<Told>().await.unwrap_err().failure();
        assert!(failure.message.contains(expected), "{failure:?}");
        assert_eq!(failure.output.as_deref(), Some("last words"), "{end}");
        // It stays broken.
        assert!(link.recv::<Told>().await.is_err());
    }
}

#[tokio::test]
async fn large_messages_go_both_ways_at_once() {
    let sshd = sshd_or_return!("");
    let mut host = sshd.host();
    let notice = Told::Notice("y".repeat(3_000_000));
    let file = sshd.path("frame");
    fs::write(&file, paracrine_model::protocol::encode(&notice).unwrap()).unwrap();
    // Says all it has to say before it reads anything.
    let frame = file.display();
    host.agent = Agent::new(&format!("cat {frame}; wc -c >{frame}.read"));
    let opening = host.opening(&"x".repeat(2_000_000));
    let attached = vec![7; 1_000_000];
    let mut link = host.open_with(&opening, &attached).await.unwrap();
    let go = AnyTime::Delivery(Delivery::Plain(vec![7; 3_000_000]));
    link.send(&go).await.unwrap();
    assert_eq!(link.recv::<Greeting>().await.unwrap(), hello(host.agent.hash));
    assert_eq!(link.recv::<Told>().await.unwrap(), notice);
    link.close().await;
    let expected = [paracrine_model::protocol::encode(&opening), paracrine_model::protocol::encode(&go)];
    let expected: usize = expected.iter().map(|frame| frame.as_ref().unwrap().len()).sum();
    let expected = expected + attached.len();
    until("it has read all", || sshd.read("frame.read").trim() == expected.to_string()).await;
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
    host.agent = Agent::of(Hash::of(b"mute"), &format!("echo $$ >{}; exec cat >/dev/null", pid.display()));
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
