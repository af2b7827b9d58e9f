//! Single tasks and their contents.

use std::time::Duration;

use paracrine_model::late::{Late, LateValues, Signal};
use paracrine_model::protocol::{Difference, OldContent, Outcome};
use paracrine_model::text::Text;

use super::{attribute, name, old, report, shown};
use crate::event::{NewContent, TaskReport};
use crate::report::style;

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

#[test]
fn what_is_not_there_is_shown_as_it_will_be() {
    let created = |kind: &str, attributes: &[(&'static str, &str)], content: Option<&str>| {
        let report = report(name(0, kind, "x"), Outcome::Changed, vec![Difference::Create]);
        let attributes = attributes.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        shown(TaskReport { content: content.map(|text| NewContent::Text(text.into())), attributes, ..report })
    };
    assert_eq!(created("package", &[("state", "present")], None), "  + package x  (roles/web.rs:10)\n");
    assert_eq!(
        created("user", &[("present", "true"), ("system", "true"), ("home", "/srv")], None),
        "  + user x  (roles/web.rs:10)\n      system true; home /srv\n"
    );
    assert_eq!(
        created("file", &[("content", "2 bytes, 0123"), ("mode", "0644")], Some("a\n")),
        "  + file x  (roles/web.rs:10)\n      mode 0644\n      +a\n"
    );
    let long = created("file", &[], Some("a\n".repeat(12).as_str()));
    assert!(long.ends_with("      +a\n      … 2 more lines, shown with -v\n"), "{long}");
    let remove = Difference::Remove { what: "link to x".into() };
    assert_eq!(
        shown(report(name(0, "file", "x"), Outcome::Changed, vec![remove, Difference::Create])),
        "  ~ file x  (roles/web.rs:10)\n      remove: link to x\n"
    );
    let because = "user app may bring its group".to_owned();
    let may = report(name(0, "group", "x"), Outcome::MayChange { because }, vec![Difference::Create]);
    assert_eq!(
        shown(may),
        "  ? group x  (roles/web.rs:10)\n      is not there\n      may change: user app may bring its group\n"
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

/// The diff of a real file, with a place for what nobody knows yet; the plan is shown as sessions show it.
#[test]
fn a_value_that_is_not_known_yet_is_a_span_of_a_real_diff() {
    let late = |name: &str| Late::Signal(Signal { name: name.into(), host: "db1".into(), secret: false });
    let mut wanted = Text::from("[Peer]\nPublicKey = ");
    wanted.push_late(late("wg_pub"));
    wanted.push_str("\nEndpoint = ");
    wanted.push_late(late("address"));
    wanted.push_str(":51820\n");
    let mut values = LateValues::default();
    values.insert_unknown(late("wg_pub"));
    values.insert(late("address"), "10.0.0.7".into());
    let because = "‹wg_pub of db1› is known after apply".to_owned();
    let before = old("[Peer]\nPublicKey = abc=\nEndpoint = 10.0.0.7:51820\n");
    let report = report(name(0, "file", "/etc/wg"), Outcome::MayChange { because }, vec![before]);
    assert_eq!(
        shown(TaskReport { content: Some(NewContent::Text(wanted.shown(&values))), ..report }),
        "  ? file /etc/wg  (roles/web.rs:10)
      @@ -1,3 +1,3 @@
       [Peer]
      -PublicKey = abc=
      +PublicKey = ‹wg_pub of db1: known after apply›
       Endpoint = 10.0.0.7:51820
      may change: ‹wg_pub of db1› is known after apply
"
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
fn times_and_sizes_are_told_in_few_digits() {
    let seconds = |millis| style::seconds(Duration::from_millis(millis));
    assert_eq!(seconds(240), "0.24 s");
    assert_eq!(seconds(12_340), "12.3 s");
    assert_eq!(seconds(125_400), "2 min 5 s");
    assert_eq!(style::size(1023), "1023 bytes");
    assert_eq!(style::size(1536), "1.5 KiB");
}
