use std::fs;
use std::path::{Path, PathBuf};

use paracrine_model::hash::Hash;
use paracrine_model::late::{Late, Signal};
use paracrine_model::plan::{Plan, TaskRef};
use paracrine_model::protocol::{Difference, Failure, Mode, Outcome, Summary};
use paracrine_model::text::Text;

use super::bench::{Bench, Controller, Ran, Said};

fn two_files(plan: &Plan) {
    plan.directory("/srv");
    plan.file("/srv/one", "one\n");
    plan.file("/srv/two", "two\n");
}

fn tree(root: &Path) -> Vec<(PathBuf, Option<String>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path.clone());
            }
            found.push((path.clone(), fs::read_to_string(&path).ok()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_check_says_what_apply_does_and_touches_nothing() {
    let bench = Bench::new();
    let before = tree(bench.root());
    let check = bench.run(Mode::Check, two_files);
    assert_eq!(tree(bench.root()), before);
    let apply = bench.run(Mode::Apply, two_files);
    let said = |ran: &Ran| -> Vec<_> {
        ran.reports()
            .iter()
            .map(|report| (report.task, report.outcome.clone(), report.differences.clone()))
            .collect()
    };
    assert_eq!(said(&check), said(&apply));
    assert_eq!(apply.summary.changed, 3);
    assert_eq!(fs::read_to_string(bench.root().join("srv/two")).unwrap(), "two\n");
}

#[test]
fn a_run_without_changes_never_asks_to_go() {
    let bench = Bench::new();
    bench.run(Mode::Apply, two_files);
    let again = bench.run(Mode::Apply, two_files);
    assert_eq!(again.said, []);
    assert_eq!(again.summary, Summary { unchanged: 3, ..Summary::default() });
}

#[test]
fn contents_that_are_there_do_not_travel() {
    let bench = Bench::new();
    assert_eq!(bench.run(Mode::Apply, two_files).lacking(), Some(2));
    fs::write(bench.root().join("srv/two"), "by hand\n").unwrap();
    assert_eq!(bench.run(Mode::Apply, two_files).lacking(), Some(1));
}

#[test]
fn drift_is_shown_and_mended() {
    let bench = Bench::new();
    bench.run(Mode::Apply, two_files);
    fs::remove_file(bench.root().join("srv/one")).unwrap();
    let check = bench.run(Mode::Check, two_files);
    assert_eq!((check.summary.changed, check.summary.unchanged), (1, 2));
    bench.run(Mode::Apply, two_files);
    assert_eq!(fs::read_to_string(bench.root().join("srv/one")).unwrap(), "one\n");
}

#[test]
fn a_failed_task_stops_its_host_in_check_and_apply() {
    let bench = Bench::new();
    let declare = |plan: &Plan| {
        plan.file("/etc/first", "");
        plan.file("/nowhere/second", "");
        plan.file("/etc/third", "");
    };
    for mode in [Mode::Check, Mode::Apply] {
        let ran = bench.run(mode, declare);
        assert_eq!((ran.summary.changed, ran.summary.failed, ran.summary.skipped), (1, 1, 1), "{mode:?}");
        assert!(matches!(ran.reports()[1].outcome, Outcome::Failed(_)));
    }
    assert!(!bench.root().join("etc/third").exists());
}

#[test]
fn a_controller_that_vanishes_before_the_first_change_changes_nothing() {
    let bench = Bench::new();
    let before = tree(bench.root());
    let ran = bench.run_with(Mode::Apply, Controller { vanishes: true, ..Controller::default() }, two_files);
    assert_eq!((ran.summary.changed, ran.summary.skipped, ran.summary.stopped), (0, 3, true));
    assert_eq!(tree(bench.root()), before);
}

#[test]
fn a_stop_is_heeded_after_the_task_at_hand() {
    let bench = Bench::new();
    let ran =
        bench.run_with(Mode::Apply, Controller { stops_after: Some(1), ..Controller::default() }, two_files);
    assert_eq!((ran.summary.changed, ran.summary.skipped, ran.summary.stopped), (1, 2, true));
    assert!(bench.root().join("srv").exists() && !bench.root().join("srv/one").exists());
}

#[test]
fn a_trigger_acts_when_its_cause_changes_and_only_then() {
    let bench = Bench::new();
    let log = bench.log();
    let declare = |plan: &Plan| {
        let conf = plan.file("/etc/conf", "x\n");
        plan.command(format!("echo ran >> {}", log.display())).named("note it").run_on(&conf);
    };
    let check = bench.run(Mode::Check, declare);
    assert_eq!(
        check.reports()[1].differences,
        [Difference::Action { verb: "run".into(), because: "file /etc/conf".into() }]
    );
    bench.run(Mode::Apply, declare);
    bench.run(Mode::Apply, declare);
    assert_eq!(fs::read_to_string(&log).unwrap(), "ran\n");
}

#[test]
fn what_a_dead_run_owes_is_shown_by_the_next_check_and_paid_by_the_next_apply() {
    let bench = Bench::new();
    let log = bench.log();
    let declare = |plan: &Plan| {
        let conf = plan.file("/etc/conf", "x\n");
        plan.file("/nowhere/fails", "");
        plan.command(format!("echo ran >> {}", log.display())).named("note it").run_on(&conf);
    };
    bench.run(Mode::Apply, declare);
    assert_eq!(bench.debts(), ["command note it owes run"]);

    fs::create_dir(bench.root().join("nowhere")).unwrap();
    bench.run(Mode::Apply, |plan| {
        plan.file("/nowhere/fails", "");
    });
    assert_eq!(bench.debts(), [] as [&str; 0], "a debt of a task that has left the plan is forgotten");

    fs::remove_file(bench.root().join("etc/conf")).unwrap();
    fs::remove_dir_all(bench.root().join("nowhere")).unwrap();
    bench.run(Mode::Apply, declare);
    fs::create_dir(bench.root().join("nowhere")).unwrap();
    let check = bench.run(Mode::Check, declare);
    let last = check.reports().last().unwrap().differences.clone();
    let because = "file /etc/conf, owed from an earlier run".into();
    assert_eq!(last, [Difference::Action { verb: "run".into(), because }]);
    bench.run(Mode::Apply, declare);
    assert_eq!((fs::read_to_string(&log).unwrap().as_str(), bench.debts()), ("ran\n", vec![]));
}

/// Leaves a debt of `command note it`, for a change of `/etc/conf`.
fn indebted(bench: &Bench) {
    let log = bench.log();
    bench.run(Mode::Apply, |plan| {
        let conf = plan.file("/etc/conf", "x\n");
        plan.file("/nowhere/fails", "");
        plan.command(format!("echo old >> {}", log.display())).named("note it").run_on(&conf);
    });
    assert_eq!(bench.debts(), ["command note it owes run"]);
}

#[test]
fn what_the_plan_no_longer_asks_for_is_said_and_forgotten() {
    let forgotten = |declare: &dyn Fn(&Plan, &str)| -> Vec<String> {
        let bench = Bench::new();
        indebted(&bench);
        let log = bench.log().display().to_string();
        let notices = |ran: Ran| -> Vec<String> {
            let notices = ran.said.into_iter().filter_map(|said| match said {
                Said::Notice(text) => Some(text),
                _ => None,
            });
            notices.collect()
        };
        let mut said = notices(bench.run(Mode::Check, |plan| declare(plan, &log)));
        assert_eq!(bench.debts(), ["command note it owes run"], "a check forgets nothing");
        said.extend(notices(bench.run(Mode::Apply, |plan| declare(plan, &log))));
        assert_eq!(bench.debts(), [] as [&str; 0]);
        said.extend(fs::read_to_string(bench.log()).ok());
        said
    };
    let owes = "command note it still owes a run (file /etc/conf changed in an earlier run), but";
    let gone =
        |why: &str| vec![format!("{owes} {why}: apply will forget it"), format!("{owes} {why}: forgotten")];
    // The trigger is gone, though its cause and the command are there.
    assert_eq!(
        forgotten(&|plan, log| {
            plan.file("/etc/conf", "x\n");
            plan.command(format!("echo new >> {log}")).named("note it").creates("/etc/passwd");
        }),
        gone("the plan no longer asks for it")
    );
    // Another cause has it run now.
    assert_eq!(
        forgotten(&|plan, log| {
            plan.file("/etc/conf", "x\n");
            let other = plan.file("/etc/other", "x\n");
            plan.command(format!("echo new >> {log}")).named("note it").run_on(&other);
        })[..2],
        gone("the plan no longer asks for it")
    );
    // Renamed: it is another one.
    assert_eq!(
        forgotten(&|plan, log| {
            let conf = plan.file("/etc/conf", "x\n");
            plan.command(format!("echo new >> {log}")).named("note that").run_on(&conf);
        }),
        gone("is no longer in the plan")
    );
    // As it is now, not as it was.
    assert_eq!(
        forgotten(&|plan, log| {
            let conf = plan.file("/etc/conf", "x\n");
            plan.command(format!("echo new >> {log}")).named("note it").run_on(&conf);
        }),
        ["new\n"]
    );
    // What changed has left the plan; it has changed all the same.
    assert_eq!(
        forgotten(&|plan, log| {
            let other = plan.file("/etc/other", "x\n");
            plan.command(format!("echo new >> {log}")).named("note it").run_on(&other);
        }),
        ["new\n"]
    );
}

#[test]
fn only_what_changed_owes_something() {
    let owed = |first: &dyn Fn(&Plan) -> TaskRef| {
        let bench = Bench::new();
        let ran = bench.run(Mode::Apply, |plan| {
            let first = first(plan);
            plan.command("true").named("note it").run_on(&first);
        });
        assert_eq!(ran.summary.failed, 1, "{:?}", ran.said);
        bench.debts()
    };
    assert_eq!(owed(&|plan| plan.file("/etc/conf", "x\n").validate("test -z {}").task()), [] as [&str; 0]);
    // Nobody knows how far it got.
    assert_eq!(
        owed(&|plan| plan.command("false").named("fail").only_if("true").task()),
        ["command note it owes run"]
    );
}

#[test]
fn a_debt_of_an_earlier_run_outlives_a_change_that_fails() {
    let bench = Bench::new();
    indebted(&bench);
    bench.run(Mode::Apply, |plan| {
        let conf = plan.file("/etc/conf", "y\n").validate("test -z {}");
        plan.command("true").named("note it").run_on(&conf);
    });
    assert_eq!(bench.debts(), ["command note it owes run"]);
}

#[test]
fn what_changes_while_it_is_applied_has_failed() {
    let bench = Bench::new();
    let ran = bench.run(Mode::Apply, |plan| {
        plan.command("true").named("do nothing").creates("/etc/never");
    });
    let Outcome::Failed(failure) = &ran.reports()[0].outcome else { panic!("{:?}", ran.said) };
    assert!(failure.message.contains("/etc/never") || failure.message.contains("still differs"), "{failure}");
}

#[test]
fn guards_are_asked_once_where_a_trigger_may_come_and_never_where_one_does() {
    let bench = Bench::new();
    let log = bench.log();
    let guard = format!("echo asked >> {}; false", log.display());
    let check = bench.run(Mode::Check, |plan| {
        let maker = plan.command("true").named("maker").only_if("true");
        plan.command("true").named("guarded").only_if(&guard).run_on(&maker);
    });
    assert_eq!(check.reports()[1].outcome, Outcome::Changed);
    assert!(!log.exists());

    let check = bench.run(Mode::Check, |plan| {
        plan.command("true").named("maker").only_if("true");
        let doubtful = plan.command("true").named("doubtful").only_if("test -e /nonexistent/x");
        plan.command("true").named("guarded").only_if(&guard).run_on(&doubtful);
    });
    assert!(matches!(check.reports()[2].outcome, Outcome::MayChange { .. }));
    assert_eq!(fs::read_to_string(&log).unwrap(), "asked\n");
}

#[test]
fn what_an_apply_observed_is_what_it_applies() {
    let bench = Bench::new();
    let log = bench.log();
    let ran = bench.run(Mode::Apply, |plan| {
        plan.command("true").named("once").only_if(format!("echo asked >> {}", log.display()));
    });
    assert_eq!(ran.summary.changed, 1);
    assert_eq!(fs::read_to_string(&log).unwrap(), "asked\n");
}

/// The public key of db1, which is not known before db1 is applied.
fn public_key() -> Late {
    Late::Signal(Signal { name: "wg_pub".into(), host: "db1".into(), secret: false })
}

fn peer(plan: &Plan) {
    let mut text = Text::from("PublicKey = ");
    text.push_late(public_key());
    plan.file("/etc/wg", text);
    plan.file("/etc/after", "after\n");
}

#[test]
fn a_check_says_may_change_where_a_value_is_not_known_yet() {
    let mut bench = Bench::new();
    bench.values.insert_unknown(public_key());
    fs::write(bench.root().join("etc/wg"), "PublicKey = abc").unwrap();
    let check = bench.run(Mode::Check, peer);
    let because = "‹wg_pub of db1› is known after apply".to_owned();
    assert_eq!(check.reports()[0].outcome, Outcome::MayChange { because });
    assert_eq!(check.summary, Summary { changed: 1, may_change: 1, ..Summary::default() });
}

#[test]
fn an_apply_does_nothing_with_a_value_that_is_not_known_yet() {
    for before in [None, Some("PublicKey = abc"), Some("other")] {
        let mut bench = Bench::new();
        bench.values.insert_unknown(public_key());
        if let Some(before) = before {
            fs::write(bench.root().join("etc/wg"), before).unwrap();
        }
        let was = tree(bench.root());
        let apply = bench.run(Mode::Apply, peer);
        let failure = Failure::new("the value of ‹wg_pub of db1› is not known yet")
            .help("apply db1 before, or together with this host");
        assert_eq!(apply.reports()[0].outcome, Outcome::Failed(failure));
        assert_eq!(apply.summary, Summary { failed: 1, skipped: 1, ..Summary::default() });
        assert_eq!(tree(bench.root()), was);
        // Nothing was at hand to be changed, so nobody was asked to let it.
        assert_eq!(apply.lacking(), None);
    }
}

#[test]
fn a_command_that_has_nothing_to_do_waits_for_no_value() {
    let mut bench = Bench::new();
    bench.values.insert_unknown(public_key());
    let mut script = Text::from("wg set wg0 peer ");
    script.push_late(public_key());
    let apply = bench.run(Mode::Apply, |plan| {
        plan.command(script.clone()).creates("/etc/passwd");
    });
    assert_eq!(apply.said, []);
}

#[test]
fn a_value_that_arrives_between_two_tasks_counts_from_the_next_on() {
    let mut bench = Bench::new();
    bench.values.insert_unknown(public_key());
    let mut controller = Controller::default();
    controller.learns.insert(public_key(), "abc".into());
    let apply = bench.run_with(Mode::Apply, controller, |plan| {
        plan.file("/etc/before", "before\n");
        peer(plan);
    });
    assert_eq!(apply.summary, Summary { changed: 3, ..Summary::default() });
    assert_eq!(fs::read_to_string(bench.root().join("etc/wg")).unwrap(), "PublicKey = abc");
}

/// So long that it is written as it comes.
fn long() -> String {
    "0123456789abcdef".repeat(20_000)
}

#[test]
fn a_long_content_is_asked_for_at_its_turn_and_written_as_it_comes() {
    let bench = Bench::new();
    let declare = |plan: &Plan| {
        plan.file("/etc/short", "short");
        plan.file("/etc/long", long());
    };
    let ran = bench.run(Mode::Apply, declare);
    assert_eq!((ran.lacking(), ran.summary.changed), (Some(1), 2));
    let asked: Vec<_> = ran.said.iter().filter(|said| matches!(said, Said::Lacking(_))).collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(fs::read_to_string(bench.root().join("etc/long")).unwrap(), long());
    assert_eq!(bench.run(Mode::Check, declare).summary.unchanged, 2);
}

#[test]
fn a_content_that_does_not_come_ends_the_run_and_leaves_nothing() {
    let bench = Bench::new();
    let declare = |plan: &Plan| {
        plan.file("/etc/short", "short");
        plan.file("/etc/long", long());
        plan.file("/etc/after", "after");
    };
    let vanishes_before = Some(Hash::of(long().as_bytes()));
    let ran = bench.run_with(Mode::Apply, Controller { vanishes_before, ..Controller::default() }, declare);
    assert_eq!(ran.summary, Summary { changed: 1, skipped: 2, stopped: true, ..Summary::default() });
    let mut left: Vec<_> = fs::read_dir(bench.root().join("etc"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["group", "passwd", "short"]);
}

#[test]
fn many_files_are_made_as_one_would_be() {
    let bench = Bench::new();
    let declare = |plan: &Plan| {
        for directory in 0..5 {
            plan.directory(format!("/srv{directory}"));
            for file in 0..60 {
                plan.file(format!("/srv{directory}/{file}"), format!("{directory} {file}\n")).mode(0o640);
            }
            plan.link(format!("/srv{directory}/link"), "0");
        }
    };
    let ran = bench.run(Mode::Apply, declare);
    assert_eq!((ran.summary.changed, ran.summary.failed), (310, 0));
    assert_eq!(bench.run(Mode::Apply, declare).summary.unchanged, 310);
    assert_eq!(tree(bench.root()).len(), 310 + 3, "nothing is left beside them");
    assert_eq!(fs::read_to_string(bench.root().join("srv4/59")).unwrap(), "4 59\n");
}

#[test]
fn a_failure_among_many_leaves_those_before_it_and_nothing_of_those_after() {
    let bench = Bench::new();
    let ran = bench.run(Mode::Apply, |plan| {
        for file in 0..40 {
            let directory = if file == 20 { "/nowhere" } else { "/etc" };
            plan.file(format!("{directory}/{file}"), format!("{file}\n"));
        }
    });
    assert_eq!((ran.summary.changed, ran.summary.failed, ran.summary.skipped), (20, 1, 19));
    assert_eq!(fs::read_dir(bench.root().join("etc")).unwrap().count(), 20 + 2);
}
