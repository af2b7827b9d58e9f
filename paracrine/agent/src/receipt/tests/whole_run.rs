//! What whole runs say in their receipts.

use std::fs;

use paracrine_model::late::LateValues;
use paracrine_model::plan::Plan;
use paracrine_model::protocol::Mode;
use paracrine_model::receipt::{Declared, Differed, Ended, TaskBefore, Undo, Was};
use paracrine_model::text::Text;

use crate::engine::bench::{Bench, Said};
use crate::journal::Journal;
use crate::receipt::Receipt;
use crate::receipt::read::{Receipts, Step, Told};
use crate::world::paths::suite::{about, secret};

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

/// All files on the machine, and beside it, that hold a word.
fn holding(bench: &Bench, word: &str) -> Vec<String> {
    let at = bench.beside(".");
    let found = super::holding(&at, word);
    let mut names: Vec<_> =
        found.iter().map(|path| path.strip_prefix(&at).unwrap().display().to_string()).collect();
    names.sort();
    names
}

/// Every way in which a secret gets into a file, with the value that it has now.
fn with_secrets(plan: &Plan) {
    let mut text = Text::default();
    text.push_late(secret("TOKEN"));
    plan.file("/etc/closed", text.clone()).mode(0o600);
    plan.file("/etc/open", text.clone()).mode(0o644);
    plan.directory("/srv").mode(0o700);
    plan.file("/srv/env", text).mode(0o644);
}

fn rotated(bench: &mut Bench, value: &str) {
    let mut values = LateValues::default();
    values.insert(secret("TOKEN"), value.into());
    bench.values = values;
}

#[test]
fn a_rotation_leaves_the_old_secret_nowhere_but_in_the_last_run() {
    let mut bench = Bench::new();
    rotated(&mut bench, "poison-one");
    bench.run(Mode::Apply, with_secrets);
    let places = ["./root/etc/closed", "./root/etc/open", "./root/srv/env"];
    let places = places.map(|place| place.trim_start_matches("./").to_owned());
    assert_eq!(holding(&bench, "poison-one"), places);
    rotated(&mut bench, "poison-two");
    bench.run(Mode::Apply, with_secrets);
    assert_eq!(holding(&bench, "poison-two"), places);
    // What a rollback of this run needs.
    let run = bench.state().join("runs/run.2/secrets");
    let kept = format!("state/{}", run.strip_prefix(bench.state()).unwrap().display());
    assert_eq!(holding(&bench, "poison-one"), [kept.as_str()]);
    // A check is no run that counts.
    bench.run(Mode::Check, with_secrets);
    assert_eq!(holding(&bench, "poison-one"), [kept.as_str()]);
    bench.run(Mode::Apply, with_secrets);
    assert_eq!(holding(&bench, "poison-one"), [] as [&str; 0], "nothing has changed");

    // Runs that fail, before and after they have changed something; plans that know nothing of it; removals.
    rotated(&mut bench, "poison-three");
    let fails_late = |plan: &Plan| {
        with_secrets(plan);
        plan.file("/nowhere/fails", "");
    };
    bench.run(Mode::Apply, fails_late);
    assert_eq!(holding(&bench, "poison-two").len(), 1);
    bench.run(Mode::Apply, |plan| {
        plan.file("/nowhere/fails", "");
        with_secrets(plan);
    });
    assert_eq!(holding(&bench, "poison-two"), [] as [&str; 0]);
    bench.run(Mode::Apply, |plan| {
        plan.absent("/etc/closed");
        plan.file("/etc/open", "nothing secret any more\n").mode(0o644);
    });
    assert_eq!(holding(&bench, "poison-three").len(), 2, "the last run, and a file that is as it was");
    bench.run(Mode::Apply, |plan| {
        plan.file("/etc/other", "x\n");
    });
    assert_eq!(holding(&bench, "poison-three"), places[2..]);
    assert_eq!(holding(&bench, "poison-"), places[2..]);
}

#[test]
fn what_a_killed_run_has_left_beside_its_place_is_removed_by_the_next() {
    let bench = Bench::new();
    let etc = bench.root().join("etc");
    let left = etc.join(".gone.paracrine-0123456789abcdef");
    let others = etc.join(".gone.paracrine-fedcba9876543210");
    let cut_off = || {
        let mut journal = Journal::open(&bench.state()).unwrap();
        journal.begin("site/dev/web1", "ann@laptop");
        journal.write().unwrap();
        let mut receipt = Receipt::new(bench.state(), about("cut"));
        for path in [&left, &etc.join("precious"), &etc.join(".dir.paracrine-0123456789abcdef")] {
            let name = path.file_name().unwrap().to_str().unwrap();
            receipt.beside(&format!("/etc/{name}")).unwrap();
        }
        fs::write(&left, "half a secret").unwrap();
    };
    fs::write(&others, "not known to be ours").unwrap();
    fs::write(etc.join("precious"), "").unwrap();
    fs::create_dir(etc.join(".dir.paracrine-0123456789abcdef")).unwrap();
    bench.run(Mode::Apply, |_| {});
    // A file of the same name is nothing to a run after one that came to its end.
    cut_off();
    assert!(left.exists());
    bench.run(Mode::Check, |_| {});
    assert!(left.exists(), "a check touches nothing");
    let ran = bench.run(Mode::Apply, |_| {});
    let notice = "removed a file that the run that was cut off had left half-written";
    assert_eq!(ran.said, [Said::Notice(notice.into())]);
    assert!(!left.exists());
    assert!(others.exists() && etc.join("precious").exists());
    assert!(etc.join(".dir.paracrine-0123456789abcdef").exists());
    assert_eq!(bench.run(Mode::Apply, |_| {}).said, [], "it is over");
}
