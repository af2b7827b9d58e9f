//! Hosts that say too much, or never enough.

use std::time::Duration;

use paracrine_model::hash::Hash;
use paracrine_model::protocol::{Changing, Lacking, Looking, Mode, Outcome, Poised, Report, Summary, Told};
use tokio::sync::watch;

use super::numbers;
use crate::controller::budget::Budget;
use crate::controller::fake::{Agent, Trial, agent, changed};
use crate::event::{Event, HostEvent, Status, Urgency};

const TRUST: &str =
    "something is wrong with this host, or somebody else speaks in its place: look at it before you trust it";

/// What comes of an agent that says hello, then this again and again, as fast as it can.
fn floods(mode: Mode, says: impl Fn(&Agent) + 'static) -> String {
    let fake = agent(move |agent| async move {
        agent.hello();
        while agent.is_heard() {
            for _ in 0..100 {
                says(&agent);
            }
            tokio::task::yield_now().await;
        }
    });
    let ran = Trial::new(mode, vec![("web1", fake)]).run();
    let (message, help, _) = ran.failure("web1");
    assert_eq!(help, Some(TRUST));
    message.to_owned()
}

#[test]
fn a_host_that_never_stops_to_talk_is_cut_off() {
    let notice = |agent: &Agent| agent.tell(Told::Notice("and".into()));
    let notices = "the host says more than 1000 notices, or 1048576 bytes of them, for a plan of 3 tasks";
    assert_eq!(floods(Mode::Check, notice), notices);
    assert_eq!(floods(Mode::Apply, notice), notices);
    assert_eq!(floods(Mode::Check, |agent| agent.tell(Told::Notice("x".repeat(100_000)))), notices);
    let messages = "the host says more than 2048 messages, for a plan of 3 tasks";
    assert_eq!(floods(Mode::Check, |agent| agent.report(changed(1))), messages);
    assert_eq!(floods(Mode::Check, |agent| agent.tell(Told::Lacking(Vec::new()))), messages);
    assert_eq!(
        floods(Mode::Apply, |agent| agent.say(&Looking::Waiting { holder: "bob@ci".into() })),
        messages
    );
    let mut budget = Budget::new(3);
    budget.said(19 * 1024 * 1024).unwrap();
    let large = budget.said(19 * 1024 * 1024 + 1).unwrap_err();
    assert_eq!(large.message, "the host says more than 19 MiB, for a plan of 3 tasks");
}

#[test]
fn a_host_that_waits_for_its_turn_or_has_it_is_cut_off_too() {
    let flood = |changing: bool| {
        let fake = agent(move |mut agent| async move {
            agent.hello();
            agent.ready(Vec::new());
            if changing {
                assert!(agent.left().await);
            }
            while agent.is_heard() {
                match changing {
                    true => agent.say(&Changing::Begun { task: 1 }),
                    false => agent.say(&Poised::Told(Told::Notice("and".into()))),
                }
                tokio::task::yield_now().await;
            }
        });
        // Another holds the run up, so that this one waits.
        let slow = agent(move |agent| async move {
            agent.hello();
            for _ in 0..if changing { 1 } else { 10_000 } {
                tokio::task::yield_now().await;
            }
            agent.done(Summary::default());
        });
        let ran = Trial::new(Mode::Apply, vec![("web1", fake), ("web2", slow)]).run();
        ran.failure("web1").0.to_owned()
    };
    assert_eq!(flood(true), "the host says more than 2048 messages, for a plan of 3 tasks");
    assert!(flood(false).starts_with("the host says more than 1000 notices"));
}

#[test]
fn a_content_is_sent_a_few_times_and_not_for_ever() {
    let hello = Lacking { hash: Hash::of(b"hello\n"), length: 6 };
    let told = floods(Mode::Check, move |agent| agent.tell(Told::Lacking(vec![hello])));
    assert_eq!(told, format!("the host asks for the content {} again and again", hello.hash.short()));
    let at_once = floods(Mode::Check, move |agent| agent.tell(Told::Lacking(vec![hello; 5])));
    assert_eq!(at_once, told);
}

#[test]
fn an_interrupt_is_heard_while_a_host_talks_without_end() {
    let interrupt = watch::Sender::new(None);
    let ctrl_c = interrupt.clone();
    let flood = agent(|agent| async move {
        agent.hello();
        // All of it is there before the first word of it is heard.
        for _ in 0..900 {
            agent.tell(Told::Notice("and".into()));
        }
        tokio::task::spawn_local(async move { ctrl_c.send_replace(Some(Urgency::AtOnce)) });
        while agent.is_heard() {
            tokio::task::yield_now().await;
        }
    });
    let ran = Trial::new(Mode::Check, vec![("web1", flood)]).interrupted_by(&interrupt).run();
    assert_eq!(ran.failure("web1").0, "interrupted before any change");
    let told =
        ran.events.iter().filter(|event| matches!(event, Event::Host(_, HostEvent::Notice(_)))).count();
    assert!(told <= 32, "{told} notices were told before it was heard");
}

#[test]
fn numbers_that_are_not_those_of_what_was_told_are_not_believed() {
    let says = |outcomes: Vec<Outcome>, summary: Summary| {
        let fake = agent(move |agent| async move {
            agent.hello();
            for outcome in outcomes {
                agent.report(Report { task: 1, outcome, differences: Vec::new(), microseconds: 1 });
            }
            agent.done(summary);
        });
        Trial::new(Mode::Check, vec![("web1", fake)]).run()
    };
    let failed = || Outcome::Failed(paracrine_model::protocol::Failure::new("no"));
    let nothing = Summary::default();
    for outcomes in [vec![Outcome::Changed], vec![failed()], vec![Outcome::Changed, failed()]] {
        let ran = says(outcomes, nothing);
        let (message, help, _) = ran.failure("web1");
        assert_eq!(message, "the agent's numbers are not those of the tasks that it has told of");
        assert_eq!(help, Some("this is a mistake of Paracrine: please report it"));
    }
    let changed = Summary { changed: 1, ..nothing };
    assert_eq!(numbers(&says(vec![failed()], changed).totals), [(Status::Failed, 1)]);
    assert_eq!(numbers(&says(vec![Outcome::Changed], changed).totals), [(Status::Pending, 1)]);
    let both = Summary { failed: 1, ..nothing };
    assert_eq!(numbers(&says(vec![Outcome::Changed, failed()], both).totals), [(Status::Failed, 1)]);
}

#[test]
fn a_look_has_an_hour_and_a_run_a_day() {
    let mut budget = Budget::new(1);
    let left = |budget: &Budget| budget.until() - std::time::Instant::now();
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let about = |time: Duration, hours: Duration| time <= hours && time > hours - Duration::from_secs(60);
    assert!(about(left(&budget), hours(1)));
    assert_eq!(budget.too_late().message, "the host has not come to the end of its look in 60 minutes");
    // The time for which another run is waited for does not count.
    budget.waits();
    assert!(about(left(&budget), hours(24)));
    budget.said(1).unwrap();
    assert!(about(left(&budget), hours(1)));
    budget.looked();
    budget.said(1).unwrap();
    assert!(about(left(&budget), hours(24)));
    assert_eq!(budget.too_late().message, "the host has not come to the end of its plan in 24 hours");
}
