//! What whole runs say in their receipts.

use std::fs;

use paracrine_model::plan::Plan;
use paracrine_model::protocol::Mode;
use paracrine_model::receipt::{Declared, Differed, Ended, TaskBefore, Undo, Was};

use crate::engine::bench::Bench;
use crate::receipt::read::{Receipts, Step, Told};

fn told(bench: &Bench) -> Told {
    Receipts::open(&bench.state()).unwrap().runs().unwrap().remove(0).told.unwrap()
}

#[test]
fn tasks_are_told_with_what_differed_and_how_they_can_be_undone() {
    let bench = Bench::new();
    let log = bench.log();
    let declare = |plan: &Plan| {
        plan.file("/etc/conf", "x\n");
        plan.command(format!("touch {}", log.display()))
            .named("note it")
            .unless(format!("test -e {}", log.display()));
    };
    bench.run(Mode::Apply, declare);
    let told = told(&bench);
    let file =
        TaskBefore { task: "file /etc/conf".into(), undo: Undo::Paths, differed: vec![Differed::Missing] };
    assert_eq!(told.steps[0], Step::Task(file));
    let Step::Path(path) = &told.steps[1] else { panic!("{:?}", told.steps) };
    assert_eq!((path.path.as_slice(), &path.was), (b"/etc/conf".as_slice(), &Was::Missing));
    let Step::Task(command) = &told.steps[2] else { panic!("{:?}", told.steps) };
    assert_eq!(command.undo, Undo::Not("nobody knows what a command did".into()));
    assert_eq!((told.steps.len(), told.ended), (3, Some(Ended { changed: 2, failed: 0, skipped: 0 })));
    let declared =
        Declared { task: "file /etc/conf".into(), claims: vec!["path `/etc/conf`".into()], secrets: vec![] };
    assert_eq!((told.declared.len(), &told.declared[0]), (2, &declared));
}

#[test]
fn a_run_that_changes_nothing_writes_no_receipt() {
    let bench = Bench::new();
    let declare = |plan: &Plan| {
        plan.file("/etc/conf", "x\n");
    };
    for mode in [Mode::Check, Mode::Check] {
        bench.run(mode, declare);
        assert!(!bench.state().join("runs").exists());
    }
    bench.run(Mode::Apply, declare);
    let runs = || fs::read_dir(bench.state().join("runs")).unwrap().count();
    assert_eq!(runs(), 1);
    bench.run(Mode::Apply, declare);
    assert_eq!(runs(), 1);
}

#[test]
fn a_run_that_fails_says_so_at_its_end() {
    let bench = Bench::new();
    bench.run(Mode::Apply, |plan| {
        plan.file("/etc/conf", "x\n");
        plan.file("/nowhere/fails", "");
        plan.file("/etc/later", "");
    });
    let told = told(&bench);
    assert_eq!(told.ended, Some(Ended { changed: 1, failed: 1, skipped: 1 }));
    // What was recorded ahead and not reached is nothing that has to be undone.
    assert_eq!(told.steps.len(), 2);
    assert_eq!(told.perhaps, []);
}
