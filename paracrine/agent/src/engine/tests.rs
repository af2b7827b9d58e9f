//! Whole runs below a temporary root, against a controller that is a struct.

use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use paracrine_model::content::Blobs;
use paracrine_model::hash::Hash;
use paracrine_model::plan::Plan;
use paracrine_model::protocol::{Contents, Difference, FromAgent, Mode, Outcome, Report, Summary, WireTask};
use paracrine_model::text::LateValues;

use super::{Engine, Setup};
use crate::journal::Journal;
use crate::port::{Ending, Port};
use crate::receipt::Receipt;
use crate::world::World;
use crate::world::paths::suite::about;

/// A machine below a temporary root, and a controller for it.
struct Bench {
    folder: tempfile::TempDir,
    blobs: Blobs,
}

/// What the controller saw.
#[derive(Default)]
struct Controller {
    blobs: Blobs,
    said: Vec<FromAgent>,
    /// Is gone when asked to let the run go on.
    vanishes: bool,
    /// Stops the run once so many tasks have begun.
    stops_after: Option<usize>,
}

impl Port for Controller {
    fn say(&mut self, message: FromAgent) {
        self.said.push(message);
    }

    fn wait_for_go(&mut self) -> Result<Contents, Ending> {
        if self.vanishes {
            return Err(Ending::Gone);
        }
        let lacking = self.said.iter().rev().find_map(|message| match message {
            FromAgent::Ready { lacking } | FromAgent::Lacking(lacking) => Some(lacking.clone()),
            _ => None,
        });
        Ok(pack(&self.blobs, &lacking.unwrap()))
    }

    fn ending(&mut self) -> Option<Ending> {
        let begun = self.said.iter().filter(|message| matches!(message, FromAgent::Begun { .. })).count();
        self.stops_after.filter(|after| begun >= *after).map(|_| Ending::Stopped)
    }
}

fn pack(blobs: &Blobs, lacking: &[Hash]) -> Contents {
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut index = Vec::new();
    for hash in lacking {
        let bytes = blobs.get(hash).unwrap();
        deflate.write_all(&bytes).unwrap();
        index.push((*hash, bytes.len() as u64));
    }
    Contents { index, deflated: deflate.finish().unwrap() }
}

struct Ran {
    summary: Summary,
    said: Vec<FromAgent>,
}

impl Ran {
    fn reports(&self) -> Vec<&Report> {
        let reports = self.said.iter().filter_map(|message| match message {
            FromAgent::Report(report) => Some(report),
            _ => None,
        });
        reports.collect()
    }

    fn lacking(&self) -> Option<usize> {
        self.said.iter().find_map(|message| match message {
            FromAgent::Ready { lacking } => Some(lacking.len()),
            _ => None,
        })
    }
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("root/etc")).unwrap();
        let own = rustix::process::getuid().as_raw();
        let group = rustix::process::getgid().as_raw();
        fs::write(folder.path().join("root/etc/passwd"), format!("root:x:{own}:{group}::/:/bin/sh\n"))
            .unwrap();
        fs::write(folder.path().join("root/etc/group"), format!("root:x:{group}:\n")).unwrap();
        Self { folder, blobs: Blobs::default() }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn tasks(&self, declare: impl Fn(&Plan)) -> Vec<WireTask> {
        let plan = Plan::new(self.blobs.clone());
        declare(&plan);
        let (plan, problems) = plan.finish();
        assert!(problems.is_empty(), "{problems:?}");
        plan.tasks
            .into_iter()
            .map(|task| WireTask { resource: task.resource, triggers: task.triggers })
            .collect()
    }

    fn run(&self, mode: Mode, declare: impl Fn(&Plan)) -> Ran {
        self.run_with(mode, Controller::default(), declare)
    }

    fn run_with(&self, mode: Mode, controller: Controller, declare: impl Fn(&Plan)) -> Ran {
        let tasks = self.tasks(declare);
        let port = Rc::new(RefCell::new(Controller { blobs: self.blobs.clone(), ..controller }));
        let world = World::new(self.root(), LateValues::default(), |hash| panic!("asked for {hash}"));
        let setup = Setup {
            mode,
            tasks: &tasks,
            world,
            journal: Journal::open(&self.state()).unwrap(),
            receipt: Some(Receipt::new(self.state(), about("run"))).filter(|_| mode == Mode::Apply),
            lock: None,
            identity: "site/dev/web1".into(),
            holder: "ann@laptop".into(),
            port: Rc::clone(&port),
        };
        let summary = Engine::new(setup).run().unwrap();
        Ran { summary, said: std::mem::take(&mut port.borrow_mut().said) }
    }

    fn debts(&self) -> Vec<String> {
        let journal = Journal::open(&self.state()).unwrap();
        journal.debts().iter().map(|debt| format!("{} owes {}", debt.task, debt.action)).collect()
    }
}

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
    let before = tree(&bench.root());
    let check = bench.run(Mode::Check, two_files);
    assert_eq!(tree(&bench.root()), before);
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
    let before = tree(&bench.root());
    let ran = bench.run_with(Mode::Apply, Controller { vanishes: true, ..Controller::default() }, two_files);
    assert_eq!((ran.summary.changed, ran.summary.skipped, ran.summary.stopped), (0, 3, true));
    assert_eq!(tree(&bench.root()), before);
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
        plan.command("true").named("once").only_if(&format!("echo asked >> {}", log.display()));
    });
    assert_eq!(ran.summary.changed, 1);
    assert_eq!(fs::read_to_string(&log).unwrap(), "asked\n");
}
