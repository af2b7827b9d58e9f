mod mounts;
mod recorded;

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use paracrine_model::name::Mode;
use paracrine_model::protocol::{Difference, Failure, OldContent};
use paracrine_model::resource::Resource;
use paracrine_model::resource::directory::Directory;

use super::PathKind;
use super::suite::{Machine, STATE, absent, directory, link, path};
use crate::manage::{Comparison, Manage, Turn};
use crate::receipt::tests::undo;
use crate::world::World;

fn kind(machine: &Machine, at: &str) -> Result<PathKind, String> {
    machine.world().path_state(&path(at)).map(|state| state.kind).map_err(|failure| failure.message)
}

#[test]
fn links_of_the_system_are_followed_as_the_kernel_follows_them() {
    let machine = Machine::new();
    machine.make("/usr/bin/tool", "");
    machine.make("/run/app/x", "");
    std::fs::create_dir(machine.at("/var")).unwrap();
    for (at, target) in [
        ("/bin", "usr/bin"),
        ("/var/run", "/run"),
        ("/srv/a", "../var/run/./app//"),
        ("/srv/b", "a/../../usr/bin"),
        ("/srv/c", "/../../../usr"),
        ("/srv/d", "c/bin/../../bin"),
    ] {
        symlink(target, machine.at(at)).unwrap();
    }
    let file = PathKind::File { length: 0, predicted: None };
    for at in ["/bin/tool", "/var/run/app/x", "/srv/a/x", "/srv/c/bin/tool", "/srv/d/tool"] {
        assert_eq!(kind(&machine, at).as_ref(), Ok(&file), "{at}");
    }
    // `a/..` is where `a` leads, not where it stands: `/run`, whose neighbour is `/usr`.
    assert_eq!(kind(&machine, "/srv/b/tool").as_ref(), Ok(&file));
    assert_eq!(kind(&machine, "/bin"), Ok(PathKind::Link { target: "usr/bin".into() }));
}

#[test]
fn links_in_circles_end() {
    let machine = Machine::new();
    symlink("two", machine.at("/srv/one")).unwrap();
    symlink("one", machine.at("/srv/two")).unwrap();
    let failure = kind(&machine, "/srv/one/x").unwrap_err();
    assert!(failure.ends_with("leads through too many links, perhaps in a circle"), "{failure}");
    // Each leads twice through the one before: no circle, but 2⁶⁰ steps.
    std::fs::create_dir(machine.at("/srv/l0")).unwrap();
    for level in 1..60 {
        let below = format!("../srv/l{}/../l{}", level - 1, level - 1);
        symlink(below, machine.at(&format!("/srv/l{level}"))).unwrap();
    }
    assert!(kind(&machine, "/srv/l59/x").is_err());
}

#[test]
fn a_link_to_nowhere_names_the_directory_that_is_missing() {
    let machine = Machine::new();
    symlink("releases/1", machine.at("/srv/current")).unwrap();
    let state = machine.world().path_state(&path("/srv/current/x")).unwrap();
    assert_eq!((state.kind, state.missing_parent.as_deref()), (PathKind::Missing, Some("/srv/releases")));
}

#[test]
fn owners_without_names_are_numbers() {
    let machine = Machine::new();
    machine.make("/etc/passwd", "other:x:99:99::/:/bin/sh\n");
    machine.make("/etc/group", "other:x:99:\n");
    let state = machine.world().path_state(&path("/srv")).unwrap();
    let real = machine.at("/srv").metadata().unwrap();
    assert_eq!((state.owner, state.group), (real.uid().to_string(), real.gid().to_string()));
}

#[test]
fn a_hash_is_not_remembered_while_the_file_may_still_be_changing() {
    let machine = Machine::new();
    machine.make("/srv/x", "one");
    let mut world = machine.world();
    let first = world.paths.hash(&path("/srv/x")).unwrap();
    let times = machine.at("/srv/x").metadata().unwrap();
    machine.make("/srv/x", "two");
    let back = rustix::fs::Timestamps {
        last_access: rustix::fs::Timespec { tv_sec: times.atime(), tv_nsec: times.atime_nsec() },
        last_modification: rustix::fs::Timespec { tv_sec: times.mtime(), tv_nsec: times.mtime_nsec() },
    };
    rustix::fs::utimensat(rustix::fs::CWD, machine.at("/srv/x"), &back, rustix::fs::AtFlags::empty())
        .unwrap();
    assert_ne!(world.paths.hash(&path("/srv/x")).unwrap(), first);
    assert!(world.paths.hashes.is_empty());
}

#[test]
fn large_files_are_hashed_and_compared() {
    let machine = Machine::new();
    let large = "0123456789abcdef".repeat(20_000);
    machine.make("/srv/x", &large);
    let file = machine.file("/srv/x", &large);
    assert_eq!(machine.check(&file).unwrap(), Comparison::equal());
    machine.make("/srv/x", large.replace("f0", "0f"));
    let before = OldContent::Opaque { length: large.len() as u64 };
    assert_eq!(machine.apply(&file).unwrap(), [Difference::Content { before }]);
}

#[test]
fn more_directories_than_descriptors_are_walked() {
    let machine = Machine::new();
    let mut world = machine.world();
    for index in 0..1500 {
        machine.make(&format!("/srv/{index}/x"), "");
        world.path_state(&path(&format!("/srv/{index}/x"))).unwrap();
    }
}

/// A generator that needs no crate.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

const PLACES: [&str; 11] = [
    "/srv/a",
    "/srv/a/b",
    "/srv/a/b/c",
    "/srv/a/d",
    "/srv/e",
    "/srv/e/b",
    "/srv/e/b/c",
    "/srv/l",
    "/srv/l/b",
    "/srv/l/b/c",
    "/srv/e/d",
];
const TARGETS: [&str; 8] = ["/srv/a", "a", "e", "/srv/e/b", "../e", "b", "nowhere", "/srv/l"];
const CONTENTS: [&str; 3] = ["", "one\n", "two\n"];
/// Of files and directories; all let the owner in, so that the tests need not be root's.
const MODES: [u32; 4] = [0o711, 0o755, 0o700, 0o4755];

fn task(random: &mut Random, machine: &Machine) -> Resource {
    let at = random.of(&PLACES);
    let mode = Mode::parse(random.of(&MODES)).unwrap();
    match random.below(7) {
        0 => absent(at).into(),
        1 => link(at, random.of(&TARGETS)).into(),
        2..=4 => Directory { mode, ..directory(at) }.into(),
        _ => paracrine_model::resource::file::File { mode, ..machine.file(at, random.of(&CONTENTS)) }.into(),
    }
}

fn furnish(random: &mut Random, machine: &Machine) {
    for _ in 0..random.below(10) {
        let at = machine.at(random.of(&PLACES));
        // Whatever cannot be made is not.
        let _ = match random.below(4) {
            0 => symlink(random.of(&TARGETS), &at),
            1 => std::fs::write(&at, random.of(&CONTENTS))
                .and_then(|()| std::fs::set_permissions(&at, PermissionsExt::from_mode(random.of(&MODES)))),
            _ => std::fs::create_dir(&at),
        };
    }
}

macro_rules! each {
    ($resource:expr, $name:ident => $do:expr) => {
        match $resource {
            Resource::Absent($name) => $do,
            Resource::Directory($name) => $do,
            Resource::File($name) => $do,
            Resource::Link($name) => $do,
            _ => unreachable!(),
        }
    };
}

fn examine<R: Manage>(resource: &R, world: &mut World) -> Result<Comparison, Failure> {
    let state = resource.observe(&Turn::default(), world)?;
    resource.compare(&state, &Turn::default(), world)
}

fn predict<R: Manage>(resource: &R, world: &mut World) -> Result<(), Failure> {
    let state = resource.observe(&Turn::default(), world)?;
    resource.predict(&state, world);
    Ok(())
}

fn apply<R: Manage>(resource: &R, world: &mut World) -> Result<(), Failure> {
    let state = resource.observe(&Turn::default(), world)?;
    resource.apply(&state, &Turn::default(), world)
}

/// What a run says of its tasks. It goes on after failures, unlike a real one: the more is compared.
fn run(tasks: &[Resource], machine: &Machine, changing: bool) -> Vec<Result<Vec<Difference>, Failure>> {
    let mut world = machine.world();
    let mut said = Vec::new();
    for task in tasks {
        let found = each!(task, task => examine(task, &mut world));
        if let Ok(comparison) = &found
            && !comparison.is_equal()
        {
            let done = match changing {
                true => each!(task, task => apply(task, &mut world)),
                false => each!(task, task => predict(task, &mut world)),
            };
            done.unwrap_or_else(|failure| panic!("{task}: {failure} ({tasks:#?})"));
            let again = each!(task, task => examine(task, &mut world));
            assert_eq!(again, Ok(Comparison::equal()), "{task} is done ({tasks:#?})");
        }
        said.push(found.map(|comparison| {
            // The content of a file that an earlier task of the same check would have made is known only by hash.
            let shown = |difference| match difference {
                Difference::Content { .. } => Difference::Content { before: OldContent::None },
                other => other,
            };
            comparison.differences.into_iter().map(shown).collect()
        }));
    }
    said
}

#[test]
fn what_a_check_says_is_what_an_apply_does() {
    let mut random = Random(42);
    let (mut changed, mut failed) = (0, 0);
    for _ in 0..300 {
        let machine = Machine::new();
        furnish(&mut random, &machine);
        let tasks: Vec<Resource> = (0..1 + random.below(12)).map(|_| task(&mut random, &machine)).collect();
        let (before, tree) = (machine.snapshot(), machine.tree());
        let checked = run(&tasks, &machine, false);
        assert_eq!(machine.snapshot(), before, "a check touches nothing");
        let applied = run(&tasks, &machine, true);
        let first = checked.iter().zip(&applied).position(|(checked, applied)| checked != applied);
        if let Some(first) = first {
            let told: Vec<_> = tasks.iter().map(|task| format!("{task} {:?}", task.attributes())).collect();
            panic!(
                "{:#?}\n{before:#?}\ncheck: {:?}\napply: {:?}",
                &told[..=first],
                checked[first],
                applied[first]
            );
        }
        changed += applied.iter().filter(|said| said.as_ref().is_ok_and(|said| !said.is_empty())).count();
        failed += applied.iter().filter(|said| said.is_err()).count();
        if machine.at(STATE).exists() {
            undo(&machine.at(STATE), "run", &machine.at("/"));
            assert_eq!(machine.tree(), tree, "the receipt is enough to undo {tasks:#?}");
        }
    }
    assert!(changed > 500 && failed > 500, "{changed} changes and {failed} failures say little");
}
