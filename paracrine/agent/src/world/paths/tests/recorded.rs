//! What is in a receipt of changes of paths.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use paracrine_model::name::Mode;
use paracrine_model::protocol::Failure;
use paracrine_model::receipt::{Access, Declared, Kept, PathBefore, Was};
use paracrine_model::resource::directory::Directory;
use paracrine_model::resource::file::File;

use crate::manage::{Manage, Turn};
use crate::receipt::Receipt;
use crate::receipt::read::{Content, Receipts, Step, Told};
use crate::receipt::tests::undo;
use crate::world::World;
use crate::world::paths::suite::{
    Machine, STATE, about, absent, directory, is_root, link, listen, path, sends,
};

fn told(machine: &Machine) -> Told {
    Receipts::open(&machine.at(STATE)).unwrap().read("run").unwrap().unwrap()
}

/// The paths of the receipt of the only run, with what was there.
fn entries(machine: &Machine) -> Vec<(String, Was)> {
    let paths = told(machine).steps.into_iter().filter_map(|step| match step {
        Step::Path(PathBefore { path, was }) => Some((String::from_utf8(path).unwrap(), was)),
        Step::Task(_) => None,
    });
    paths.collect()
}

fn apply<R: Manage>(resource: &R, world: &mut World) -> Result<(), Failure> {
    let state = resource.observe(&Turn::default(), world)?;
    resource.apply(&state, &Turn::default(), world)
}

fn access(machine: &Machine, at: &str) -> Access {
    let seen = machine.at(at).symlink_metadata().unwrap();
    Access { owner: seen.uid(), group: seen.gid(), mode: seen.mode() & 0o7777 }
}

/// Applies one after the other in one run, and takes everything back.
fn applied_and_undone(machine: &Machine, change: impl FnOnce(&mut World)) -> Vec<(String, Was)> {
    let tree = machine.tree();
    change(&mut machine.world());
    assert_ne!(machine.tree(), tree);
    undo(&machine.at(STATE), "run", &machine.at("/"));
    assert_eq!(machine.tree(), tree, "the receipt is enough");
    entries(machine)
}

#[test]
fn every_kind_of_change_has_its_entry() {
    let machine = Machine::new();
    machine.make("/srv/replaced", "old");
    machine.make("/srv/mode", "same");
    machine.mode("/srv/mode", 0o600);
    std::fs::create_dir(machine.at("/srv/directory")).unwrap();
    machine.mode("/srv/directory", 0o711);
    symlink("old", machine.at("/srv/link")).unwrap();
    let accesses =
        ["/srv/replaced", "/srv/mode", "/srv/directory", "/srv/link"].map(|at| access(&machine, at));
    let entries = applied_and_undone(&machine, |world| {
        apply(&machine.file("/srv/new", "new"), world).unwrap();
        apply(&machine.file("/srv/replaced", "new"), world).unwrap();
        apply(&machine.file("/srv/mode", "same"), world).unwrap();
        apply(&directory("/srv/made"), world).unwrap();
        apply(&directory("/srv/directory"), world).unwrap();
        apply(&link("/srv/link", "new"), world).unwrap();
    });
    let [replaced, mode, directory, link] = accesses;
    let hash = paracrine_model::hash::Hash::of(b"old");
    assert_eq!(
        entries,
        [
            ("/srv/new".to_owned(), Was::Missing),
            (
                "/srv/replaced".to_owned(),
                Was::File(replaced, Kept::At { secret: false, offset: 0, length: 3, hash })
            ),
            ("/srv/mode".to_owned(), Was::File(mode, Kept::InPlace)),
            ("/srv/made".to_owned(), Was::Missing),
            ("/srv/directory".to_owned(), Was::Directory(directory)),
            ("/srv/link".to_owned(), Was::Link(link, b"old".to_vec())),
        ]
    );
}

#[test]
fn of_a_tree_all_is_recorded_what_is_below_first() {
    let machine = Machine::new();
    machine.make("/srv/d/e/x", "x");
    machine.make("/srv/d/y", "y");
    symlink("/nowhere", machine.at("/srv/d/l")).unwrap();
    machine.mode("/srv/d/e", 0o750);
    machine.mode("/srv/d", 0o755);
    let socket = listen(&machine.at("/srv/d/s"));
    let before = machine.tree();
    apply(&absent("/srv/d"), &mut machine.world()).unwrap();
    let mut entries = entries(&machine);
    let (top, last) = entries.pop().unwrap();
    assert_eq!((top.as_str(), matches!(last, Was::Directory(_))), ("/srv/d", true));
    let below = entries.iter().position(|(path, _)| path == "/srv/d/e/x").unwrap();
    assert!(below < entries.iter().position(|(path, _)| path == "/srv/d/e").unwrap());
    let lost = Was::Lost { what: "socket".into(), why: "only the program that listens can make it".into() };
    assert!(entries.contains(&("/srv/d/s".to_owned(), lost)));
    // Not everybody can get there, so it may be secret.
    let (_, x) = entries.iter().find(|(path, _)| path == "/srv/d/e/x").unwrap();
    assert!(matches!(x, Was::File(_, Kept::At { secret: true, .. })), "{x:?}");
    let (_, y) = entries.iter().find(|(path, _)| path == "/srv/d/y").unwrap();
    assert!(matches!(y, Was::File(_, Kept::At { secret: false, .. })), "{y:?}");
    undo(&machine.at(STATE), "run", &machine.at("/"));
    let mut expected = before;
    assert!(expected.remove(&machine.at("/srv/d/s")).is_some());
    assert_eq!(machine.tree(), expected);
    drop(socket);
}

#[test]
fn a_tree_that_is_too_much_says_so() {
    let machine = Machine::new();
    std::fs::create_dir(machine.at("/srv/d")).unwrap();
    for index in 0..10_001 {
        std::fs::create_dir(machine.at(&format!("/srv/d/{index}"))).unwrap();
    }
    apply(&absent("/srv/d"), &mut machine.world()).unwrap();
    let why = "more than 10000 things were in it".to_owned();
    let top = ("/srv/d".to_owned(), Was::Lost { what: "directory".to_owned(), why });
    assert_eq!(entries(&machine).last(), Some(&top));
}

#[test]
fn what_is_not_on_disk_before_is_not_changed() {
    let machine = Machine::new();
    machine.make("/srv/replaced", "old");
    machine.make("/srv/mode", "same");
    machine.mode("/srv/mode", 0o600);
    machine.make("/srv/gone", "old");
    machine.make("/srv/tree/below/x", "old");
    symlink("old", machine.at("/srv/link")).unwrap();
    let tree = machine.tree();
    let receipt = |run: &str| Receipt::new(machine.at(STATE), about(run)).that_cannot_sync();
    let world = |run: &str| {
        let mut world = machine.world();
        world.keep_receipt(receipt(run));
        world
    };
    let refused = |result: Result<(), Failure>| {
        let runs = machine.at("/var/lib/paracrine/runs");
        let message =
            format!("cannot write the receipt of this run below {}: invalid argument", runs.display());
        assert_eq!(result, Err(Failure::new(message).help("what cannot be recorded is not changed")));
        assert_eq!(machine.tree(), tree, "and nothing changes");
    };
    refused(apply(&machine.file("/srv/new", "new"), &mut world("a")));
    refused(apply(&machine.file("/srv/replaced", "new"), &mut world("b")));
    refused(apply(&machine.file("/srv/mode", "same"), &mut world("c")));
    refused(apply(&directory("/srv/made"), &mut world("d")));
    refused(apply(
        &Directory { mode: Mode::parse(0o700).unwrap(), ..directory("/srv/tree") },
        &mut world("e"),
    ));
    refused(apply(&link("/srv/link", "new"), &mut world("f")));
    refused(apply(&absent("/srv/gone"), &mut world("g")));
    refused(apply(&absent("/srv/tree"), &mut world("h")));
    // A check has no receipt at all.
    let mut check = World::new(machine.at("/"), machine.values.clone(), sends(&machine.blobs));
    let failure = apply(&machine.file("/srv/new", "new"), &mut check).unwrap_err();
    assert_eq!(failure, Failure::new("a run without a receipt changes nothing"));
    assert_eq!(machine.tree(), tree);
}

fn with_agenda(machine: &Machine, paths: &[(&str, bool)]) -> World {
    let mut world = machine.world();
    world.paths.announce_changes(paths.iter().map(|(at, replaced)| (path(at), *replaced)).collect());
    world
}

/// Waits until a change of a file would tell by its times, which are not finer than the kernel's clock.
fn settle(machine: &Machine, at: &str) {
    let changed = machine.at(at).metadata().unwrap().ctime();
    let now = || rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec;
    while now() <= changed + 1 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn what_comes_later_is_brought_to_disk_with_the_first() {
    let machine = Machine::new();
    machine.make("/srv/c", "old");
    settle(&machine, "/srv/c");
    let mut world =
        with_agenda(&machine, &[("/srv/a", true), ("/srv/b", true), ("/srv/c", true), ("/srv/d", true)]);
    apply(&machine.file("/srv/a", "new"), &mut world).unwrap();
    assert_eq!(entries(&machine), [("/srv/a".to_owned(), Was::Missing)]);
    let perhaps: Vec<_> = told(&machine).perhaps.into_iter().map(|before| before.path).collect();
    assert_eq!(perhaps, [b"/srv/b", b"/srv/c", b"/srv/d"]);
    // What somebody has put there since is what counts.
    machine.make("/srv/b", "by hand");
    apply(&machine.file("/srv/b", "new"), &mut world).unwrap();
    apply(&machine.file("/srv/c", "new"), &mut world).unwrap();
    drop(world);
    let of = |at: &str| entries(&machine).into_iter().find(|(path, _)| path == at).unwrap().1;
    let receipts = Receipts::open(&machine.at(STATE)).unwrap();
    for (at, old) in [("/srv/b", "by hand"), ("/srv/c", "old")] {
        let Was::File(_, kept) = of(at) else { panic!("{:?}", of(at)) };
        let mut content = Vec::new();
        assert_eq!(receipts.content("run", &kept, &mut content), Ok(Content::Here));
        assert_eq!(content, old.as_bytes(), "{at}");
    }
}

#[test]
fn what_may_be_secret_is_kept_apart() {
    let machine = Machine::new();
    machine.make("/srv/public", "public");
    machine.make("/srv/private", "private");
    machine.mode("/srv/private", 0o640);
    machine.make("/srv/closed/x", "closed");
    machine.mode("/srv/closed", 0o700);
    machine.make("/srv/exposed", "exposed");
    let mut receipt = Receipt::new(machine.at(STATE), about("run"));
    let secrets = vec!["/srv/exposed".to_owned()];
    receipt.declares(vec![Declared { task: "file /srv/exposed".into(), claims: vec![], secrets }]);
    let mut world = machine.world();
    world.keep_receipt(receipt);
    for at in ["/srv/public", "/srv/private", "/srv/closed/x", "/srv/exposed"] {
        apply(&machine.file(at, "new"), &mut world).unwrap();
    }
    let runs = machine.at("/var/lib/paracrine/runs/run");
    assert_eq!(std::fs::read_to_string(runs.join("contents")).unwrap(), "public");
    assert_eq!(std::fs::read_to_string(runs.join("secrets")).unwrap(), "privateclosedexposed");
    for name in ["records", "contents", "secrets"] {
        assert_eq!(runs.join(name).metadata().unwrap().permissions().mode() & 0o7777, 0o600, "{name}");
    }
}

#[test]
fn what_the_agent_cannot_read_is_not_kept_and_says_so() {
    // Root reads everything.
    if is_root() {
        return;
    }
    let machine = Machine::new();
    machine.make("/srv/x", "old");
    machine.mode("/srv/x", 0o200);
    let mut world = machine.world();
    apply(&absent("/srv/x"), &mut world).unwrap();
    let (_, was) = entries(&machine).pop().unwrap();
    assert!(matches!(was, Was::File(_, Kept::Not(why)) if why == "it cannot be read"));
}

#[test]
fn a_file_with_another_name_is_recorded_as_it_was() {
    let machine = Machine::new();
    machine.make("/srv/x", "old");
    std::fs::hard_link(machine.at("/srv/x"), machine.at("/srv/other")).unwrap();
    let file = File { mode: Mode::parse(0o600).unwrap(), ..machine.file("/srv/x", "old") };
    let entries = applied_and_undone(&machine, |world| apply(&file, world).unwrap());
    assert!(matches!(entries.as_slice(), [(_, Was::File(_, Kept::At { .. }))]), "{entries:?}");
}

#[test]
fn what_a_killed_run_has_left_half_written_is_not_kept() {
    let machine = Machine::new();
    machine.make("/srv/d/x", "old");
    machine.make("/srv/d/.x.paracrine-0123456789abcdef", "half a secret");
    apply(&absent("/srv/d"), &mut machine.world()).unwrap();
    let paths: Vec<_> = entries(&machine).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["/srv/d/x", "/srv/d"]);
    assert_eq!(machine.read("/var/lib/paracrine/runs/run/contents"), "old");
}
