mod killed;
mod undo;
mod whole_run;

pub(crate) use undo::undo;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use paracrine_model::protocol::Failure;
use paracrine_model::receipt::{Access, Declared, Ended, Kept, PathBefore, Tail, TaskBefore, Undo, Was};

use super::read::{Content, Receipts, Step, Told};
use super::{Bounds, Part, Receipt};
use crate::world::paths::suite::about;

impl Receipt {
    /// One whose contents never get to the disk.
    pub(crate) fn that_cannot_sync(mut self) -> Self {
        let file = fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
        self.begun().unwrap().contents = Some(Part { file, length: 1, synced: 0 });
        self
    }

    /// Whether all that was said so far is on disk.
    fn is_on_disk(&self) -> bool {
        let open = self.open.as_ref().unwrap();
        let parts = open.contents.iter().chain(&open.secrets).chain([&open.records]);
        parts.into_iter().all(|part| part.synced == part.length) && open.runs.is_none()
    }
}

fn state() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn before(path: &str, was: Was) -> PathBefore {
    PathBefore { path: path.into(), was }
}

const ACCESS: Access = Access { owner: 0, group: 0, mode: 0o644 };

/// A run that replaced a file; what was in it may be secret.
fn run(state: &Path, name: &str, content: &str, secret: bool) -> Kept {
    run_within(state, name, content, secret, Bounds::USUAL)
}

fn run_within(state: &Path, name: &str, content: &str, secret: bool, bounds: Bounds) -> Kept {
    let mut receipt = Receipt::new(state, about(name)).bounded(bounds);
    let kept = receipt.keep(&mut content.as_bytes(), content.len() as u64, secret).unwrap();
    let _ = receipt.path(before("/etc/x", Was::File(ACCESS, kept.clone()))).unwrap();
    receipt.end(Ended { changed: 1, failed: 0, skipped: 0 }).unwrap();
    kept
}

fn listed(state: &Path) -> Vec<String> {
    Receipts::open(state).unwrap().runs().unwrap().into_iter().map(|listed| listed.run).collect()
}

fn told(state: &Path, run: &str) -> Told {
    Receipts::open(state).unwrap().read(run).unwrap().unwrap()
}

/// All files below a directory that hold a word.
fn holding(directory: &Path, word: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, word));
        } else if fs::read(&path).unwrap().windows(word.len()).any(|part| part == word.as_bytes()) {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_receipt_without_a_record_leaves_no_trace() {
    let state = state();
    let mut receipt = Receipt::new(state.path().join("below"), about("run"));
    receipt.end(Ended { changed: 0, failed: 0, skipped: 0 }).unwrap();
    assert_eq!(fs::read_dir(state.path()).unwrap().count(), 0);
    assert_eq!(listed(&state.path().join("below")), [] as [&str; 0]);
}

#[test]
fn a_receipt_tells_what_it_was_told() {
    let state = state();
    let mut receipt = Receipt::new(state.path(), about("run"));
    let declared = vec![Declared { task: "file /etc/x".into(), claims: vec![], secrets: vec![] }];
    receipt.declares(declared.clone());
    let task = TaskBefore { task: "file /etc/x".into(), undo: Undo::Paths, differed: vec![] };
    receipt.task(task.clone()).unwrap();
    let kept = receipt.keep(&mut "old".as_bytes(), 3, false).unwrap();
    let replaced = before("/etc/x", Was::File(ACCESS, kept.clone()));
    let _ = receipt.path(replaced.clone()).unwrap();
    let late = before("/etc/y", Was::Missing);
    let place = receipt.ahead(late.clone()).unwrap();
    let never = before("/etc/z", Was::Missing);
    receipt.ahead(never.clone()).unwrap();
    let _ = receipt.sync().unwrap();
    let _ = receipt.due(place).unwrap();
    let expected = Told {
        about: paracrine_model::receipt::About { number: 1, ..about("run") },
        declared,
        steps: vec![Step::Task(task), Step::Path(replaced), Step::Path(late)],
        perhaps: vec![never],
        ended: None,
        unknown: 0,
        damaged: false,
    };
    assert_eq!(told(state.path(), "run"), expected, "before its end, what comes may have been done");
    let ended = Ended { changed: 2, failed: 0, skipped: 0 };
    receipt.end(ended).unwrap();
    assert_eq!(told(state.path(), "run"), Told { perhaps: vec![], ended: Some(ended), ..expected });
    let mut content = Vec::new();
    let receipts = Receipts::open(state.path()).unwrap();
    assert_eq!(receipts.content("run", &kept, &mut content), Ok(Content::Here));
    assert_eq!(content, b"old");
}

#[test]
fn what_allows_a_change_is_on_disk() {
    let state = state();
    let mut receipt = Receipt::new(state.path(), about("run"));
    for secret in [false, true] {
        let kept = receipt.keep(&mut "old".as_bytes(), 3, secret).unwrap();
        let _recorded = receipt.path(before("/etc/x", Was::File(ACCESS, kept))).unwrap();
        assert!(receipt.is_on_disk());
    }
    let first = receipt.ahead(before("/etc/y", Was::Missing)).unwrap();
    let _recorded = receipt.sync().unwrap();
    assert!(receipt.is_on_disk());
    // What it was is, and only the note that it is changed now is not.
    let _recorded = receipt.due(first).unwrap();
    assert!(!receipt.is_on_disk());
    // One that nobody brought to disk before.
    let second = receipt.ahead(before("/etc/z", Was::Missing)).unwrap();
    let _recorded = receipt.due(second).unwrap();
    assert!(receipt.is_on_disk());
}

#[test]
fn no_record_on_disk_names_a_content_that_is_not() {
    let state = state();
    let mut receipt = Receipt::new(state.path(), about("run")).that_cannot_sync();
    let failure = receipt.path(before("/etc/x", Was::Missing)).unwrap_err();
    let runs = state.path().join("runs");
    let message = format!("cannot write the receipt of this run below {}: invalid argument", runs.display());
    assert_eq!(failure, Failure::new(message).help("what cannot be recorded is not changed"));
    assert_eq!(receipt.open.unwrap().records.synced, 0);
}

#[test]
fn what_may_be_secret_is_kept_for_the_last_run_only() {
    let state = state();
    let kept = run(state.path(), "first", "the poison word", true);
    run(state.path(), "second", "harmless", false);
    // The search can find it.
    let third = run(state.path(), "third", "the poison word", true);
    assert_eq!(holding(state.path(), "poison"), [state.path().join("runs/third/secrets")]);
    run(state.path(), "fourth", "public", false);
    assert_eq!(holding(state.path(), "poison"), [] as [PathBuf; 0]);
    // The entries stay.
    assert_eq!(told(state.path(), "first").steps.len(), 1);
    let receipts = Receipts::open(state.path()).unwrap();
    for (run, kept) in [("first", kept), ("third", third)] {
        assert_eq!(receipts.content(run, &kept, &mut Vec::new()), Ok(Content::Dropped));
    }
    assert_eq!(holding(state.path(), "harmless"), [state.path().join("runs/second/contents")]);
}

#[test]
fn a_run_that_changes_nothing_drops_what_may_be_secret_as_well() {
    let state = state();
    let kept = run(state.path(), "first", "the poison word", true);
    fs::create_dir(state.path().join("backup")).unwrap();
    fs::write(state.path().join("backup/0123"), "the poison word").unwrap();
    assert_eq!(holding(state.path(), "poison").len(), 2, "the search can find it");
    Receipt::new(state.path(), about("second")).end(Ended { changed: 0, failed: 1, skipped: 3 }).unwrap();
    assert_eq!(holding(state.path(), "poison"), [] as [PathBuf; 0]);
    assert_eq!(listed(state.path()), ["first"]);
    let receipts = Receipts::open(state.path()).unwrap();
    assert_eq!(receipts.content("first", &kept, &mut Vec::new()), Ok(Content::Dropped));
}

#[test]
fn what_is_made_beside_its_place_is_known_until_the_run_has_ended() {
    let state = state();
    let left = || Receipts::open(state.path()).unwrap().left_beside().unwrap();
    assert_eq!(left(), [] as [&str; 0]);
    run(state.path(), "before", "x", false);
    let mut receipt = Receipt::new(state.path(), about("run"));
    receipt.beside("/etc/.x.paracrine-0123456789abcdef").unwrap();
    receipt.beside("/etc/.y.paracrine-0123456789abcdef").unwrap();
    let expected = ["/etc/.x.paracrine-0123456789abcdef", "/etc/.y.paracrine-0123456789abcdef"];
    assert_eq!(left(), expected);
    // Another run that was cut off, and one that is no receipt.
    let mut other = Receipt::new(state.path(), about("other"));
    other.beside("/srv/.z.paracrine-0123456789abcdef").unwrap();
    drop(other);
    fs::write(state.path().join("runs/garbage"), "").unwrap();
    assert_eq!(left().len(), 3);
    receipt.end(Ended { changed: 1, failed: 0, skipped: 0 }).unwrap();
    assert_eq!(left(), ["/srv/.z.paracrine-0123456789abcdef"]);
    // Whoever reads what a run has changed is told nothing of it.
    assert_eq!(told(state.path(), "run").steps, []);
    assert_eq!(told(state.path(), "run").unknown, 0);
}

#[test]
fn what_an_earlier_plan_called_secret_stays_so() {
    let state = state();
    let mut first = Receipt::new(state.path(), about("first"));
    let secrets = vec!["/etc/env".to_owned()];
    first.declares(vec![Declared { task: "file /etc/env".into(), claims: vec![], secrets }]);
    assert_eq!(first.holds_secrets("/etc/env"), Ok(true));
    let _ = first.path(before("/etc/env", Was::Missing)).unwrap();
    let mut second = Receipt::new(state.path(), about("second"));
    assert_eq!(second.holds_secrets("/etc/env"), Ok(true));
    assert_eq!(second.holds_secrets("/etc/other"), Ok(false));
    // Also when the receipt of that run is gone.
    for index in 0..25 {
        run(state.path(), &format!("run-{index}"), "x", false);
    }
    assert_eq!(Receipts::open(state.path()).unwrap().read("first"), Ok(None));
    assert_eq!(Receipt::new(state.path(), about("last")).holds_secrets("/etc/env"), Ok(true));
}

#[test]
fn only_so_many_runs_are_kept() {
    let state = state();
    for index in 0..25 {
        // Their names do not tell which was first.
        run(state.path(), &format!("run-{}", 99 - index), "x", false);
    }
    let expected: Vec<_> = (75..95).map(|index| format!("run-{index}")).collect();
    assert_eq!(listed(state.path()), expected);
}

#[test]
fn only_so_much_is_kept() {
    let state = state();
    let bounds = Bounds { bytes: 8 * 4096, ..Bounds::USUAL };
    for name in ["one", "two", "three"] {
        let kept = run_within(state.path(), name, &"x".repeat(12 * 1024), false, bounds);
        assert!(matches!(kept, Kept::At { .. }));
    }
    // Two of them would not leave one half to the third.
    assert_eq!(listed(state.path()), ["three", "two"]);
    let too_much = run_within(state.path(), "four", &"x".repeat(17 * 1024), false, bounds);
    assert_eq!(too_much, Kept::Not("its 17408 bytes are more than is left to keep of this run".into()));
    let bounds = Bounds { content: 10, ..Bounds::USUAL };
    let too_large = run_within(state.path(), "five", &"x".repeat(11), false, bounds);
    assert_eq!(too_large, Kept::Not("its 11 bytes are more than is kept of one file".into()));
}

#[test]
fn large_contents_leave_room_for_small_ones() {
    let state = state();
    let bounds = Bounds { bytes: 16 * 1024 * 1024, ..Bounds::USUAL };
    let mut receipt = Receipt::new(state.path(), about("run")).bounded(bounds);
    let large = 3 * 1024 * 1024;
    let mut keep = |length: usize| receipt.keep(&mut std::io::repeat(7), length as u64, false).unwrap();
    assert!(matches!(keep(large), Kept::At { .. }));
    assert!(matches!(keep(large), Kept::At { .. }));
    assert!(matches!(keep(large), Kept::Not(_)));
    assert!(matches!(keep(1024), Kept::At { offset: 6_291_456, length: 1024, .. }));
}

#[test]
fn copies_of_earlier_versions_are_removed() {
    let state = state();
    fs::create_dir(state.path().join("backup")).unwrap();
    fs::write(state.path().join("backup/0123"), "the poison word").unwrap();
    run(state.path(), "run", "x", false);
    assert!(!state.path().join("backup").exists());
    // Whatever else is called so is left for somebody to look at.
    fs::create_dir_all(state.path().join("backup/directory")).unwrap();
    let failure = Receipt::new(state.path(), about("run")).sync().unwrap_err();
    let backup = state.path().join("backup");
    let message = format!("cannot remove the old copies in {}: is a directory", backup.display());
    let help = "they may hold secrets: remove the directory by hand";
    assert_eq!(failure, Failure::new(message).help(help));
}

#[test]
fn what_killed_runs_have_left_is_removed() {
    let state = state();
    run(state.path(), "whole", "x", false);
    let runs = state.path().join("runs");
    for (name, records) in [("empty", Some("")), ("none", None), ("begun", Some("paracrine receipt 1\n\0"))] {
        fs::create_dir(runs.join(name)).unwrap();
        fs::write(runs.join(name).join("contents"), "left").unwrap();
        if let Some(records) = records {
            fs::write(runs.join(name).join("records"), records).unwrap();
        }
    }
    assert_eq!(listed(state.path()), ["whole"]);
    run(state.path(), "next", "x", false);
    let mut names: Vec<_> = fs::read_dir(&runs).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["next", "whole"]);
}

#[test]
fn receipts_that_cannot_be_read_are_told_and_go_first() {
    let state = state();
    run(state.path(), "good", "x", false);
    let runs = state.path().join("runs");
    for (name, records) in
        [("later", "paracrine receipt 2\n"), ("garbled", "paracrine receipt 1\nxxxxxxxxxxxxxxxxxx")]
    {
        fs::create_dir(runs.join(name)).unwrap();
        fs::write(runs.join(name).join("records"), records).unwrap();
        fs::write(runs.join(name).join("secrets"), "the poison word").unwrap();
    }
    fs::write(runs.join("file"), "").unwrap();
    symlink("good", runs.join("link")).unwrap();
    let all = Receipts::open(state.path()).unwrap().runs().unwrap();
    let told: Vec<_> = all.iter().map(|listed| (listed.run.as_str(), listed.told.is_ok())).collect();
    assert_eq!(told, [("good", true), ("garbled", false), ("later", false)]);
    let message = format!("the receipt {} is damaged, or of another version", runs.join("garbled").display());
    assert_eq!(all[1].told, Err(Failure::new(message)));

    run_within(state.path(), "next", "x", false, Bounds { runs: 3, ..Bounds::USUAL });
    assert_eq!(holding(state.path(), "poison"), [] as [PathBuf; 0]);
    assert_eq!(listed(state.path()).len(), 3);
    run_within(state.path(), "last", "x", false, Bounds { runs: 3, ..Bounds::USUAL });
    assert_eq!(listed(state.path()), ["last", "next", "good"]);
}

#[test]
fn a_receipt_is_read_wherever_it_is_cut_or_damaged() {
    let state = state();
    let kept = run(state.path(), "run", "old content", false);
    let records = state.path().join("runs/run/records");
    let whole = fs::read(&records).unwrap();
    let receipts = Receipts::open(state.path()).unwrap();
    for cut in 0..whole.len() {
        fs::write(&records, &whole[..cut]).unwrap();
        // Nothing, or what was said by then.
        let told = receipts.read("run").unwrap();
        assert!(told.is_none_or(|told| !told.damaged && told.ended.is_none()), "cut at {cut}");
        let mut damaged = whole.clone();
        damaged[cut] ^= 0x55;
        fs::write(&records, &damaged).unwrap();
        let told = receipts.read("run");
        let noticed = |told: &Told| told.damaged || told.ended.is_none();
        assert!(told.is_err() || told.is_ok_and(|told| told.as_ref().is_some_and(noticed)), "byte {cut}");
    }
    fs::write(&records, &whole).unwrap();
    let contents = state.path().join("runs/run/contents");
    fs::write(&contents, "old kontent").unwrap();
    let damaged = Err(Failure::new(format!("{} is damaged", contents.display())));
    assert_eq!(receipts.content("run", &kept, &mut Vec::new()), damaged);
    fs::write(&contents, "old").unwrap();
    assert_eq!(receipts.content("run", &kept, &mut Vec::new()), damaged);
    fs::remove_file(&contents).unwrap();
    let gone = format!("cannot read {}: no such file or directory", contents.display());
    assert_eq!(receipts.content("run", &kept, &mut Vec::new()), Err(Failure::new(gone)));
    let never = Err(Failure::new("the receipt of run has no such content"));
    assert_eq!(receipts.content("run", &Kept::InPlace, &mut Vec::new()), never);
}

#[test]
fn one_machine_that_is_two_hosts_has_two_receipts() {
    let state = state();
    run(state.path(), "run", "one", false);
    run(state.path(), "run", "two", false);
    assert_eq!(listed(state.path()), ["run.2", "run"]);
}

#[test]
fn a_run_is_no_path() {
    let state = state();
    for name in ["", "..", ".hidden", "a/b", "/etc", "ü", &"x".repeat(65)] {
        let failure = Receipt::new(state.path(), about(name)).sync().unwrap_err();
        assert_eq!(failure, Failure::new(format!("`{name}` is no name for a run")));
        assert_eq!(Receipts::open(state.path()).unwrap().read(name), Ok(None));
    }
}

#[test]
fn what_others_can_write_to_is_no_place_for_receipts() {
    let state = state();
    fs::create_dir(state.path().join("runs")).unwrap();
    let runs = state.path().join("runs");
    fs::set_permissions(&runs, fs::Permissions::from_mode(0o777)).unwrap();
    let user = rustix::process::geteuid().as_raw();
    let failure = Receipt::new(state.path(), about("run")).sync().unwrap_err();
    let at = runs.display();
    assert_eq!(
        failure,
        Failure::new(format!("others than user {user} can write to {at}, where receipts are kept"))
            .help(format!("take it from them: `chown {user} {at} && chmod 0700 {at}`"))
    );
    fs::remove_dir(&runs).unwrap();
    fs::create_dir(state.path().join("elsewhere")).unwrap();
    symlink("elsewhere", &runs).unwrap();
    let failure = Receipt::new(state.path(), about("run")).sync().unwrap_err();
    assert_eq!(failure.message, format!("cannot open the receipts in {at}: not a directory"));
    assert_eq!(fs::read_dir(state.path().join("elsewhere")).unwrap().count(), 0);
}

#[test]
fn half_a_record_hides_nothing() {
    let state = state();
    let mut receipt = Receipt::new(state.path(), about("run"));
    let _ = receipt.path(before("/etc/x", Was::Missing)).unwrap();
    let records = &mut receipt.open.as_mut().unwrap().records;
    let failed: std::io::Result<()> = records.add(|file| {
        std::io::Write::write_all(file, b"half a rec")?;
        Err(std::io::ErrorKind::StorageFull.into())
    });
    assert!(failed.is_err());
    let _ = receipt.path(before("/etc/y", Was::Missing)).unwrap();
    let bytes = fs::read(state.path().join("runs/run/records")).unwrap();
    let read = paracrine_model::receipt::read(&bytes).unwrap();
    assert_eq!((read.records.len(), read.tail), (5, Tail::Whole));
}
