//! What reports look like, word for word.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use paracrine_model::plan::Origin;
use paracrine_model::protocol::{Difference, Failure, Mode, OldContent, Outcome, Summary};

use super::*;
use crate::event::{Ending, HostEvent, NewContent, Run, RunHost, Status, TaskName, TaskReport, Totals, Urgency};
use crate::testing::plain;

/// A writer that can be read afterwards.
#[derive(Clone, Default)]
struct Paper(Rc<RefCell<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        plain(&String::from_utf8(self.0.borrow().clone()).unwrap())
    }
}

fn run(mode: Mode, hosts: &[&str]) -> Event {
    let hosts = hosts.iter().map(|name| RunHost { name: (*name).into(), tasks: 190 }).collect();
    Event::Started(Run { mode, environment: "dev".into(), hosts })
}

fn name(place: u32, kind: &str, name: &str) -> TaskName {
    let origin = Origin { file: "roles/web.rs".into(), line: 10 + place, column: 10 };
    TaskName { place, kind: kind.into(), name: name.into(), origin }
}

fn report(task: TaskName, outcome: Outcome, differences: Vec<Difference>) -> TaskReport {
    let report = paracrine_model::protocol::Report { task: task.place, outcome, differences, microseconds: 1200 };
    TaskReport { task, report, content: None }
}

fn told(host: usize, report: TaskReport) -> Event {
    Event::Host(host, HostEvent::Report(Box::new(report)))
}

fn ended(host: usize, ending: Ending) -> Event {
    Event::Host(host, HostEvent::Ended { ending, elapsed: Duration::from_millis(240) })
}

fn finished(hosts: &[(Status, usize)], refused: &[&str]) -> Event {
    Event::Finished(Totals {
        hosts: hosts.iter().copied().collect(),
        refused: refused.iter().map(ToString::to_string).collect(),
        elapsed: Duration::from_millis(310),
    })
}

fn attribute(name: &str, before: Option<&str>, after: &str) -> Difference {
    Difference::Attribute { name: name.into(), before: before.map(Into::into), after: after.into() }
}

fn old(text: &str) -> Difference {
    Difference::Content { before: OldContent::Text(text.into()) }
}

fn terminal(events: &[Event]) -> String {
    let paper = Paper::default();
    let mut report = Terminal::new(paper.clone(), false);
    events.iter().for_each(|event| report.event(event));
    paper.text()
}

fn json(events: &[Event]) -> String {
    let paper = Paper::default();
    let mut report = Json::new(paper.clone());
    events.iter().for_each(|event| report.event(event));
    paper.text()
}

fn lines(events: &[Event], verbose: bool) -> String {
    let paper = Paper::default();
    let mut report = Lines::new(paper.clone(), verbose);
    events.iter().for_each(|event| report.event(event));
    paper.text()
}

/// One report under its host's name.
fn shown(report: TaskReport) -> String {
    super::task::task(&report, false).lines().map(|line| plain(line) + "\n").collect()
}

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
        vec![Difference::Create, attribute("mode", None, "0600"), Difference::Content { before: OldContent::None }],
    );
    let secrets =
        TaskReport { content: Some(NewContent::Text("DB_PASSWORD=‹secret DB_PASSWORD›\n".into())), ..secrets };
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
        told(0, report(name(6, "absent", "/etc/old"), Outcome::Changed, vec![Difference::Remove { what: "file".into() }])),
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
    let why = Failure::new("it did not start").output("app[7]: cannot bind\napp[7]: \u{1b}[2J").help("free port 80");
    let lost = Failure::new("connection lost: the connection was closed").help("run check");
    let events = [
        run(Mode::Apply, &["web1", "web2", "web3", "web4"]),
        told(0, report(name(0, "package", "app"), Outcome::Changed, vec![Difference::Create])),
        told(
            0,
            report(name(4, "service", "app"), Outcome::Failed(why), vec![attribute("running", Some("no"), "yes")]),
        ),
        Event::Host(2, HostEvent::Notice("the last run (bob@ci) was cut off at package app".into())),
        ended(0, Ending::Done(Summary { failed: 1, changed: 1, skipped: 3, unchanged: 185, ..Summary::default() })),
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
    let busy = Failure::new("another run holds the lock: bob@ci").help("wait for it with `--lock-wait SECONDS`");
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
        ended(0, Ending::Done(Summary { stopped: true, changed: 3, skipped: 100, unchanged: 87, ..Summary::default() })),
        finished(&[(Status::Stopped, 1)], &[]),
    ];
    assert_eq!(terminal(&events), "web1  stopped, 3 changed, 100 not reached, 87 as planned   0.24 s\n");
}

#[test]
fn what_a_terminal_would_act_on_is_written_out() {
    let evil = report(
        name(0, "file", "/tmp/\u{1b}]0;owned\u{7}\nx"),
        Outcome::MayChange { because: "\r\u{202e}gnp".into() },
        vec![attribute("owner", Some("\u{9b}31m"), "a\tb"), old("\u{1b}[31mred\r\nsame\n")],
    );
    let evil = TaskReport { content: Some(NewContent::Text("red\nsame\n".into())), ..evil };
    assert_eq!(
        shown(evil),
        r"  ? file /tmp/\u{1b}]0;owned\u{7}\nx  (roles/web.rs:10)
      owner \u{9b}31m → a\tb
      @@ -1,2 +1,2 @@
      -\u{1b}[31mred\r
      +red
       same
      may change: \r\u{202e}gnp
"
    );
}

fn diffed(before: OldContent, after: Option<NewContent>) -> String {
    let report = report(name(0, "file", "/f"), Outcome::Changed, vec![Difference::Content { before }]);
    let text = shown(TaskReport { content: after, ..report });
    text.lines().skip(1).map(|line| format!("{}\n", &line[6..])).collect()
}

#[test]
fn missing_final_line_breaks_are_shown() {
    let text = |text: &str| NewContent::Text(text.into());
    assert_eq!(
        diffed(OldContent::Text("a\nb".into()), Some(text("a\nb\n"))),
        "@@ -1,2 +1,2 @@\n a\n-b\n\\ no newline at end of file\n+b\n"
    );
    assert_eq!(diffed(OldContent::None, Some(text("a"))), "+a\n\\ no newline at end of file\n");
    assert_eq!(diffed(OldContent::Text(String::new()), Some(text("a\n"))), "@@ -0,0 +1 @@\n+a\n");
    assert_eq!(diffed(OldContent::Text("a\n".into()), Some(text(""))), "@@ -1 +0,0 @@\n-a\n");
}

#[test]
fn a_diff_has_three_lines_around_a_change() {
    let before: String = (1..=20).map(|n| format!("{n}\n")).collect();
    let after = before.replace("\n10\n", "\nten\n");
    assert_eq!(
        diffed(OldContent::Text(before), Some(NewContent::Text(after))),
        "@@ -7,7 +7,7 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n"
    );
}

#[test]
fn contents_that_cannot_be_shown_are_told_by_size() {
    let opaque = |length| OldContent::Opaque { length };
    let text = Some(NewContent::Text("abc".into()));
    assert_eq!(diffed(opaque(1), text.clone()), "content 1 byte → 3 bytes, not shown\n");
    assert_eq!(
        diffed(opaque(2048), Some(NewContent::Opaque { length: 3 * 1024 * 1024 })),
        "content 2.0 KiB → 3.0 MiB, not shown\n"
    );
    assert_eq!(diffed(OldContent::None, Some(NewContent::Opaque { length: 17 })), "17 bytes, not shown\n");
    assert_eq!(diffed(opaque(5), None), "content 5 bytes → other content, not shown\n");
    assert_eq!(diffed(OldContent::Text("abc".into()), text), "only the values of secrets differ\n");
}

#[test]
fn long_diffs_and_long_lines_are_cut() {
    let many: String = (0..100).map(|n| format!("line {n}\n")).collect();
    let shown = diffed(OldContent::None, Some(NewContent::Text(many)));
    assert_eq!(shown.lines().count(), 61);
    assert!(shown.ends_with("+line 59\n… 40 more lines, shown with -v\n"), "{shown}");
    let long = "ä".repeat(600) + "\n";
    let shown = diffed(OldContent::None, Some(NewContent::Text(long)));
    assert_eq!(shown, format!("+{}… (600 characters)\n", "ä".repeat(500)));
}

#[test]
fn events_are_json_lines_too() {
    let conf = report(name(2, "file", "/etc/motd"), Outcome::Changed, vec![attribute("mode", None, "0644"), old("a\n")]);
    let conf = TaskReport { content: Some(NewContent::Text("b\n".into())), ..conf };
    let events = [
        run(Mode::Check, &["web1"]),
        Event::Host(0, HostEvent::Connecting),
        told(0, conf),
        Event::Interrupted(Urgency::AfterTask),
        ended(0, Ending::Done(Summary { changed: 1, unchanged: 189, ..Summary::default() })),
        finished(&[(Status::Pending, 1)], &[]),
    ];
    assert_eq!(
        json(&events),
        r#"{"environment":"dev","event":"started","hosts":[{"name":"web1","tasks":190}],"mode":"check"}
{"event":"connecting","host":"web1"}
{"because":null,"differences":[{"after":"0644","before":null,"difference":"attribute","name":"mode"},{"diff":["@@ -1 +1 @@","-a","+b"],"difference":"content"}],"event":"report","failure":null,"host":"web1","outcome":"changed","seconds":0.001,"task":{"column":10,"file":"roles/web.rs","kind":"file","line":12,"name":"/etc/motd","place":2}}
{"event":"interrupted","urgency":"after_task"}
{"event":"ended","failure":null,"host":"web1","seconds":0.24,"status":"pending","summary":{"changed":1,"cpu_seconds":0.0,"failed":0,"may_change":0,"peak_kib":0,"skipped":0,"stopped":false,"unchanged":189},"task":null}
{"event":"finished","hosts":{"pending":1},"refused":[],"seconds":0.31}
"#
    );
}

#[test]
fn logs_get_single_remarks() {
    let events = [
        run(Mode::Apply, &["web1", "web2"]),
        Event::Host(0, HostEvent::Connecting),
        Event::Host(0, HostEvent::Waiting { holder: "bob@ci".into() }),
        Event::Host(0, HostEvent::Begun(name(2, "file", "/etc/motd"))),
        Event::Interrupted(Urgency::AfterTask),
        Event::Interrupted(Urgency::AtOnce),
        ended(0, Ending::Done(Summary { stopped: true, ..Summary::default() })),
        ended(1, Ending::Held),
    ];
    let quiet = "\
web1: waits for the lock of bob@ci
stopping after the task at hand; Ctrl-C again stops at once
stopping at once; hosts finish the task at hand by themselves
web1: stopped  0.24 s
web2: not changed  0.24 s
";
    assert_eq!(lines(&events, false), quiet);
    assert_eq!(
        lines(&events, true),
        quiet
            .replacen("web1: waits", "web1: connecting\nweb1: waits", 1)
            .replacen("stopping after", "web1: file /etc/motd\nstopping after", 1)
    );
}

#[test]
fn times_and_sizes_are_told_in_few_digits() {
    let seconds = |millis| style::seconds(Duration::from_millis(millis));
    assert_eq!(seconds(240), "0.24 s");
    assert_eq!(seconds(12_340), "12.3 s");
    assert_eq!(seconds(125_400), "2 min 5 s");
    assert_eq!(style::size(1023), "1023 bytes");
    assert_eq!(style::size(1536), "1.5 KiB");
}
