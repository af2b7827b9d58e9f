//! The report for people as a whole.

use paracrine_model::protocol::{Difference, Failure, Mode, OldContent, Outcome, Summary};

use super::{attribute, ended, finished, json, name, old, report, run, terminal, told};
use crate::event::{Ending, Event, HostEvent, NewContent, Status, TaskReport};

#[test]
fn a_check_says_what_apply_would_do() {
    let conf = report(
        name(2, "file", "/etc/nginx/conf.d/app.conf"),
        Outcome::Changed,
        vec![attribute("mode", Some("0600"), "0644"), old("server {\n  listen 80;\n}\n")],
    );
    let conf = TaskReport { content: Some(NewContent::Text("server {\n  listen 8080;\n}\n".into())), ..conf };
    let secrets = report(
        name(3, "file", "/etc/app/secrets.env"),
        Outcome::Changed,
        vec![
            Difference::Create,
            attribute("mode", None, "0600"),
            Difference::Content { before: OldContent::None },
        ],
    );
    let secrets = TaskReport {
        content: Some(NewContent::Text("DB_PASSWORD=‹secret DB_PASSWORD›\n".into())),
        ..secrets
    };
    let reload = Difference::Action {
        verb: "reload".into(),
        because: "file /etc/nginx/conf.d/app.conf changes".into(),
    };
    let because = "package app may bring it".to_owned();
    let events = [
        run(Mode::Check, &["web1", "db1"]),
        told(0, conf),
        told(0, secrets),
        told(0, report(name(4, "service", "nginx"), Outcome::Changed, vec![reload])),
        told(
            0,
            report(
                name(5, "service", "app"),
                Outcome::MayChange { because },
                vec![attribute("running", Some("no"), "yes")],
            ),
        ),
        told(
            0,
            report(
                name(6, "absent", "/etc/old"),
                Outcome::Changed,
                vec![Difference::Remove { what: "file".into() }],
            ),
        ),
        ended(1, Ending::Done(Summary { unchanged: 190, ..Summary::default() })),
        ended(0, Ending::Done(Summary { changed: 4, may_change: 1, unchanged: 185, ..Summary::default() })),
        finished(&[(Status::Pending, 1), (Status::AsPlanned, 1)], &[]),
    ];
    assert_eq!(
        terminal(&events),
        "\
web1
  ~ file /etc/nginx/conf.d/app.conf  (roles/web.rs:12)
      mode 0600 → 0644
      @@ -1,3 +1,3 @@
       server {
      -  listen 80;
      +  listen 8080;
       }
  + file /etc/app/secrets.env  (roles/web.rs:13)
      mode 0600
      +DB_PASSWORD=‹secret DB_PASSWORD›
  ~ service nginx  (roles/web.rs:14)
      reload: file /etc/nginx/conf.d/app.conf changes
  ? service app  (roles/web.rs:15)
      running no → yes
      may change: package app may bring it
  - absent /etc/old  (roles/web.rs:16)
      remove: file

web1  4 to change, 1 may change, 185 as planned   0.24 s
db1   190 as planned                              0.24 s
2 hosts: 1 to change, 1 as planned   0.31 s
"
    );
}

#[test]
fn a_run_without_changes_is_a_line() {
    let events = [
        run(Mode::Apply, &["web1"]),
        ended(0, Ending::Done(Summary { unchanged: 190, ..Summary::default() })),
        finished(&[(Status::AsPlanned, 1)], &[]),
    ];
    assert_eq!(terminal(&events), "web1  190 as planned   0.24 s\n");
}

#[test]
fn failures_show_what_was_said_and_what_to_do() {
    let why = Failure::new("it did not start")
        .output("app[7]: cannot bind\napp[7]: \u{1b}[2J")
        .help("free port 80");
    let lost = Failure::new("connection lost: the connection was closed").help("run check");
    let events = [
        run(Mode::Apply, &["web1", "web2", "web3", "web4"]),
        told(0, report(name(0, "package", "app"), Outcome::Changed, vec![Difference::Create])),
        told(
            0,
            report(
                name(4, "service", "app"),
                Outcome::Failed(why),
                vec![attribute("running", Some("no"), "yes")],
            ),
        ),
        Event::Host(2, HostEvent::Notice("the last run (bob@ci) was cut off at package app".into())),
        ended(
            0,
            Ending::Done(Summary { failed: 1, changed: 1, skipped: 3, unchanged: 185, ..Summary::default() }),
        ),
        ended(1, Ending::Unreachable(Failure::new("cannot reach root@web2: Connection refused"))),
        ended(2, Ending::Failed { failure: lost, at: Some(name(4, "service", "app")) }),
        ended(3, Ending::NotBegun),
        finished(&[(Status::Failed, 2), (Status::Unreachable, 1), (Status::Stopped, 1)], &[]),
    ];
    assert_eq!(
        terminal(&events),
        "\
web1
  + package app  (roles/web.rs:10)
  ! service app  (roles/web.rs:14)
      running no → yes
      it did not start
      │ app[7]: cannot bind
      │ app[7]: \\u{1b}[2J
      help: free port 80

web2
  ! cannot reach root@web2: Connection refused

web3
  note: the last run (bob@ci) was cut off at package app
  ! connection lost: the connection was closed, while at task 5: service app (roles/web.rs:14)
    help: run check

web1  1 failed, 1 changed, 3 not reached, 185 as planned   0.24 s
web2  unreachable                                          0.24 s
web3  failed                                               0.24 s
web4  not begun
4 hosts: 2 failed, 1 unreachable, 1 stopped   0.31 s
"
    );
}

#[test]
fn a_refused_run_says_why_nothing_was_changed() {
    let busy =
        Failure::new("another run holds the lock: bob@ci").help("wait for it with `--lock-wait SECONDS`");
    let events = [
        run(Mode::Apply, &["web1", "web2"]),
        ended(0, Ending::Held),
        ended(1, Ending::Failed { failure: busy, at: None }),
        finished(&[(Status::Held, 1), (Status::Failed, 1)], &["web2: another run holds the lock: bob@ci"]),
    ];
    assert_eq!(
        terminal(&events),
        "\
web2
  ! another run holds the lock: bob@ci
    help: wait for it with `--lock-wait SECONDS`

web1  not changed: the run was refused   0.24 s
web2  failed                             0.24 s
2 hosts: 1 failed, 1 not changed   0.31 s

refused: nothing was changed on any host
  web2: another run holds the lock: bob@ci
"
    );
}

#[test]
fn hosts_that_report_the_same_are_told_together() {
    let package = || report(name(0, "package", "nginx"), Outcome::Changed, vec![Difference::Create]);
    let end = |host| ended(host, Ending::Done(Summary { changed: 1, ..Summary::default() }));
    let curl = report(name(1, "package", "curl"), Outcome::Changed, vec![Difference::Create]);
    let events = [
        run(Mode::Check, &["web1", "web2", "web3"]),
        told(2, package()),
        told(1, curl),
        told(0, package()),
        end(1),
        end(0),
        end(2),
        finished(&[(Status::Pending, 3)], &[]),
    ];
    assert_eq!(
        terminal(&events),
        "\
web1, web3
  + package nginx  (roles/web.rs:10)

web2
  + package curl  (roles/web.rs:11)

web1  1 to change   0.24 s
web2  1 to change   0.24 s
web3  1 to change   0.24 s
3 hosts: 3 to change   0.31 s
"
    );
}

#[test]
fn a_stopped_host_says_how_far_it_came() {
    let events = [
        run(Mode::Apply, &["web1"]),
        ended(
            0,
            Ending::Done(Summary {
                stopped: true,
                changed: 3,
                skipped: 100,
                unchanged: 87,
                ..Summary::default()
            }),
        ),
        finished(&[(Status::Stopped, 1)], &[]),
    ];
    assert_eq!(terminal(&events), "web1  stopped, 3 changed, 100 not reached, 87 as planned   0.24 s\n");
}

#[test]
fn hosts_whose_turn_did_not_come_are_told_with_the_one_that_failed() {
    let failed = Ending::Done(Summary { failed: 1, skipped: 189, ..Summary::default() });
    let events = [
        run(Mode::Apply, &["web1", "web2"]),
        ended(0, failed),
        ended(1, Ending::After { failed: "web1".into() }),
        finished(&[(Status::Failed, 1), (Status::NotBegun, 1)], &[]),
    ];
    let shown = terminal(&events);
    assert!(shown.contains("web2  not begun: web1 failed before\n"), "{shown}");
    assert!(shown.contains("2 hosts: 1 failed, 1 not begun"), "{shown}");
    let told = json(&events);
    assert!(told.contains(r#""failed_before":"web1""#) && told.contains(r#""status":"not_begun""#), "{told}");
    assert!(told.contains(r#""hosts":{"failed":1,"not_begun":1}"#), "{told}");
}
