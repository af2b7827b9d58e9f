//! What is said between controller and agents, and what goes wrong with it.

use std::time::Duration;

use paracrine_model::hash::Hash;
use paracrine_model::protocol::{
    AnyTime, Changing, Delivery, Difference, Failure, Greeting, Lacking, Looking, Mode, OldContent, Outcome,
    Poised, Report, Summary, Told, WhileLooking,
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
        let start = &agent.deploy;
        assert_eq!(start.identity, "shop/dev/web1");
        assert_eq!(start.holder, "ann@laptop");
        assert_eq!(start.commit.as_deref(), Some("1234abc"));
        assert!(start.run.as_str() > "2026", "{}", start.run);
        assert_eq!(agent.work.len(), 3);
        assert_eq!(agent.work[2].triggers.len(), 1);
        let values: Vec<_> = start.values.iter().map(|(late, value)| format!("{late} {value}")).collect();
        assert_eq!(values, ["‹secret POISON› p0ison-value"]);
        agent.hello();
        agent.done(Summary::default());
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
        agent.ready(Vec::new());
        assert!(agent.left().await);
        agent.begun(1);
        let outcome = Outcome::Failed(Failure::new("the disk is full"));
        agent.report(Report { task: 1, outcome, differences: Vec::new(), microseconds: 1 });
        agent.done(Summary { failed: 1, skipped: 1, unchanged: 1, ..Summary::default() });
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
                agent.ready(Vec::new());
                assert!(agent.left().await);
            }
            if steps > 2 {
                agent.begun(1);
            }
            if steps > 3 {
                agent.report(changed(1));
            }
        })
    };
    let hosts = vec![("a", lost(0)), ("b", lost(1)), ("c", lost(2)), ("d", lost(3)), ("e", lost(4))];
    let ran = Trial::new(Mode::Apply, hosts).run();
    let nothing = Some("nothing was changed on this host");
    let by_itself = Some(
        "the agent ends by itself, and the task at hand may be left half done; `check` shows how far it came",
    );
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
        agent.say(&Greeting::Hello { agent: Hash::of(b"other"), machine: "0123".into() });
        agent.hear().await;
    });
    let ran = Trial::new(Mode::Check, vec![("web1", other)]).run();
    assert_eq!(ran.failure("web1").0, "another agent answered than the one this binary holds");
}

/// What an apply or a check makes of an agent that says hello, then this.
fn nonsense(mode: Mode, says: impl FnOnce(&mut Agent) + 'static) -> String {
    let fake = agent(|mut agent| async move {
        agent.hello();
        says(&mut agent);
        while agent.hear().await.is_some() {}
    });
    Trial::new(mode, vec![("web1", fake)]).run().failure("web1").0.to_owned()
}

/// The same of one that has its leave.
fn nonsense_after_leave(says: impl FnOnce(&mut Agent) + 'static) -> String {
    let fake = agent(|mut agent| async move {
        agent.hello();
        agent.ready(Vec::new());
        assert!(agent.left().await);
        says(&mut agent);
        while agent.hear().await.is_some() {}
    });
    Trial::new(Mode::Apply, vec![("web1", fake)]).run().failure("web1").0.to_owned()
}

fn hello() -> Greeting {
    Greeting::Hello { agent: Hash::of(AGENT), machine: String::new() }
}

#[test]
fn agents_that_make_no_sense_fail_and_break_nothing() {
    let early = agent(|agent| async move { agent.say(&Told::Done(Summary::default())) });
    let ran = Trial::new(Mode::Check, vec![("web1", early)]).run();
    assert_eq!(
        ran.failure("web1").0,
        "connection lost before the agent answered: a message of a check came in place of one of the greeting"
    );
    let before = |said: &str, due: &str| {
        format!("connection lost before any change: a message of {said} came in place of one of {due}")
    };
    let (greeting, check, looking) = ("the greeting", "a check", "an apply before any change");
    let (poised, changing) = ("an apply that is about to change something", "an apply that changes things");
    assert_eq!(nonsense(Mode::Check, |agent| agent.say(&hello())), before(greeting, check));
    assert_eq!(
        nonsense(Mode::Check, |agent| agent.say(&Looking::Ready { lacking: Vec::new() })),
        before(looking, check)
    );
    assert_eq!(nonsense(Mode::Check, |agent| agent.begun(0)), before(changing, check));
    assert_eq!(nonsense(Mode::Apply, |agent| agent.begun(0)), before(changing, looking));
    assert_eq!(nonsense(Mode::Apply, |agent| agent.say(&Poised::Left)), before(poised, looking));
    assert_eq!(
        nonsense_after_leave(|agent| agent.say(&Looking::Ready { lacking: Vec::new() })),
        "connection lost between two tasks: a message of an apply before any change came in place of one of an apply \
         that changes things"
    );
    assert_eq!(
        nonsense(Mode::Check, |agent| agent.report(changed(99))),
        "the agent speaks of task 99, the plan has 3"
    );
    assert_eq!(nonsense_after_leave(|agent| agent.begun(3)), "the agent speaks of task 3, the plan has 3");
}

#[test]
fn an_agent_that_takes_leave_before_it_is_given_has_failed() {
    let (gone, wait) = tokio::sync::oneshot::channel::<()>();
    let hasty = agent(|mut agent| async move {
        agent.hello();
        agent.ready(Vec::new());
        agent.say(&Poised::Left);
        while agent.hear().await.is_some() {}
        drop(gone);
    });
    let other = agent(|agent| async move {
        agent.hello();
        wait.await.unwrap_err();
        agent.done(Summary::default());
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", hasty), ("web2", other)]).run();
    assert_eq!(
        ran.failure("web1"),
        (
            "the agent says that it has leave to change things, and it has none",
            Some("this is a mistake of Paracrine: please report it"),
            None
        )
    );
}

#[test]
fn garbage_is_a_failure_in_every_phase() {
    for garbage in [&[][..], &[0], &[0xff, 0xff], &[3], &[4, 9], &[5, 9], &[6, 9]] {
        let phases = [
            nonsense(Mode::Check, |agent| agent.say_bytes(garbage)),
            nonsense(Mode::Apply, |agent| agent.say_bytes(garbage)),
            nonsense_after_leave(|agent| agent.say_bytes(garbage)),
        ];
        for failure in phases {
            let told =
                failure.contains("a message could not be read") || failure.contains("came in place of");
            assert!(told && failure.starts_with("connection lost"), "{garbage:?}: {failure}");
        }
    }
}

#[test]
fn an_agent_whose_numbers_are_not_those_of_its_plan_is_not_believed() {
    let counts = |summary: Summary| {
        let fake = agent(move |agent| async move {
            agent.hello();
            agent.tell(Told::Done(summary));
        });
        let ran = Trial::new(Mode::Check, vec![("web1", fake)]).run();
        let (message, help, _) = ran.failure("web1");
        assert_eq!(help, Some("this is a mistake of Paracrine: please report it"));
        message.to_owned()
    };
    assert_eq!(counts(Summary::default()), "the agent counts 0 tasks, the plan has 3");
    let four = Summary { unchanged: 2, changed: 1, skipped: 1, ..Summary::default() };
    assert_eq!(counts(four), "the agent counts 4 tasks, the plan has 3");
    let many = Summary { unchanged: u32::MAX, changed: 4, ..Summary::default() };
    assert_eq!(counts(many), "the agent counts 4294967299 tasks, the plan has 3");
}

#[test]
fn a_host_that_waits_for_its_turn_is_pinged() {
    let (heard, wait) = tokio::sync::oneshot::channel::<()>();
    let waiting = agent(|mut agent| async move {
        agent.hello();
        agent.ready(Vec::new());
        for _ in 0..3 {
            assert_eq!(agent.hear().await, Some(WhileLooking::AnyTime(AnyTime::Ping)));
        }
        heard.send(()).unwrap();
        while agent.hear().await == Some(WhileLooking::AnyTime(AnyTime::Ping)) {}
        agent.say(&Poised::Left);
        agent.say(&Changing::Told(Told::Done(Summary { changed: 3, ..Summary::default() })));
    });
    let other = agent(|agent| async move {
        agent.hello();
        wait.await.unwrap();
        agent.done(Summary::default());
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", waiting), ("web2", other)])
        .pings_every(Duration::from_millis(1))
        .run();
    assert_eq!(numbers(&ran.totals), [(Status::AsPlanned, 1), (Status::Applied, 1)]);
}

#[test]
fn an_agent_that_waited_in_vain_is_heard() {
    let (gone, wait) = tokio::sync::oneshot::channel::<()>();
    let impatient = agent(|mut agent| async move {
        agent.hello();
        agent.ready(Vec::new());
        agent.tell(Told::Refused(Failure::new("nothing was heard of the controller")));
        while agent.hear().await.is_some() {}
        drop(gone);
    });
    let other = agent(|agent| async move {
        agent.hello();
        wait.await.unwrap_err();
        agent.done(Summary::default());
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", impatient), ("web2", other)]).run();
    assert_eq!(ran.failure("web1").0, "nothing was heard of the controller");
}

#[test]
fn an_end_that_crosses_the_leave_is_understood() {
    let crossing = agent(|mut agent| async move {
        agent.hello();
        agent.ready(Vec::new());
        // It has not read the leave that is on its way.
        agent.done(Summary { stopped: true, ..Summary::default() });
        assert_eq!(agent.hear().await, Some(WhileLooking::Leave));
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", crossing)]).run();
    assert_eq!(numbers(&ran.totals), [(Status::Stopped, 1)]);
}

#[test]
fn a_host_gets_the_contents_of_its_own_plan_and_no_others() {
    let hello = Lacking { hash: Hash::of(b"hello\n"), length: 6 };
    let asks = |content: Lacking| {
        agent(move |mut agent| async move {
            agent.hello();
            agent.ready(vec![content]);
            if !agent.left().await {
                return;
            }
            match agent.hear().await {
                Some(WhileLooking::AnyTime(AnyTime::Delivery(piece))) => {
                    assert_eq!(piece, Delivery::Plain(b"hello\n".to_vec()));
                    agent.done(Summary { changed: 1, ..Summary::default() });
                }
                other => panic!("{other:?}"),
            }
        })
    };
    let ran = Trial::new(Mode::Apply, vec![("web1", asks(hello))]).run();
    assert_eq!(numbers(&ran.totals), [(Status::Applied, 1)]);
    let strange = Lacking { hash: Hash::of(STRANGE.as_bytes()), length: STRANGE.len() as u64 };
    for other in
        [Lacking { hash: Hash::of(b"of nobody"), length: 9 }, strange, Lacking { length: 7, ..hello }]
    {
        let ran = Trial::new(Mode::Apply, vec![("web1", asks(other))]).run();
        let expected =
            format!("the host asks for a content that its plan does not hold: {}", other.hash.short());
        assert_eq!(ran.failure("web1").0, expected);
    }
}

#[test]
fn a_content_that_is_asked_for_while_looking_opens_no_gate() {
    let hello = Lacking { hash: Hash::of(b"hello\n"), length: 6 };
    let asks = |mode| {
        agent(move |mut agent| async move {
            agent.hello();
            agent.tell(Told::Lacking(vec![hello]));
            let heard = agent.hear().await;
            let expected = AnyTime::Delivery(Delivery::Plain(b"hello\n".to_vec()));
            assert_eq!(heard, Some(WhileLooking::AnyTime(expected)));
            if mode == Mode::Apply {
                agent.change().await;
            } else {
                agent.done(Summary::default());
            }
        })
    };
    let ran = Trial::new(Mode::Check, vec![("web1", asks(Mode::Check))]).run();
    assert_eq!(numbers(&ran.totals), [(Status::AsPlanned, 1)]);
    let hosts = vec![("web1", asks(Mode::Apply)), ("web2", refused("busy"))];
    let ran = Trial::new(Mode::Apply, hosts).run();
    // The content, and then no word to change anything.
    let heard: Vec<_> = ran.log.iter().filter(|entry| entry.starts_with("web1 hears")).collect();
    assert_eq!(heard, ["web1 hears Delivery", "web1 hears Stop"]);
}

#[test]
fn what_differs_is_told_with_the_content_that_should_be() {
    let fake = agent(|agent| async move {
        agent.hello();
        let report = |task, old: &str| {
            let differences = vec![Difference::Content { before: OldContent::Text(old.into()) }];
            Report { task, outcome: Outcome::Changed, differences, microseconds: 1 }
        };
        agent.report(report(0, "the old p0ison-value"));
        agent.report(report(1, "hallo\n"));
        agent.done(Summary { changed: 2, unchanged: 1, ..Summary::default() });
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
