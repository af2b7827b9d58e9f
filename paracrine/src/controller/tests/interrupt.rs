//! Ctrl-C.

use paracrine_model::protocol::{Mode, Summary};
use tokio::sync::watch;

use super::numbers;
use crate::controller::fake::{Agent, Fake, Trial, agent, changed, done};
use crate::event::{Ending, Status, Urgency};

#[test]
fn an_interrupt_stops_hosts_at_work_and_begins_no_more() {
    let interrupt = watch::Sender::new(None);
    let ctrl_c = interrupt.clone();
    let working = agent(|mut agent| async move {
        agent.hello();
        agent.ready(Vec::new());
        assert!(agent.left().await);
        agent.begun(0);
        ctrl_c.send_replace(Some(Urgency::AfterTask));
        agent.hear().await;
        agent.report(changed(0));
        agent.done(Summary { changed: 1, skipped: 2, stopped: true, ..Summary::default() });
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", working)]).interrupted_by(&interrupt).run();
    assert_eq!(numbers(&ran.totals), [(Status::Stopped, 1)]);
    assert!(ran.when("web1 hears Leave") < ran.when("web1 hears Stop"));
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
            (
                "web3",
                agent(|mut agent| async move {
                    agent.hello();
                    ctrl_c.send_replace(Some(Urgency::AfterTask));
                    agent.hear().await;
                    agent.done(Summary { stopped: true, ..Summary::default() });
                }),
            ),
        ],
    )
    .interrupted_by(&interrupt)
    .run();
    assert_eq!(numbers(&ran.totals), [(Status::Stopped, 3)]);
    assert_eq!(*ran.ending("web2"), Ending::NotBegun);
    ran.when("web1 hears Stop");
    ran.when("web3 hears Stop");
    assert!(!ran.log.iter().any(|entry| entry.ends_with("hears Leave")));
}

#[test]
fn hosts_that_have_had_no_turn_are_not_begun_after_an_interrupt() {
    let interrupt = watch::Sender::new(None);
    let ctrl_c = interrupt.clone();
    let first = agent(|mut agent| async move {
        agent.hello();
        ctrl_c.send_replace(Some(Urgency::AfterTask));
        agent.hear().await;
        agent.done(Summary { stopped: true, ..Summary::default() });
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
        agent.ready(Vec::new());
        assert!(agent.left().await);
        agent.begun(2);
        ctrl_c.send_replace(Some(Urgency::AfterTask));
        agent.hear().await;
        // Does not stop, so once more.
        ctrl_c.send_replace(Some(Urgency::AtOnce));
        assert!(agent.hear().await.is_none());
    });
    let ran = Trial::new(Mode::Apply, vec![("web1", stubborn)]).interrupted_by(&interrupt).run();
    let help =
        "the agent ends by itself, and the task at hand may be left half done; `check` shows how far it came";
    assert_eq!(ran.failure("web1"), ("interrupted", Some(help), Some("service app".to_owned())));
}
