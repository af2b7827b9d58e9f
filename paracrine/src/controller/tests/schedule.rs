//! No host is changed before all are locked; and nobody waits for ever.

use std::cell::RefCell;
use std::rc::Rc;

use paracrine_model::protocol::{Failure, Looking, Mode, Outcome, Report, Summary};

use super::numbers;
use crate::controller::fake::{Agent, Fake, Ran, Trial, agent, refused, unreachable};
use crate::event::{Ending, Event, HostEvent, Status};

#[test]
fn no_host_is_changed_before_all_are_locked() {
    let (late, wait) = tokio::sync::oneshot::channel::<()>();
    let ran = Trial::new(
        Mode::Apply,
        vec![
            ("web1", agent(Agent::apply)),
            (
                "web2",
                agent(|agent| async move {
                    // Ready last, when all others have long been.
                    wait.await.unwrap();
                    agent.apply().await;
                }),
            ),
            (
                "web3",
                agent(|agent| async move {
                    agent.hello();
                    agent.done(Summary { unchanged: 1, ..Summary::default() });
                    late.send(()).unwrap();
                }),
            ),
        ],
    )
    .run();
    assert_eq!(numbers(&ran.totals), [(Status::AsPlanned, 1), (Status::Applied, 2)]);
    let last_ready = ran.when("web1 is ready").max(ran.when("web2 is ready"));
    let first_go = ran.when("web1 hears Leave").min(ran.when("web2 hears Leave"));
    assert!(last_ready < first_go, "{:#?}", ran.log);
}

#[test]
fn hosts_that_wait_for_others_take_no_ones_turn() {
    let hosts = ["web1", "web2", "web3", "web4"];
    let fakes = hosts.into_iter().map(|name| (name, agent(Agent::apply))).collect();
    let ran = Trial::new(Mode::Apply, fakes).jobs(1).run();
    assert_eq!(numbers(&ran.totals), [(Status::Applied, 4)]);
    let last_ready = hosts.iter().map(|host| ran.when(&format!("{host} is ready"))).max();
    let first_go = hosts.iter().map(|host| ran.when(&format!("{host} hears Leave"))).min();
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
                agent.done(Summary::default());
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
    assert!(!ran.log.contains(&"web1 hears Leave".to_owned()));
}

#[test]
fn all_refusals_are_told_in_the_order_of_the_inventory() {
    let fakes = vec![
        ("web1", refused("busy")),
        ("web2", agent(Agent::apply)),
        ("web3", refused("deployed as another")),
    ];
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
fn a_connection_lost_while_waiting_for_others_lets_the_others_go() {
    let lost = agent(|mut agent| async move {
        agent.hello();
        agent.ready(Vec::new());
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", lost), ("web2", agent(Agent::apply))]).run();
    assert_eq!(numbers(&ran.totals), [(Status::Applied, 1), (Status::Failed, 1)]);
}

#[test]
fn cloned_machines_are_deployed_to_and_one_word_is_said_of_it() {
    let on = |machine: &'static str| {
        agent(move |agent| async move {
            agent.hello_on(machine);
            agent.change().await;
        })
    };
    let clones = vec![("web1", on("0123")), ("web2", on("0123")), ("web3", on("0123")), ("web4", on("4567"))];
    let ran = Trial::new(Mode::Apply, clones).run();
    assert_eq!(numbers(&ran.totals), [(Status::Applied, 4)]);
    let notices = |ran: &Ran| {
        let of = |event: &Event| match event {
            Event::Host(host, HostEvent::Notice(text)) => Some((*host, text.clone())),
            _ => None,
        };
        ran.events.iter().filter_map(of).collect::<Vec<_>>()
    };
    // Once, on whichever was second to say hello.
    let [(host, told)] = &notices(&ran)[..] else { panic!("{:?}", notices(&ran)) };
    let first = told.strip_prefix("/etc/machine-id is the same as on ").unwrap();
    let first = first.strip_suffix(": a cloned machine should have its own").unwrap();
    assert!(*host < 3 && ran.index(first) < 3 && ran.index(first) != *host, "{host} {told}");
    for no_id in ["", "uninitialized"] {
        let ran = Trial::new(Mode::Apply, vec![("web1", on(no_id)), ("web2", on(no_id))]).run();
        assert_eq!((numbers(&ran.totals), notices(&ran)), (vec![(Status::Applied, 2)], vec![]));
    }
}

#[test]
fn two_names_for_one_machine_are_refused_before_any_change() {
    let twin = "this machine is shop/dev/web1 in the same run: two names for one machine";
    let ran = Trial::new(Mode::Apply, vec![("web1", agent(Agent::apply)), ("web2", refused(twin))]).run();
    assert_eq!(ran.totals.refused, [format!("web2: {twin}")]);
    assert_eq!(numbers(&ran.totals), [(Status::Held, 1), (Status::Failed, 1)]);
    assert!(!ran.log.contains(&"web1 hears Leave".to_owned()));
}

/// A host whose second task fails.
fn failing() -> Fake {
    agent(|mut agent| async move {
        agent.hello();
        agent.ready(Vec::new());
        if !agent.left().await {
            return agent.done(Summary { stopped: true, ..Summary::default() });
        }
        agent.begun(1);
        let outcome = Outcome::Failed(Failure::new("the disk is full"));
        agent.report(Report { task: 1, outcome, differences: Vec::new(), microseconds: 1 });
        agent.done(Summary { failed: 1, ..Summary::default() });
    })
}

fn leaves(ran: &Ran) -> Vec<&str> {
    ran.log.iter().filter_map(|entry| entry.strip_suffix(" hears Leave")).collect()
}

#[test]
fn hosts_are_changed_in_the_order_of_the_inventory() {
    let names = ["web3", "web1", "db", "web2"];
    let fakes = || names.into_iter().map(|name| (name, agent(Agent::apply))).collect();
    assert_eq!(leaves(&Trial::new(Mode::Apply, fakes()).jobs(1).run()), names);
    assert_eq!(leaves(&Trial::new(Mode::Apply, fakes()).jobs(2).run()).first(), Some(&"web3"));
}

#[test]
fn after_a_failure_those_whose_turn_has_not_come_are_not_begun() {
    let fakes = || {
        vec![
            ("web1", agent(Agent::apply)),
            ("web2", failing()),
            ("web3", agent(Agent::apply)),
            ("web4", failing()),
        ]
    };
    let ran = Trial::new(Mode::Apply, fakes()).jobs(1).run();
    assert_eq!(numbers(&ran.totals), [(Status::Applied, 1), (Status::NotBegun, 2), (Status::Failed, 1)]);
    assert_eq!(leaves(&ran), ["web1", "web2"]);
    assert_eq!(*ran.ending("web3"), Ending::After { failed: "web2".into() });
    // It gives its lock back in good order.
    ran.when("web3 hears Stop");
    assert_eq!(ran.totals.refused, [""; 0]);

    let ran = Trial::new(Mode::Apply, fakes()).jobs(1).keep_going().run();
    assert_eq!(numbers(&ran.totals), [(Status::Applied, 2), (Status::Failed, 2)]);
    assert_eq!(leaves(&ran), ["web1", "web2", "web3", "web4"]);
    // Those that have begun go on.
    let ran = Trial::new(Mode::Apply, fakes()).run();
    assert_eq!(numbers(&ran.totals), [(Status::Applied, 2), (Status::Failed, 2)]);
}

#[test]
fn a_host_that_is_lost_while_it_is_changed_stops_the_others_too_and_one_that_is_not_reached_does_not() {
    let lost = agent(|mut agent| async move {
        agent.hello();
        agent.ready(Vec::new());
        assert!(agent.left().await);
        agent.begun(0);
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", lost), ("web2", agent(Agent::apply))]).jobs(1).run();
    assert_eq!(numbers(&ran.totals), [(Status::NotBegun, 1), (Status::Failed, 1)]);
    let ran =
        Trial::new(Mode::Apply, vec![("web1", unreachable()), ("web2", agent(Agent::apply))]).jobs(1).run();
    assert_eq!(numbers(&ran.totals), [(Status::Applied, 1), (Status::Unreachable, 1)]);
}

#[test]
fn a_look_that_fails_stops_hosts_that_are_not_begun() {
    let fails = agent(|agent| async move {
        agent.hello();
        let outcome = Outcome::Failed(Failure::new("it cannot be read"));
        agent.report(Report { task: 0, outcome, differences: Vec::new(), microseconds: 1 });
        agent.done(Summary { failed: 1, ..Summary::default() });
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", fails), ("web2", agent(Agent::apply))]).jobs(1).run();
    assert_eq!(numbers(&ran.totals), [(Status::NotBegun, 1), (Status::Failed, 1)]);
    assert!(!ran.log.contains(&"web2 is connected to".to_owned()));
}

#[test]
fn a_check_stops_for_nothing() {
    let fails = || {
        agent(|agent| async move {
            agent.hello();
            agent.done(Summary { failed: 1, ..Summary::default() });
        })
    };
    let ran = Trial::new(Mode::Check, vec![("web1", fails()), ("web2", fails())]).jobs(1).run();
    assert_eq!(numbers(&ran.totals), [(Status::Failed, 2)]);
}

#[test]
fn a_run_that_waits_for_a_lock_lets_others_have_the_turn() {
    let (free, wait) = tokio::sync::oneshot::channel::<()>();
    let waiting = agent(|agent| async move {
        agent.hello();
        agent.say(&Looking::Waiting { holder: "bob@ci".into() });
        wait.await.unwrap();
        agent.done(Summary::default());
    });
    let other = agent(|agent| async move {
        agent.hello();
        agent.done(Summary::default());
        free.send(()).unwrap();
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", waiting), ("web2", other)]).jobs(1).run();
    assert_eq!(numbers(&ran.totals), [(Status::AsPlanned, 2)]);
    assert!(ran.events.contains(&Event::Host(0, HostEvent::Waiting { holder: "bob@ci".into() })));
}
