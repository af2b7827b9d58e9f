//! A secret's value is put wherever an agent can put it, and searched for wherever it could come out.

use paracrine_model::protocol::{
    Difference, Failure, Looking, Mode, OldContent, Outcome, Report as TaskReport, Summary, Told,
};

use super::connection::OpenError;
use super::fake::{Fake, Ran, Trial, agent, refused};
use crate::report::{Json, Lines, Report, Terminal};
use crate::testing::Paper;

/// What [`Trial`] gives as the value of every secret.
const POISON: &str = "p0ison-value";

/// All that all reports write about a run.
fn written(ran: &Ran) -> String {
    let paper = Paper::default();
    let mut reports: [Box<dyn Report>; 4] = [
        Box::new(Terminal::new(paper.clone(), false)),
        Box::new(Terminal::new(paper.clone(), true)),
        Box::new(Json::new(paper.clone())),
        Box::new(Lines::new(paper.clone())),
    ];
    for event in &ran.events {
        reports.iter_mut().for_each(|report| report.event(event));
    }
    paper.text()
}

/// A run whose agents say `word` wherever they can.
fn talkative(mode: Mode, word: &'static str) -> Ran {
    let w = move || format!("it is {word}!");
    let failure = move || Failure::new(w()).output(w()).help(w());
    let differences = move || {
        vec![
            Difference::Remove { what: w() },
            Difference::Attribute { name: w(), before: Some(w()), after: w() },
            Difference::Content { before: OldContent::Text(w()) },
            Difference::Action { verb: w(), because: w() },
        ]
    };
    let says = agent(move |mut agent| async move {
        agent.hello();
        agent.tell(Told::Notice(w()));
        if mode == Mode::Apply {
            agent.say(&Looking::Waiting { holder: w() });
            agent.ready(Vec::new());
            assert!(agent.left().await);
        }
        let outcomes = [Outcome::Changed, Outcome::MayChange { because: w() }, Outcome::Failed(failure())];
        for (outcome, task) in outcomes.into_iter().zip(0..) {
            let report = TaskReport { task, outcome, differences: differences(), microseconds: 1 };
            agent.report(report);
        }
        agent.done(Summary { changed: 1, may_change: 1, failed: 1, ..Summary::default() });
    });
    let lost = agent(move |agent| async move { agent.hello() });
    let error = |unreachable| Fake::Error(OpenError { unreachable, failure: failure() });
    let mut hosts = vec![("a", says), ("b", lost), ("c", error(true)), ("d", error(false))];
    if mode == Mode::Check {
        // In an apply it would keep all others from saying anything.
        hosts.push(("e", refused(word)));
    }
    Trial::new(mode, hosts).run()
}

#[test]
fn no_report_has_the_value_of_a_secret() {
    for mode in [Mode::Check, Mode::Apply] {
        let ran = talkative(mode, POISON);
        assert!(!format!("{:?}", ran.events).contains("p0ison"), "{:#?}", ran.events);
        let written = written(&ran);
        assert!(!written.contains("p0ison"), "{written}");
        assert!(written.contains("‹secret POISON›"));
    }
    let ran = Trial::new(Mode::Apply, vec![("a", refused("it is p0ison-value!"))]).run();
    assert_eq!(ran.totals.refused, ["a: it is ‹secret POISON›!"]);
}

/// The search finds what is there to be found.
#[test]
fn a_word_that_is_no_secret_comes_through() {
    for mode in [Mode::Check, Mode::Apply] {
        let written = written(&talkative(mode, "p0ison-of-nobody"));
        assert!(written.matches("p0ison-of-nobody").count() > 20, "{written}");
    }
}
