//! What a run does with agents of all kinds.

use std::cell::RefCell;
use std::rc::Rc;

use paracrine_model::hash::Hash;
use paracrine_model::protocol::{Difference, Failure, FromAgent, Mode, OldContent, Outcome, Report, Summary, ToAgent};
use tokio::sync::watch;

use super::connection::OpenError;
use super::fake::{Agent, Fake, Trial, agent, changed, done, refused, unreachable};
use crate::event::{Ending, Event, HostEvent, NewContent, Status, Totals, Urgency};
use crate::testing::AGENT;

fn numbers(totals: &Totals) -> Vec<(Status, usize)> {
    totals.hosts.iter().map(|(status, number)| (*status, *number)).collect()
}

#[test]
fn a_host_with_nothing_to_do_is_asked_once() {
    let ran = Trial::new(Mode::Check, vec![("web1", done(Summary { unchanged: 3, ..Summary::default() }))]).run();
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
fn no_host_is_changed_before_all_are_locked() {
    let (late, wait) = tokio::sync::oneshot::channel::<()>();
    let ran = Trial::new(
        Mode::Apply,
        vec![
            ("web1", agent(Agent::apply)),
            ("web2", agent(|agent| async move {
                // Ready last, when all others have long been.
                wait.await.unwrap();
                agent.apply().await;
            })),
            ("web3", agent(|agent| async move {
                agent.hello();
                agent.say(FromAgent::Done(Summary { unchanged: 1, ..Summary::default() }));
                late.send(()).unwrap();
            })),
        ],
    )
    .run();
    assert_eq!(numbers(&ran.totals), [(Status::AsPlanned, 1), (Status::Applied, 2)]);
    let last_ready = ran.when("web1 is ready").max(ran.when("web2 is ready"));
    let first_go = ran.when("web1 hears Go").min(ran.when("web2 hears Go"));
    assert!(last_ready < first_go, "{:#?}", ran.log);
}

#[test]
fn hosts_that_wait_for_others_take_no_ones_turn() {
    let hosts = ["web1", "web2", "web3", "web4"];
    let fakes = hosts.into_iter().map(|name| (name, agent(Agent::apply))).collect();
    let ran = Trial::new(Mode::Apply, fakes).jobs(1).run();
    assert_eq!(numbers(&ran.totals), [(Status::Applied, 4)]);
    let last_ready = hosts.iter().map(|host| ran.when(&format!("{host} is ready"))).max();
    let first_go = hosts.iter().map(|host| ran.when(&format!("{host} hears Go"))).min();
    assert!(last_ready < first_go);
}

#[test]
fn no_more_hosts_are_worked_on_at_once_than_allowed() {
    let at_work = Rc::new(RefCell::new((0_u32, 0_u32)));
    let fakes = ["a", "b", "c", "d", "e"]
        .into_iter()
        .map(|name| {
            let at_work = at_work.clone();
            let fake = agent(|agent| async move {
                {
                    let mut at_work = at_work.borrow_mut();
                    at_work.0 += 1;
                    at_work.1 = at_work.1.max(at_work.0);
                }
                agent.hello();
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                at_work.borrow_mut().0 -= 1;
                agent.say(FromAgent::Done(Summary::default()));
            });
            (name, fake)
        })
        .collect();
    let ran = Trial::new(Mode::Check, fakes).jobs(2).run();
    assert_eq!(numbers(&ran.totals), [(Status::AsPlanned, 5)]);
    assert_eq!(at_work.borrow().1, 2);
}

#[test]
fn a_taken_lock_on_one_host_keeps_all_from_being_changed() {
    let ran = Trial::new(
        Mode::Apply,
        vec![("web1", agent(Agent::apply)), ("web2", refused("another run holds the lock: bob@ci"))],
    )
    .run();
    assert_eq!(numbers(&ran.totals), [(Status::Held, 1), (Status::Failed, 1)]);
    assert_eq!(ran.totals.refused, ["web2: another run holds the lock: bob@ci"]);
    assert_eq!(ran.failure("web2"), ("another run holds the lock: bob@ci", None, None));
    ran.when("web1 hears Stop");
    assert!(!ran.log.contains(&"web1 hears Go".to_owned()));
}

#[test]
fn all_refusals_are_told_in_the_order_of_the_inventory() {
    let fakes = vec![("web1", refused("busy")), ("web2", agent(Agent::apply)), ("web3", refused("deployed as another"))];
    let ran = Trial::new(Mode::Apply, fakes).run();
    assert_eq!(ran.totals.refused, ["web1: busy", "web3: deployed as another"]);
}

#[test]
fn unreachable_hosts_do_not_hold_up_the_others_and_count_apart() {
    let ran = Trial::new(Mode::Apply, vec![("web1", unreachable()), ("web2", agent(Agent::apply))]).run();
    assert_eq!(numbers(&ran.totals), [(Status::Applied, 1), (Status::Unreachable, 1)]);
    assert_eq!(*ran.ending("web1"), Ending::Unreachable(Failure::new("no route to host")));
}

#[test]
fn a_host_that_fails_to_connect_otherwise_has_failed() {
    let error = OpenError { unreachable: false, failure: Failure::new("sudo asks for a password").help("allow it") };
    let ran = Trial::new(Mode::Apply, vec![("web1", Fake::Error(error)), ("web2", agent(Agent::apply))]).run();
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
        })
    };
    let hosts = vec![("a", lost(0)), ("b", lost(1)), ("c", lost(2)), ("d", lost(3))];
    let ran = Trial::new(Mode::Apply, hosts).run();
    let nothing = Some("nothing was changed on this host");
    let by_itself = Some("the agent ends by itself after the task at hand; `check` shows how far it came");
    assert_eq!(
        ran.failure("a"),
        ("connection lost before the agent answered: the connection was closed", nothing, None)
    );
    assert_eq!(ran.failure("b"), ("connection lost before any change: the connection was closed", nothing, None));
    assert_eq!(ran.failure("c"), ("connection lost between two tasks: the connection was closed", by_itself, None));
    assert_eq!(
        ran.failure("d"),
        ("connection lost: the connection was closed", by_itself, Some("file /etc/motd".to_owned()))
    );
    assert_eq!(numbers(&ran.totals), [(Status::Failed, 4)]);
}

#[test]
fn a_connection_lost_while_waiting_for_others_lets_the_others_go() {
    let lost = agent(|agent| async move {
        agent.hello();
        agent.say(FromAgent::Ready { lacking: Vec::new() });
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", lost), ("web2", agent(Agent::apply))]).run();
    assert_eq!(numbers(&ran.totals), [(Status::Applied, 1), (Status::Failed, 1)]);
}

#[test]
fn two_names_for_one_machine_are_refused_before_any_change() {
    let same = || {
        agent(|mut agent| async move {
            agent.say(FromAgent::Hello { agent: Hash::of(AGENT), machine: "0123".into() });
            agent.say(FromAgent::Ready { lacking: Vec::new() });
            agent.hear().await;
        })
    };
    let ran = Trial::new(Mode::Apply, vec![("web1", same()), ("web2", same())]).run();
    assert_eq!(ran.totals.refused, ["web1 and web2 are one machine"]);
    assert_eq!(numbers(&ran.totals), [(Status::Held, 1), (Status::Failed, 1)]);
    assert!(!ran.log.contains(&"web1 hears Go".to_owned()));
    let unknown = || {
        agent(|agent| async move {
            agent.say(FromAgent::Hello { agent: Hash::of(AGENT), machine: String::new() });
            agent.say(FromAgent::Done(Summary::default()));
        })
    };
    let ran = Trial::new(Mode::Apply, vec![("web1", unknown()), ("web2", unknown())]).run();
    assert_eq!(numbers(&ran.totals), [(Status::AsPlanned, 2)]);
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
        (vec![hello(), hello()], "the agent said something out of turn"),
        (vec![hello(), FromAgent::Ready { lacking: Vec::new() }], "the agent said something out of turn"),
        (vec![hello(), FromAgent::Begun { task: 0 }], "the agent said something out of turn"),
        (vec![hello(), FromAgent::Lacking(Vec::new())], "the agent said something out of turn"),
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
    let other = Hash::of(b"of another host");
    let ran = Trial::new(Mode::Apply, vec![("web1", asks(other))]).run();
    let expected = format!("the host asks for a content that its plan does not hold: {}", other.short());
    assert_eq!(ran.failure("web1").0, expected);
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
            Event::Host(_, HostEvent::Report(report)) => Some((report.report.differences.clone(), report.content.clone())),
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

#[test]
fn an_interrupt_stops_hosts_at_work_and_begins_no_more() {
    let interrupt = watch::Sender::new(None);
    let ctrl_c = interrupt.clone();
    let working = agent(|mut agent| async move {
        agent.hello();
        agent.say(FromAgent::Ready { lacking: Vec::new() });
        agent.hear().await;
        agent.say(FromAgent::Begun { task: 0 });
        ctrl_c.send_replace(Some(Urgency::AfterTask));
        agent.hear().await;
        agent.say(FromAgent::Report(changed(0)));
        agent.say(FromAgent::Done(Summary { changed: 1, skipped: 2, stopped: true, ..Summary::default() }));
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", working)]).interrupted_by(&interrupt).run();
    assert_eq!(numbers(&ran.totals), [(Status::Stopped, 1)]);
    assert!(ran.when("web1 hears Go") < ran.when("web1 hears Stop"));
    let Ending::Done(summary) = ran.ending("web1") else { panic!("the agent came to its end") };
    assert_eq!((summary.changed, summary.skipped), (1, 2));
}

#[test]
fn an_interrupt_before_any_change_changes_nothing() {
    let interrupt = watch::Sender::new(None);
    let ctrl_c = interrupt.clone();
    let ran = Trial::new(
        Mode::Apply,
        vec![
            ("web1", agent(Agent::apply)),
            ("web2", Fake::Silent),
            ("web3", agent(|mut agent| async move {
                agent.hello();
                ctrl_c.send_replace(Some(Urgency::AfterTask));
                agent.hear().await;
                agent.say(FromAgent::Done(Summary { stopped: true, ..Summary::default() }));
            })),
        ],
    )
    .interrupted_by(&interrupt)
    .run();
    assert_eq!(numbers(&ran.totals), [(Status::Stopped, 3)]);
    assert_eq!(*ran.ending("web2"), Ending::NotBegun);
    ran.when("web1 hears Stop");
    ran.when("web3 hears Stop");
    assert!(!ran.log.iter().any(|entry| entry.ends_with("hears Go")));
}

#[test]
fn hosts_that_have_had_no_turn_are_not_begun_after_an_interrupt() {
    let interrupt = watch::Sender::new(None);
    let ctrl_c = interrupt.clone();
    let first = agent(|mut agent| async move {
        agent.hello();
        ctrl_c.send_replace(Some(Urgency::AfterTask));
        agent.hear().await;
        agent.say(FromAgent::Done(Summary { stopped: true, ..Summary::default() }));
    });
    let ran = Trial::new(Mode::Check, vec![("web1", first), ("web2", done(Summary::default()))])
        .jobs(1)
        .interrupted_by(&interrupt)
        .run();
    assert_eq!(*ran.ending("web2"), Ending::NotBegun);
    assert!(!ran.log.contains(&"web2 is connected to".to_owned()));
}

#[test]
fn a_second_interrupt_drops_connections_at_once() {
    let interrupt = watch::Sender::new(None);
    let ctrl_c = interrupt.clone();
    let stubborn = agent(|mut agent| async move {
        agent.hello();
        agent.say(FromAgent::Ready { lacking: Vec::new() });
        agent.hear().await;
        agent.say(FromAgent::Begun { task: 2 });
        ctrl_c.send_replace(Some(Urgency::AfterTask));
        agent.hear().await;
        // Does not stop, so once more.
        ctrl_c.send_replace(Some(Urgency::AtOnce));
        assert!(agent.hear().await.is_none());
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", stubborn)]).interrupted_by(&interrupt).run();
    let help = "the agent ends by itself after the task at hand; `check` shows how far it came";
    assert_eq!(ran.failure("web1"), ("interrupted", Some(help), Some("service app".to_owned())));
}

#[test]
fn a_run_that_waits_for_a_lock_lets_others_have_the_turn() {
    let (free, wait) = tokio::sync::oneshot::channel::<()>();
    let waiting = agent(|agent| async move {
        agent.hello();
        agent.say(FromAgent::Waiting { holder: "bob@ci".into() });
        wait.await.unwrap();
        agent.say(FromAgent::Done(Summary::default()));
    });
    let other = agent(|agent| async move {
        agent.hello();
        agent.say(FromAgent::Done(Summary::default()));
        free.send(()).unwrap();
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", waiting), ("web2", other)]).jobs(1).run();
    assert_eq!(numbers(&ran.totals), [(Status::AsPlanned, 2)]);
    assert!(ran.events.contains(&Event::Host(0, HostEvent::Waiting { holder: "bob@ci".into() })));
}
