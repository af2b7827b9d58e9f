use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use paracrine_model::plan::Plan;
use paracrine_model::protocol::{Difference, Failure, Mode, OldContent, Outcome, Summary};

use crate::engine::bench::{Bench, Controller, Ran, Said};
use crate::suite::stand_ins;

/// What was said in the closing look, by the places of the tasks.
fn undone(ran: &Ran) -> Vec<(u32, Failure)> {
    let at = ran.said.iter().position(|said| *said == Said::ClosingLook).expect("there is a closing look");
    let failed = |said: &Said| match said {
        Said::Report(report) => match &report.outcome {
            Outcome::Failed(failure) => Some((report.task, failure.clone())),
            other => panic!("{other:?} in the closing look"),
        },
        _ => None,
    };
    ran.said[at..].iter().filter_map(failed).collect()
}

fn failure(message: &str, help: &str) -> Failure {
    Failure::new(message).help(help)
}

#[test]
fn a_file_that_a_later_command_removes_has_failed() {
    let bench = Bench::new();
    let a = bench.root().join("etc/a");
    let declare = |plan: &Plan| {
        plan.file("/etc/a", "x\n");
        plan.file("/etc/c", "x\n");
        let script = format!("rm -f {}; touch {}", a.display(), bench.root().join("etc/b").display());
        plan.command(script).named("clean up").creates("/etc/b");
        plan.file("/etc/d", "x\n");
    };
    let ran = bench.run(Mode::Apply, declare);
    let expected = failure(
        "it was made, and undone by command `clean up`: it is not there",
        "both cannot be: let command `clean up` leave it as it is, or declare it as that makes it",
    );
    assert_eq!(undone(&ran), [(0, expected)]);
    assert_eq!(ran.summary, Summary { changed: 3, failed: 1, ..Summary::default() });
    // What is not there is not shown a second time.
    assert_eq!(ran.reports().last().unwrap().differences, []);
    // It was the truth: there is something to do.
    assert_eq!(bench.run(Mode::Check, declare).summary.changed, 1);
    // Now nothing undoes it.
    let again = bench.run(Mode::Apply, declare);
    assert_eq!((undone(&again), again.summary.failed, again.summary.changed), (vec![], 0, 1));
}

#[test]
fn what_was_as_planned_and_is_no_more_has_failed_with_what_differs() {
    let bench = Bench::new();
    bench.run(Mode::Apply, |plan| {
        plan.file("/etc/a", "x\n");
    });
    let ran = bench.run(Mode::Apply, |plan| {
        plan.file("/etc/a", "x\n");
        let conf = plan.file("/etc/conf", "y\n");
        let at = bench.root().join("etc/a");
        plan.command(format!("echo z >>{}; chmod 664 {}", at.display(), at.display()))
            .named("spoil")
            .run_on(&conf);
    });
    let expected = failure(
        "it was as planned, and undone by command spoil: the content is another, mode is 0664, not 0644",
        "both cannot be: let command spoil leave it as it is, or declare it as that makes it",
    );
    assert_eq!(undone(&ran), [(0, expected)]);
    assert_eq!(ran.summary, Summary { changed: 2, failed: 1, ..Summary::default() });
    assert_eq!(
        ran.reports().last().unwrap().differences,
        [
            Difference::Content { before: OldContent::Text("x\nz\n".into()) },
            Difference::Attribute { name: "mode".into(), before: Some("0664".into()), after: "0644".into() }
        ]
    );
}

#[test]
fn all_that_may_have_undone_it_are_named_commands_first_and_no_paths_elsewhere() {
    let bench = Bench::new();
    fs::create_dir(bench.root().join("srv")).unwrap();
    let at = bench.root().join("srv/d/a");
    let ran = bench.run(Mode::Apply, |plan| {
        plan.directory("/srv/d");
        plan.file("/srv/d/a", "x\n");
        let elsewhere = plan.file("/srv/e", "x\n");
        plan.command("true").named("harmless").run_on(&elsewhere);
        plan.command(format!("rm {}", at.display())).named("harmful").run_on(&elsewhere);
        plan.command("true").named("not run").only_if("false");
    });
    let expected = failure(
        "it was made, and undone by a task after it: it is not there",
        "one of these did it: command harmless, command harmful",
    );
    assert_eq!(undone(&ran), [(1, expected)]);
}

#[test]
fn where_no_task_can_have_done_it_something_else_has() {
    let bench = Bench::new();
    let at = bench.root().join("etc/a");
    let ran = bench.run(Mode::Apply, |plan| {
        let first = plan.file("/etc/first", "x\n");
        let later = format!("(sleep 0.2; rm {}) >/dev/null 2>&1 &", at.display());
        plan.command(later).named("begin").run_on(&first);
        plan.file("/etc/a", "x\n");
        plan.file("/etc/b", "x\n").validate("sleep 0.5; test -e {}");
    });
    let expected = failure(
        "it was made, and is not so any more: it is not there",
        "no task after it can have done that: something else on the host changes it",
    );
    assert_eq!(undone(&ran), [(2, expected)]);
}

#[test]
fn guards_that_fail_again_have_failed_and_conditions_are_not_asked() {
    let bench = Bench::new();
    let (flag, log) = (bench.root().join("etc/flag"), bench.log());
    let (flag, log) = (flag.display(), log.display());
    let ran = bench.run(Mode::Apply, |plan| {
        plan.command("true").named("always").only_if(format!("echo asked >>{log}"));
        plan.command(format!("touch {flag}")).named("make").unless(format!("test -e {flag}"));
        plan.command(format!("rm {flag}")).named("break").unless(format!("! test -e {flag}"));
    });
    let expected = failure(
        &format!("it was made, and undone by command break: run is still due (`test -e {flag}` fails)"),
        "both cannot be: let command break leave it as it is, or declare it as that makes it",
    );
    assert_eq!(undone(&ran), [(1, expected)]);
    assert_eq!(fs::read_to_string(bench.log()).unwrap(), "asked\n");
}

#[test]
fn a_run_that_failed_is_looked_at_as_far_as_it_came() {
    let bench = Bench::new();
    let at = bench.root().join("etc/a");
    let ran = bench.run(Mode::Apply, |plan| {
        plan.file("/etc/a", "x\n");
        plan.command(format!("rm {}; exit 3", at.display())).named("fails").only_if("true");
        plan.file("/etc/c", "x\n");
    });
    assert_eq!(ran.summary, Summary { failed: 2, skipped: 1, ..Summary::default() });
    let [(0, found)] = &undone(&ran)[..] else { panic!("{:?}", ran.said) };
    assert_eq!(found.message, "it was made, and undone by command fails: it is not there");
}

#[test]
fn nothing_is_looked_at_where_nothing_was_made_or_the_run_was_stopped() {
    let bench = Bench::new();
    let declare = |plan: &Plan| {
        plan.file("/etc/a", "x\n");
        plan.file("/etc/b", "x\n");
    };
    let stops_after = Some(1);
    let ran = bench.run_with(Mode::Apply, Controller { stops_after, ..Controller::default() }, declare);
    assert!(ran.summary.stopped && !ran.said.contains(&Said::ClosingLook));
    let fails = |plan: &Plan| {
        plan.command("false").named("fails").only_if("true");
    };
    assert!(!bench.run(Mode::Apply, fails).said.contains(&Said::ClosingLook));
}

#[test]
fn a_stop_during_the_closing_look_says_that_it_was_not_over() {
    let bench = Bench::new();
    let controller = Controller { stops_at_the_end: true, ..Controller::default() };
    let ran = bench.run_with(Mode::Apply, controller, |plan| {
        plan.file("/etc/a", "x\n");
    });
    assert_eq!(ran.summary, Summary { changed: 1, stopped: true, ..Summary::default() });
    let notice = "stopped before the closing look was over: `check` shows whether all of it holds";
    assert_eq!(ran.said.last(), Some(&Said::Notice(notice.into())));
}

#[test]
fn one_path_by_two_spellings_of_this_host_is_refused_by_check_and_apply() {
    let bench = Bench::new();
    fs::create_dir_all(bench.root().join("data/www")).unwrap();
    symlink("data", bench.root().join("srv")).unwrap();
    for mode in [Mode::Check, Mode::Apply] {
        let ran = bench.run(mode, |plan| {
            plan.file("/srv/www/a", "one\n");
            plan.file("/data/www/a", "two\n");
        });
        let expected = failure(
            "/data/www/a is the path of file /srv/www/a as well: on this host both are /data/www/a",
            "a link leads from one to the other: declare it once",
        );
        assert_eq!(ran.reports()[1].outcome, Outcome::Failed(expected), "{mode:?}");
    }
    // Nor may one remove what another is about.
    bench.run(Mode::Apply, |plan| {
        plan.file("/srv/www/a", "one\n");
    });
    for mode in [Mode::Check, Mode::Apply] {
        let ran = bench.run(mode, |plan| {
            plan.file("/srv/www/a", "one\n");
            plan.absent("/data/www");
        });
        let expected = failure(
            "/data/www is on the way to file /srv/www/a, because of a link on this host",
            "both cannot be: declare one or the other",
        );
        assert_eq!(ran.reports()[0].outcome, Outcome::Failed(expected), "{mode:?}");
    }
    // Those that agree do no harm.
    let agree = |plan: &Plan| {
        plan.directory("/srv/www");
        plan.directory("/data/www");
        plan.directory("/srv/www/x");
        plan.directory("/data/www/x");
    };
    assert_eq!(
        bench.run(Mode::Apply, agree).summary,
        Summary { unchanged: 3, changed: 1, ..Summary::default() }
    );
}

/// A machine with a unit, and programs that stand for systemd.
fn with_units() -> Bench {
    let bench = Bench::new();
    stand_ins(&bench.beside("tools"));
    fs::create_dir_all(bench.root().join("etc/systemd/system")).unwrap();
    fs::create_dir_all(bench.root().join("run/systemd/shown")).unwrap();
    bench
}

const APP: &str = "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n";

/// A command that has a unit end like one whose program failed, after so many seconds.
fn dies(bench: &Bench, after: &str) -> String {
    let state = bench.root().join("run/systemd");
    let state = state.display();
    format!(
        "(sleep {after}; rm {state}/active/app.service; touch {state}/failed/app.service) >/dev/null 2>&1 &"
    )
}

#[test]
fn a_service_that_did_not_stay_has_failed() {
    let bench = with_units();
    let ran = bench.run(Mode::Apply, |plan| {
        plan.unit("app.service", APP);
        let app = plan.service("app").enabled().running();
        plan.command(dies(&bench, "0") + "\nwait").named("the end").run_on(&app);
    });
    let expected = failure(
        "app.service was started and does not run: its program ended with status 1",
        "after it came command `the end`",
    );
    assert_eq!(undone(&ran), [(1, expected)]);
    assert_eq!(ran.summary, Summary { changed: 2, failed: 1, ..Summary::default() });
}

#[test]
fn a_service_has_the_time_that_its_task_gives_it() {
    for (settled_for, failed) in [(None, 0), (Some(2), 1)] {
        let bench = with_units();
        let began = Instant::now();
        let ran = bench.run(Mode::Apply, |plan| {
            plan.unit("app.service", APP);
            let mut app = plan.service("app").running();
            if let Some(seconds) = settled_for {
                app = app.settled_for(seconds);
            }
            plan.command(dies(&bench, "0.7")).named("dies later").run_on(&app);
        });
        assert_eq!(ran.summary.failed, failed, "{:?}", ran.said);
        // One without a process of its own is not waited for unless that is asked for, and none after its end.
        let took = began.elapsed();
        assert_eq!(took > Duration::from_millis(700), settled_for.is_some(), "{took:?}");
    }
}

#[test]
fn a_service_that_systemd_had_to_start_again_has_failed() {
    let bench = with_units();
    let shown = bench.root().join("run/systemd/shown/app.service");
    let ran = bench.run(Mode::Apply, |plan| {
        plan.unit("app.service", APP);
        let app = plan.service("app").running();
        plan.command(format!("echo NRestarts=2 >{}", shown.display())).named("restarts").run_on(&app);
    });
    let [(1, found)] = &undone(&ran)[..] else { panic!("{:?}", ran.said) };
    assert_eq!(
        found.message,
        "app.service was started and does not run: it ends and is restarted again and again"
    );
}

#[test]
fn a_service_that_a_command_stops_has_failed_only_where_it_has_to_run() {
    for runs in [true, false] {
        let bench = with_units();
        let stop = format!("rm {}", bench.root().join("run/systemd/active/app.service").display());
        bench.run(Mode::Apply, |plan| {
            plan.unit("app.service", APP);
            plan.service("app").running();
        });
        let ran = bench.run(Mode::Apply, |plan| {
            let conf = plan.file("/etc/conf", "x\n");
            let app = plan.service("app").restart_on(&conf);
            let app = if runs { app.running() } else { app };
            plan.command(&*stop).named("stop").run_on(&app);
        });
        let expected = failure(
            "app.service was restarted and does not run: it is inactive (dead)",
            "after it came command stop",
        );
        let expected = if runs { vec![(1, expected)] } else { vec![] };
        assert_eq!(undone(&ran), expected);
    }
}

#[test]
fn one_unit_by_two_names_is_refused_before_any_change() {
    let contradicts = |plan: &Plan| {
        plan.file("/etc/first", "x\n");
        plan.service("ssh").enabled();
        plan.service("sshd").disabled();
    };
    let ssh = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\nAlias=sshd.service\n";
    let expected = failure(
        "ssh.service and sshd.service are one unit, and the plan wants it enabled and disabled",
        "declare it once, as `plan.service(\"ssh\")`",
    );
    // Known by its file, and where it is enabled by systemd.
    for enabled in [false, true] {
        let bench = with_units();
        fs::write(bench.root().join("etc/systemd/system/ssh.service"), ssh).unwrap();
        if enabled {
            fs::write(bench.root().join("etc/systemd/system/sshd.service"), ssh).unwrap();
            fs::write(bench.root().join("run/systemd/shown/sshd.service"), "Id=ssh.service\n").unwrap();
        }
        let check = bench.run(Mode::Check, contradicts);
        let apply = bench.run(Mode::Apply, contradicts);
        for ran in [&check, &apply] {
            let failed: Vec<_> = ran.reports().into_iter().map(|report| report.outcome.clone()).collect();
            assert!(failed.contains(&Outcome::Failed(expected.clone())), "{enabled} {failed:?}");
        }
        assert_eq!(apply.summary, Summary { failed: 1, skipped: 2, ..Summary::default() });
        assert!(!bench.root().join("etc/first").exists());

        let agree = |plan: &Plan| {
            plan.service("ssh").enabled();
            plan.service("sshd").stopped();
        };
        assert_eq!(bench.run(Mode::Check, agree).summary.failed, 0);
    }
}

#[test]
fn what_starts_a_stopped_service_is_named() {
    let bench = with_units();
    let unit = |name: &str| fs::write(bench.root().join("etc/systemd/system").join(name), APP).unwrap();
    unit("app.service");
    unit("app.socket");
    fs::write(bench.root().join("run/systemd/shown/app.service"), "TriggeredBy=app.socket\n").unwrap();
    bench.run(Mode::Apply, |plan| {
        plan.service("app").running();
        plan.service("app.socket").enabled().running();
    });
    let note = |wanted: &str, active: &str| {
        Said::Notice(format!(
            "service app is to be {wanted}, but app.socket is {active} and starts it: declare \
             `plan.service(\"app.socket\").disabled().stopped()` as well"
        ))
    };
    let stopped = |plan: &Plan| {
        plan.service("app").disabled().stopped();
    };
    let disabled = |plan: &Plan| {
        plan.service("app").disabled();
    };
    let both = |plan: &Plan| {
        plan.service("app").disabled().stopped();
        plan.service("app.socket").disabled().stopped();
    };
    let on_purpose = |plan: &Plan| {
        plan.service("app").disabled();
        plan.service("app.socket").enabled();
    };
    assert_eq!(bench.run(Mode::Check, stopped).said[1], note("stopped", "active"));
    assert_eq!(bench.run(Mode::Check, disabled).said, [note("disabled", "enabled")]);
    for silent in [both as fn(&Plan), on_purpose] {
        let ran = bench.run(Mode::Check, silent);
        assert!(!ran.said.iter().any(|said| matches!(said, Said::Notice(_))), "{:?}", ran.said);
    }
    // The socket has it run again before the run is over.
    let again = format!("touch {}", bench.root().join("run/systemd/active/app.service").display());
    let ran = bench.run(Mode::Apply, |plan| {
        let app = plan.service("app").stopped();
        plan.command(&*again).named("a connection").run_on(&app);
    });
    let expected = failure(
        "app.service was stopped and runs again: app.socket starts it",
        "declare before it `plan.service(\"app.socket\").disabled().stopped()`",
    );
    assert_eq!(undone(&ran), [(0, expected)]);
}

#[test]
fn links_follow_the_file_and_a_check_says_so() {
    let bench = with_units();
    let with = |targets: &'static str| {
        move |plan: &Plan| {
            plan.unit(
                "app.service",
                format!("[Service]\nExecStart=/bin/true\n[Install]\nWantedBy={targets}\n"),
            );
            plan.service("app").enabled();
        }
    };
    bench.run(Mode::Apply, with("multi-user.target"));
    let moved = |before: &str, after: &str| {
        [Difference::Attribute { name: "enabled".into(), before: Some(before.into()), after: after.into() }]
    };
    let (multi_user, graphical) = ("yes, wanted by multi-user.target", "yes, wanted by graphical.target");
    let both = "yes, wanted by graphical.target, wanted by multi-user.target";
    for (targets, before, after) in [
        ("graphical.target", multi_user, graphical),
        ("multi-user.target graphical.target", graphical, both),
        ("multi-user.target", both, multi_user),
    ] {
        let check = bench.run(Mode::Check, with(targets));
        assert_eq!(check.reports()[1].differences, moved(before, after));
        let apply = bench.run(Mode::Apply, with(targets));
        assert_eq!(apply.reports()[1].differences, moved(before, after));
        assert_eq!(apply.summary, Summary { changed: 2, ..Summary::default() });
        assert_eq!(bench.run(Mode::Check, with(targets)).reports().len(), 0);
    }
    // A link that a task is about is left alone.
    let linked = |plan: &Plan| {
        with("multi-user.target")(plan);
        plan.directory("/etc/systemd/system/other.target.wants");
        plan.link("/etc/systemd/system/other.target.wants/app.service", "../app.service");
    };
    assert_eq!(bench.run(Mode::Apply, linked).summary.failed, 0);
    assert_eq!(bench.run(Mode::Check, linked).reports().len(), 0);
    // A file that asks for nothing any more leaves a link that nobody wants.
    let bare = |plan: &Plan| {
        plan.unit("app.service", "[Service]\nExecStart=/bin/true\n");
        plan.service("app").enabled();
    };
    let expected = failure(
        "app.service cannot be enabled: its file has no [Install] section any more",
        "a unit without an [Install] section is started by others that need it; leave `.enabled()` out, or give its \
         file such a section",
    );
    for mode in [Mode::Check, Mode::Apply] {
        assert_eq!(
            bench.run(mode, bare).reports().last().unwrap().outcome,
            Outcome::Failed(expected.clone())
        );
    }
}
