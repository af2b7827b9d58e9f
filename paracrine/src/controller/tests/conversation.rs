//! What is said between controller and agents, and what goes wrong with it.

use paracrine_model::hash::Hash;
use paracrine_model::protocol::{
    Difference, Failure, FromAgent, Mode, OldContent, Outcome, Report, Summary, ToAgent,
};

use super::numbers;
use crate::controller::connection::OpenError;
use crate::controller::fake::{Agent, Fake, STRANGE, Trial, agent, changed, done, refused};
use crate::event::{Event, HostEvent, NewContent, Status};
use crate::testing::AGENT;

#[test]
fn a_host_with_nothing_to_do_is_asked_once() {
    let ran =
        Trial::new(Mode::Check, vec![("web1", done(Summary { unchanged: 3, ..Summary::default() }))]).run();
    assert_eq!(numbers(&ran.totals), [(Status::AsPlanned, 1)]);
    let events: Vec<_> = ran.events.iter().map(|event| format!("{event:?}")).collect();
    let starts = ["Started", "Host(0, Connecting)", "Host(0, Connected)", "Host(0, Ended", "Finished"];
    assert_eq!(events.len(), starts.len());
    for (event, start) in events.iter().zip(starts) {
        assert!(event.starts_with(start), "{event} is no {start}");
    }
}

#[test]
fn the_agent_gets_what_its_plan_needs_and_who_runs_it() {
    let fake = agent(|agent| async move {
        let start = &agent.start;
        assert_eq!(start.identity, "shop/dev/web1");
        assert_eq!(start.holder, "ann@laptop");
        assert_eq!(start.tasks.len(), 3);
        assert_eq!(start.tasks[2].triggers.len(), 1);
        let values: Vec<_> = start.values.iter().map(|(late, value)| format!("{late} {value}")).collect();
        assert_eq!(values, ["‹secret POISON› p0ison-value"]);
        agent.hello();
        agent.say(FromAgent::Done(Summary::default()));
    });
    let ran = Trial::new(Mode::Check, vec![("web1", fake)]).run();
    assert_eq!(numbers(&ran.totals), [(Status::AsPlanned, 1)]);
}

#[test]
fn a_host_that_fails_to_connect_otherwise_has_failed() {
    let error =
        OpenError { unreachable: false, failure: Failure::new("sudo asks for a password").help("allow it") };
    let ran =
        Trial::new(Mode::Apply, vec![("web1", Fake::Error(error)), ("web2", agent(Agent::apply))]).run();
    assert_eq!(numbers(&ran.totals), [(Status::Applied, 1), (Status::Failed, 1)]);
    assert_eq!(ran.failure("web1"), ("sudo asks for a password", Some("allow it"), None));
}

#[test]
fn a_failed_task_stops_its_host_and_no_other() {
    let failing = agent(|mut agent| async move {
        agent.hello();
        agent.say(FromAgent::Ready { lacking: Vec::new() });
        agent.hear().await;
        agent.say(FromAgent::Begun { task: 1 });
        let outcome = Outcome::Failed(Failure::new("the disk is full"));
        agent.say(FromAgent::Report(Report { task: 1, outcome, differences: Vec::new(), microseconds: 1 }));
        agent.say(FromAgent::Done(Summary { failed: 1, skipped: 1, unchanged: 1, ..Summary::default() }));
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", failing), ("web2", agent(Agent::apply))]).run();
    assert_eq!(numbers(&ran.totals), [(Status::Applied, 1), (Status::Failed, 1)]);
}

#[test]
fn a_lost_connection_is_told_with_the_place_where_it_was_lost() {
    let lost = |steps: u32| {
        agent(move |mut agent| async move {
            if steps > 0 {
                agent.hello();
            }
            if steps > 1 {
                agent.say(FromAgent::Ready { lacking: Vec::new() });
                agent.hear().await;
            }
            if steps > 2 {
                agent.say(FromAgent::Begun { task: 1 });
            }
            if steps > 3 {
                agent.say(FromAgent::Report(changed(1)));
            }
        })
    };
    let hosts = vec![("a", lost(0)), ("b", lost(1)), ("c", lost(2)), ("d", lost(3)), ("e", lost(4))];
    let ran = Trial::new(Mode::Apply, hosts).run();
    let nothing = Some("nothing was changed on this host");
    let by_itself = Some("the agent ends by itself after the task at hand; `check` shows how far it came");
    assert_eq!(
        ran.failure("a"),
        ("connection lost before the agent answered: the connection was closed", nothing, None)
    );
    assert_eq!(
        ran.failure("b"),
        ("connection lost before any change: the connection was closed", nothing, None)
    );
    assert_eq!(
        ran.failure("c"),
        ("connection lost between two tasks: the connection was closed", by_itself, None)
    );
    assert_eq!(
        ran.failure("d"),
        ("connection lost: the connection was closed", by_itself, Some("file /etc/motd".to_owned()))
    );
    assert_eq!(ran.failure("e"), ran.failure("c"));
    assert_eq!(numbers(&ran.totals), [(Status::Failed, 5)]);
}

#[test]
fn another_agent_is_not_talked_to() {
    let other = agent(|mut agent| async move {
        agent.say(FromAgent::Hello { agent: Hash::of(b"other"), machine: "0123".into() });
        agent.hear().await;
    });
    let ran = Trial::new(Mode::Check, vec![("web1", other)]).run();
    assert_eq!(ran.failure("web1").0, "another agent answered than the one this binary holds");
}

#[test]
fn agents_that_make_no_sense_fail_and_break_nothing() {
    let says = |messages: Vec<FromAgent>| {
        agent(move |mut agent| async move {
            messages.into_iter().for_each(|message| agent.say(message));
            agent.hear().await;
        })
    };
    let hello = || FromAgent::Hello { agent: Hash::of(AGENT), machine: String::new() };
    let cases = [
        (vec![FromAgent::Done(Summary::default())], "the agent did not say hello"),
        (vec![hello(), hello()], "the agent says hello, out of turn"),
        (
            vec![hello(), FromAgent::Ready { lacking: Vec::new() }],
            "the agent says that it is ready, out of turn",
        ),
        (vec![hello(), FromAgent::Begun { task: 0 }], "the agent says that it begins a task, out of turn"),
        (vec![hello(), FromAgent::Report(changed(99))], "the agent speaks of task 99, the plan has 3"),
    ];
    for (messages, expected) in cases {
        let ran = Trial::new(Mode::Check, vec![("web1", says(messages))]).run();
        assert_eq!(ran.failure("web1").0, expected);
    }
}

#[test]
fn a_host_gets_the_contents_of_its_own_plan_and_no_others() {
    let asks = |hash: Hash| {
        agent(move |mut agent| async move {
            agent.hello();
            agent.say(FromAgent::Ready { lacking: vec![hash] });
            match agent.hear().await {
                Some(ToAgent::Go(contents)) => {
                    assert_eq!(contents.index, [(hash, 6)]);
                    let mut bytes = String::new();
                    let mut decoder = flate2::read::DeflateDecoder::new(contents.deflated.as_slice());
                    std::io::Read::read_to_string(&mut decoder, &mut bytes).unwrap();
                    assert_eq!(bytes, "hello\n");
                    agent.say(FromAgent::Done(Summary { changed: 1, ..Summary::default() }));
                }
                other => assert!(other.is_none(), "{other:?}"),
            }
        })
    };
    let ran = Trial::new(Mode::Apply, vec![("web1", asks(Hash::of(b"hello\n")))]).run();
    assert_eq!(numbers(&ran.totals), [(Status::Applied, 1)]);
    for other in [Hash::of(b"of nobody"), Hash::of(STRANGE.as_bytes())] {
        let ran = Trial::new(Mode::Apply, vec![("web1", asks(other))]).run();
        let expected = format!("the host asks for a content that its plan does not hold: {}", other.short());
        assert_eq!(ran.failure("web1").0, expected);
    }
}

#[test]
fn a_content_that_is_asked_for_while_looking_opens_no_gate() {
    let hash = Hash::of(b"hello\n");
    let asks = |mode| {
        agent(move |mut agent| async move {
            agent.hello();
            agent.say(FromAgent::Lacking(vec![hash]));
            let Some(ToAgent::Go(contents)) = agent.hear().await else { panic!("no content") };
            assert_eq!(contents.index.len(), 1);
            if mode == Mode::Apply {
                agent.change().await;
            } else {
                agent.say(FromAgent::Done(Summary::default()));
            }
        })
    };
    let ran = Trial::new(Mode::Check, vec![("web1", asks(Mode::Check))]).run();
    assert_eq!(numbers(&ran.totals), [(Status::AsPlanned, 1)]);
    let hosts = vec![("web1", asks(Mode::Apply)), ("web2", refused("busy"))];
    let ran = Trial::new(Mode::Apply, hosts).run();
    // The content, and then no word to change anything.
    let heard: Vec<_> = ran.log.iter().filter(|entry| entry.starts_with("web1 hears")).collect();
    assert_eq!(heard, ["web1 hears Go", "web1 hears Stop"]);
}

#[test]
fn what_differs_is_told_with_the_content_that_should_be() {
    let fake = agent(|agent| async move {
        agent.hello();
        let report = |task, old: &str| {
            let differences = vec![Difference::Content { before: OldContent::Text(old.into()) }];
            FromAgent::Report(Report { task, outcome: Outcome::Changed, differences, microseconds: 1 })
        };
        agent.say(report(0, "the old p0ison-value"));
        agent.say(report(1, "hallo\n"));
        agent.say(FromAgent::Done(Summary { changed: 2, unchanged: 1, ..Summary::default() }));
    });
    let ran = Trial::new(Mode::Check, vec![("web1", fake)]).run();
    let told: Vec<_> = ran
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Host(_, HostEvent::Report(report)) => {
                Some((report.report.differences.clone(), report.content.clone()))
            }
            _ => None,
        })
        .collect();
    let text = |text: &str| Difference::Content { before: OldContent::Text(text.into()) };
    assert_eq!(
        told,
        [
            (vec![text("the old ‹secret POISON›")], Some(NewContent::Text("‹secret POISON›".into()))),
            (vec![text("hallo\n")], Some(NewContent::Text("hello\n".into()))),
        ]
    );
    assert!(!format!("{:?}", ran.events).contains("p0ison"));
}
