//! Reports that write while things happen.

use paracrine_model::protocol::{Mode, Outcome, Summary};

use super::{attribute, ended, finished, json, lines, name, old, report, run, told};
use crate::event::{Ending, Event, HostEvent, NewContent, Status, TaskReport, Urgency};

#[test]
fn events_are_json_lines_too() {
    let conf = report(
        name(2, "file", "/etc/motd"),
        Outcome::Changed,
        vec![attribute("mode", None, "0644"), old("a\n")],
    );
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
{"event":"ended","failed_before":null,"failure":null,"host":"web1","seconds":0.24,"status":"pending","summary":{"changed":1,"cpu_seconds":0.0,"failed":0,"may_change":0,"peak_kib":0,"skipped":0,"stopped":false,"unchanged":189},"task":null}
{"event":"finished","hosts":{"pending":1},"refused":[],"seconds":0.31}
"#
    );
}

#[test]
fn logs_get_single_remarks_where_they_are_wanted() {
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
    let said = "\
web1: connecting
web1: waits for the lock of bob@ci
web1: file /etc/motd
stopping after the task at hand; Ctrl-C again stops at once
stopping at once; what hosts are at may be left half done, `check` shows it
web1: stopped  0.24 s
web2: not changed  0.24 s
";
    assert_eq!(lines(&events), said);
}
