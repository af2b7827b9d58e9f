//! Runs that are killed at any moment: whatever they have changed is in their receipt, as it was.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use paracrine_model::content::{Blobs, Content};
use paracrine_model::name::Mode;
use paracrine_model::plan::Work;
use paracrine_model::protocol;
use paracrine_model::receipt::{Kept, PathBefore, Was};
use paracrine_model::resource::Resource;
use paracrine_model::resource::directory::Directory;
use paracrine_model::resource::file::File;
use paracrine_model::text::{LateValues, Text};

use super::undo;
use crate::engine::bench::Controller;
use crate::engine::{Engine, Setup};
use crate::journal::Journal;
use crate::receipt::read::{self, Receipts, Step, Told};
use crate::receipt::{Bounds, Receipt};
use crate::world::World;
use crate::world::paths::suite::{about, absent, directory, link, me, path, secret, sends};

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

const DIRECTORIES: [&str; 5] = ["/srv/a", "/srv/a/b", "/srv/c", "/srv/tree", "/srv/tree/below"];
const MODES: [u32; 4] = [0o711, 0o755, 0o700, 0o750];

/// The value of the secret in that run.
fn value(seed: u64) -> String {
    format!("poison-{seed}-")
}

/// What a run of that seed makes of a machine, whatever it is.
fn tasks(seed: u64, blobs: &Blobs) -> Vec<Work> {
    let mut random = Random(seed);
    for _ in 0..8 {
        random.below(2);
    }
    let mut tasks: Vec<Resource> = Vec::new();
    let tree_goes = random.below(3) == 0;
    if tree_goes {
        tasks.push(absent("/srv/tree").into());
    }
    let there = &DIRECTORIES[..if tree_goes { 3 } else { 5 }];
    for at in there {
        let mode = Mode::parse(random.of(&MODES)).unwrap();
        tasks.push(Directory { mode, ..directory(at) }.into());
    }
    for index in 0..24 {
        let at = format!("{}/x{}", there[index % there.len()], index);
        let mode = Mode::parse(random.of(&MODES)).unwrap();
        let content = format!("{} of {seed}\n", index + random.below(2)).repeat(1 + random.below(400));
        let content = match random.below(4) {
            0 => Content::Late(placed("PASSWORD", &content)),
            _ => blobs.keep(content.as_bytes()),
        };
        let file = File {
            path: path(&at),
            content,
            owner: me(),
            group: me(),
            mode,
            validate: None,
            exposed: None,
            format: None,
        };
        match random.below(8) {
            0 => tasks.push(absent(&at).into()),
            1 => tasks.push(link(&at, &format!("/nowhere/{}", random.below(2))).into()),
            _ => tasks.push(file.into()),
        }
    }
    tasks.into_iter().map(|resource| Work { resource, triggers: Vec::new() }).collect()
}

fn placed(name: &str, before: &str) -> Text {
    let mut text = Text::from(before.to_owned());
    text.push_late(secret(name));
    text
}

/// The run that is killed, after it has used the processor for so long. It tells how long a whole one takes.
fn apply(machine: &Path, seed: u64, after: Duration) {
    let blobs = Blobs::default();
    let tasks = tasks(seed, &blobs);
    let mut values = LateValues::default();
    values.insert(secret("PASSWORD"), value(seed));
    let fetch = sends(&blobs);
    let port = Controller { blobs, ..Controller::default() };
    let setup = Setup {
        mode: protocol::Mode::Apply,
        tasks: &tasks,
        world: World::new(machine.join("root"), values, fetch),
        journal: Journal::open(&machine.join("state")).unwrap(),
        receipt: Some(Receipt::new(machine.join("state"), about(&format!("run-{seed}")))),
        lock: None,
        identity: "site/dev/web1".into(),
        holder: "ann@laptop".into(),
        port: Rc::new(RefCell::new(port)),
    };
    let began = used();
    // By the processor's time, as the machine may have much else to do.
    std::thread::spawn(move || {
        while used() - began < after {
            std::thread::sleep(Duration::from_micros(10));
        }
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    });
    let summary = Engine::new(setup).run().unwrap();
    assert_eq!(summary.failed, 0);
    println!("\n{TOOK} {}", (used() - began).as_micros());
}

/// The time for which this process has used the processor.
fn used() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).unwrap())
}

const TOOK: &str = "the whole run took";
const AFTER: &str = "PARACRINE_TEST_AFTER";
const MACHINE: &str = "PARACRINE_TEST_KILLED";
const SEED: &str = "PARACRINE_TEST_SEED";

/// Starts that run in a process of its own; tells how long it took if it came to its end.
fn apply_and_kill(machine: &Path, seed: u64, after: Duration) -> Option<Duration> {
    let ran = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "receipt::tests::killed::a_killed_run_has_recorded_all_that_it_changed",
            "--nocapture",
        ])
        .env(MACHINE, machine)
        .env(SEED, seed.to_string())
        .env(AFTER, after.as_micros().to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let killed = std::os::unix::process::ExitStatusExt::signal(&ran.status) == Some(9);
    assert!(killed || ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    let took = said.lines().find_map(|line| line.strip_prefix(TOOK)?.trim().parse().ok());
    took.map(Duration::from_micros)
}

/// One thing below a root: its mode, owner, group, and content or target.
type Thing = (u32, u32, u32, Vec<u8>);

fn is_half_written(at: &Path) -> bool {
    at.file_name().unwrap().to_string_lossy().contains(".paracrine-")
}

/// All there is, but for what a killed run leaves half-written beside its place, which the next one sweeps.
fn tree(root: &Path) -> BTreeMap<PathBuf, Thing> {
    let mut all = BTreeMap::new();
    let mut left = vec![root.join("srv")];
    while let Some(at) = left.pop() {
        if is_half_written(&at) {
            continue;
        }
        let seen = at.symlink_metadata().unwrap();
        let content = if seen.is_symlink() {
            fs::read_link(&at).unwrap().into_os_string().into_encoded_bytes()
        } else if seen.is_dir() {
            left.extend(fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().path()));
            Vec::new()
        } else {
            fs::read(&at).unwrap()
        };
        all.insert(at, (seen.mode(), seen.uid(), seen.gid(), content));
    }
    all
}

/// What came of a run.
#[derive(Debug, Default)]
struct Seen {
    without_receipt: usize,
    cut: usize,
    ended: usize,
    changed: usize,
    secrets: usize,
}

#[test]
fn a_killed_run_has_recorded_all_that_it_changed() {
    if let Some(machine) = std::env::var_os(MACHINE) {
        let number = |name| std::env::var(name).unwrap().parse().unwrap();
        return apply(Path::new(&machine), number(SEED), Duration::from_micros(number(AFTER)));
    }
    // In memory, where nothing has to be waited for, if there is such a place.
    let memory = Path::new("/dev/shm");
    let directory = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    let directory = directory.unwrap();
    let machine = directory.path();
    furnish(machine);
    let mut random = Random(7);
    let mut seen = Seen::default();
    // How long a whole run takes, by the last ones that were not killed.
    let mut whole = apply_and_kill(machine, 1, Duration::from_secs(3600)).unwrap();
    for seed in 2..2 + ROUNDS {
        let before = tree(&machine.join("root"));
        // One in ten is let go to its end, which tells how long that is on a machine that has much else to do.
        let after = if seed % 10 == 0 {
            Duration::from_secs(3600)
        } else {
            whole.mul_f64(random.below(2000) as f64 / 1000.0)
        };
        if let Some(took) = apply_and_kill(machine, seed, after) {
            whole = (whole + took) / 2;
        }
        let recorded = look_at(machine, seed, &before, &mut seen);
        // The next one begins with what this one left, or with what was before it.
        if random.below(2) == 0 && recorded {
            sweep(&machine.join("root/srv"));
            undo(&machine.join("state"), &format!("run-{seed}"), &machine.join("root"));
            assert_eq!(tree(&machine.join("root")), before, "run {seed} is undone");
        }
    }
    println!("{seen:?}");
    let rounds = usize::try_from(ROUNDS).unwrap();
    assert!(seen.cut > rounds / 10 && seen.ended > 0 && seen.changed > rounds, "{seen:?} says little");
    assert!(seen.secrets > 0, "the search for secrets can find them");
}

const ROUNDS: u64 = 150;

fn furnish(machine: &Path) {
    let root = machine.join("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::create_dir_all(root.join("srv")).unwrap();
    let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    fs::write(root.join("etc/passwd"), format!("{}:x:{user}:{group}::/:/bin/sh\n", me())).unwrap();
    fs::write(root.join("etc/group"), format!("{}:x:{group}:\n", me())).unwrap();
}

/// Removes what is half-written, so that directories can be taken back.
fn sweep(at: &Path) {
    for entry in fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.symlink_metadata().unwrap().is_dir() {
            sweep(&path);
        } else if is_half_written(&path) {
            fs::remove_file(path).unwrap();
        }
    }
}

/// Looks at what a run has left; says whether it has a receipt.
fn look_at(machine: &Path, seed: u64, before: &BTreeMap<PathBuf, Thing>, seen: &mut Seen) -> bool {
    let (state, root) = (machine.join("state"), machine.join("root"));
    let after = tree(&root);
    let changed: BTreeSet<&PathBuf> =
        before.keys().chain(after.keys()).filter(|path| before.get(*path) != after.get(*path)).collect();
    seen.changed += changed.len();
    let receipts = Receipts::open(&state).unwrap();
    let name = format!("run-{seed}");
    let told = receipts.read(&name).unwrap();
    let recorded = told.is_some();
    match told {
        None => {
            assert!(changed.is_empty(), "{changed:?} changed without a receipt");
            seen.without_receipt += 1;
        }
        Some(told) => {
            match told.ended {
                Some(_) => seen.ended += 1,
                None => seen.cut += 1,
            }
            look_at_entries(&receipts, &name, &told, &root, before, &changed);
        }
    }
    let listed: Vec<_> = receipts.runs().unwrap();
    assert!(listed.len() <= Bounds::USUAL.runs, "{} receipts", listed.len());
    assert!(listed.iter().all(|listed| listed.told.is_ok()));
    // The last run that has changed something is the only one that may know a secret.
    let last = listed.first().map(|listed| listed.run.clone()).unwrap_or_default();
    for holder in super::holding(&state, "poison-") {
        assert_eq!(holder, state.join("runs").join(&last).join("secrets"), "after run {seed}");
        seen.secrets += 1;
    }
    recorded
}

fn look_at_entries(
    receipts: &Receipts,
    run: &str,
    told: &Told,
    root: &Path,
    before: &BTreeMap<PathBuf, Thing>,
    changed: &BTreeSet<&PathBuf>,
) {
    assert!(!told.damaged && told.unknown == 0);
    let mut recorded = BTreeSet::new();
    for step in &told.steps {
        let Step::Path(entry) = step else { continue };
        let at = root.join(std::ffi::OsStr::from_bytes(&entry.path[1..]));
        // A path that is changed twice was the second time as the first left it.
        if recorded.insert(at.clone()) {
            assert_eq!(was(receipts, run, entry), before.get(&at).cloned(), "{run}: {}", at.display());
        }
    }
    for path in changed {
        assert!(recorded.contains(*path), "{run}: {} changed and has no entry", path.display());
    }
}

/// What an entry says, in the words of a tree. The content of what stayed where it was is looked up there.
fn was(receipts: &Receipts, run: &str, entry: &PathBefore) -> Option<Thing> {
    let thing = |kind: u32, access: &paracrine_model::receipt::Access, content| {
        Some((kind | access.mode, access.owner, access.group, content))
    };
    match &entry.was {
        Was::Missing => None,
        Was::Directory(access) => thing(0o040_000, access, Vec::new()),
        Was::Link(access, target) => thing(0o120_000, access, target.clone()),
        Was::File(access, kept @ Kept::At { .. }) => {
            let mut content = Vec::new();
            assert_eq!(receipts.content(run, kept, &mut content), Ok(read::Content::Here));
            thing(0o100_000, access, content)
        }
        other => panic!("{run}: nothing here is {other:?}"),
    }
}
