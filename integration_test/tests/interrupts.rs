//! Runs that are cut short, and hosts that are reached as an ordinary user.

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use integration_test::lab::Lab;
use integration_test::site::{Site, generate};
use support::{example, facts};

/// Starts an apply, and returns it once the task of that name has begun on a host.
fn apply_until(site: &Site<'_>, task: &str) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut command = site.command();
    command.args(["apply", "dev", "--limit", "web1", "--persist", "0", "--format", "json"]);
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary starts");
    let mut events = BufReader::new(run.stdout.take().expect("it is piped"));
    let mut line = String::new();
    while events.read_line(&mut line).expect("events can be read") > 0 {
        let event: serde_json::Value = serde_json::from_str(&line).expect("events are JSON");
        if event["event"] == "begun" && event["task"]["name"] == task {
            return (run, events);
        }
        line.clear();
    }
    let status = run.wait().expect("it ends");
    panic!("{task} never began; the run ended with {status}");
}

fn signal(process: &Child, name: &str) {
    let status = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(process.id().to_string())
        .status()
        .expect("kill starts");
    assert!(status.success());
}

/// Whether an agent or anything that it started still runs.
fn agents(lab: &Lab) -> String {
    lab.run("web1", "pgrep -x 'apt-get|dpkg' || true; pgrep -af '^[.]?/.*agent-[0-9a-f]+ serve' || true")
        .expect("the host is up")
}

/// Waits for what is left of a run to end: a package that is being installed is not cut off.
fn until_quiet(lab: &Lab) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !agents(lab).trim().is_empty() {
        assert!(std::time::Instant::now() < deadline, "still running: {}", agents(lab));
        std::thread::yield_now();
    }
}

#[test]
fn an_interrupt_ends_after_the_task_at_hand_and_leaves_nothing_running() {
    let lab = Lab::start(&["web1"]).expect("the lab starts");
    let site = example(&lab);
    let (mut run, mut events) = apply_until(&site, "nginx");
    signal(&run, "INT");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut events, &mut rest).expect("events can be read");
    assert_eq!(run.wait().expect("it ends").code(), Some(1), "{rest}");
    assert!(rest.contains(r#""status":"stopped""#), "{rest}");
    until_quiet(&lab);
    assert_eq!(
        lab.run("web1", "dpkg --audit; dpkg-query -W -f '${db:Status-Status}' nginx").expect("it is there"),
        "installed"
    );

    // The next run goes on from there, and says nothing of a run that was cut off: it was not.
    let run = site.run(&["apply", "dev", "--limit", "web1"]).expect("the binary starts");
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(!run.stdout.contains("cut off"), "{}", run.stdout);
    assert_eq!(site.run(&["check", "dev", "--limit", "web1"]).expect("the binary starts").code, Some(0));
}

#[test]
fn a_controller_that_is_killed_leaves_no_lock_and_no_half_installed_package() {
    let lab = Lab::start(&["web1"]).expect("the lab starts");
    let site = example(&lab);
    let (mut run, _events) = apply_until(&site, "nginx");
    signal(&run, "KILL");
    run.wait().expect("it ends");
    until_quiet(&lab);
    assert_eq!(lab.run("web1", "dpkg --audit").expect("dpkg runs"), "");
    let run = site.run(&["apply", "dev", "--limit", "web1"]).expect("the binary starts");
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(site.run(&["check", "dev", "--limit", "web1"]).expect("the binary starts").code, Some(0));
}

#[test]
fn an_agent_that_is_killed_leaves_its_debts_to_the_next_run() {
    let lab = Lab::start(&["web1"]).expect("the lab starts");
    let site = example(&lab);
    assert_eq!(site.run(&["apply", "dev", "--limit", "web1"]).expect("the binary starts").code, Some(0));
    // The service takes its time to stop, so that the agent can be killed between the change and the restart.
    lab.run("web1", "mkdir -p /etc/systemd/system/app.service.d && printf '[Service]\\nExecStop=/bin/sleep 5\\n' > /etc/systemd/system/app.service.d/slow.conf && systemctl daemon-reload && rm /usr/local/bin/app").expect("the host is up");
    let (mut run, _events) = apply_until(&site, "app");
    lab.run("web1", "pkill -9 -f 'agent-[0-9a-f]+ serv[e]'").expect("the agent runs");
    assert_eq!(run.wait().expect("it ends").code(), Some(1));

    lab.run("web1", "rm -r /etc/systemd/system/app.service.d && systemctl daemon-reload")
        .expect("the host is up");
    // systemd is still at it; the agent's restart is a job of its own now. What the agent owes is still written down.
    lab.run("web1", "until systemctl is-active --quiet app; do :; done").expect("systemd restarts it");
    let check =
        site.run(&["check", "dev", "--limit", "web1", "--format", "json"]).expect("the binary starts");
    assert!(check.stdout.contains("was cut off at service app"), "{}", check.stdout);
    assert!(facts(&check).changed.contains("web1 service app"), "{}", check.stdout);
    assert!(check.stdout.contains("owed from an earlier run"), "{}", check.stdout);
    assert_eq!(site.run(&["apply", "dev", "--limit", "web1"]).expect("the binary starts").code, Some(0));
    assert_eq!(site.run(&["check", "dev", "--limit", "web1"]).expect("the binary starts").code, Some(0));
}

/// A command whose processes go into groups and sessions of their own and to another user, and then wait; and a service that
/// a command starts.
const SCATTER: &str = r#"use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(_cx: &Context, plan: &Plan) {
    plan.command(
        "systemctl start kept.service
         sleep 4711 &
         setsid sleep 4711 &
         setsid sh -c 'sleep 4711 &'
         setpriv --reuid=65534 --clear-groups sleep 4711 &
         wait",
    )
    .named("scatter")
    .only_if("true");
}
"#;

#[test]
fn a_killed_agent_takes_its_commands_with_it_and_nothing_else() {
    let lab = Lab::start(&["web1"]).expect("the lab starts");
    let count = |word: &str| {
        lab.run("web1", &format!("pgrep -fc '^sleep {word}$' || true"))
            .expect("the host is up")
            .trim()
            .to_owned()
    };
    lab.run("web1", "printf '[Service]\nExecStart=/bin/sleep 4712\n' > /run/systemd/system/kept.service && systemctl daemon-reload").expect("the host is up");
    for (user, number) in [("root", 0), ("deploy", 1)] {
        let inventory = format!(
            "environment: dev\nservers:\n - {{ name: web1, ssh_hostname: 10.83.0.11, ssh_user: {user} }}\n"
        );
        let files = [
            ("config.yaml", "environments:\n  dev: {}\n"),
            ("inventory.yaml", inventory.as_str()),
            ("roles.rs", SCATTER),
        ];
        let (folder, binary) = generate("scatter-site", &files, false).expect("the site builds");
        let site =
            Site::new(&lab, &format!("scatter{number}"), &folder, binary).expect("the site can be copied");
        for _ in 0..2 {
            let (mut run, _events) = apply_until(&site, "scatter");
            until("all of them run", || count("4711") == "4");
            lab.run("web1", "pkill -9 -f 'agent-[0-9a-f]+ serv[e]'").expect("the agent runs");
            assert_eq!(run.wait().expect("it ends").code(), Some(1));
        }
        until("they are gone", || count("4711") == "0");
    }
    assert_eq!(
        lab.run("web1", "systemctl is-active kept; pgrep -fc 'sleep 471[2]'").expect("it runs"),
        "active\n1"
    );
    assert_eq!(lab.run("web1", "ls /run/paracrine").expect("the host is up"), "lock");
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn ordinary_users_go_through_sudo_or_are_told_why_not() {
    let lab = Lab::start(&["a", "b", "c"]).expect("the lab starts");
    let inventory = "environment: dev\nservers:\n\
                     \x20 - { name: a, ssh_hostname: 10.83.0.11, ssh_user: deploy }\n\
                     \x20 - { name: b, ssh_hostname: 10.83.0.12, ssh_user: asksudo }\n\
                     \x20 - { name: c, ssh_hostname: 10.83.0.13, ssh_user: nosudo }\n";
    let roles = r#"use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/motd", text!("{}: {}\n", cx.host.name, cx.env.greeting));
}
"#;
    let files = [
        ("config.yaml", "environments:\n  dev:\n    GREETING: hello\n"),
        ("inventory.yaml", inventory),
        ("roles.rs", roles),
    ];
    let (folder, binary) = generate("sudo-site", &files, false).expect("the site builds");
    let site = Site::new(&lab, "sudo", &folder, binary).expect("the site can be copied");

    let run = site.run(&["apply", "dev", "--limit", "a"]).expect("the binary starts");
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(lab.run("a", "stat -c %U /etc/motd; cat /etc/motd").expect("it is there"), "root\na: hello");
    assert_eq!(lab.run("a", "stat -c '%U %a' /var/cache/paracrine").expect("it is there"), "root 700");
    lab.run("a", "echo 'Defaults:deploy requiretty' > /etc/sudoers.d/tty").expect("the host is up");
    for (host, word) in [("a", "sudo wants a terminal"), ("b", "sudo needs a password"), ("c", "sudo")] {
        let run = site.run(&["apply", "dev", "--limit", host]).expect("the binary starts");
        assert!(matches!(run.code, Some(1 | 3)), "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(word) && run.stdout.contains("help: "), "{}{}", run.stdout, run.stderr);
    }
}
