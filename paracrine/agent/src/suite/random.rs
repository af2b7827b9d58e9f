//! Random plans over random states: what an apply that succeeds leaves behind is what the plan says, and what a check
//! announces is what the apply then does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use paracrine_model::plan::Plan;
use paracrine_model::protocol::{Difference, Mode, Outcome};
use paracrine_model::text::Text;

use super::stand_ins;
use crate::engine::bench::{Bench, Ran, Said};
use crate::world::paths::suite::{is_root, secret};

/// Rounds of each kind that are the same in every run, and as many that are not.
const ROUNDS: u64 = 1000;

/// Every so many rounds have units and services, whose stand-ins take their time.
const WITH_UNITS: u64 = 15;

#[derive(Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.next(times) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.next(all.len())]
    }
}

/// A task to be declared.
#[derive(Clone, Debug)]
enum Task {
    File {
        path: String,
        content: &'static str,
        secret: bool,
        mode: u32,
        of_app: bool,
    },
    Directory {
        path: String,
        mode: u32,
    },
    Link {
        path: String,
        target: String,
    },
    Absent {
        path: String,
    },
    Unit {
        wanted_by: &'static str,
    },
    Service {
        enabled: Option<bool>,
        running: Option<bool>,
    },
    /// Makes what it says and nothing else.
    Maker {
        path: String,
        directory: bool,
    },
    /// Does something to a path, guarded by what is at another.
    Meddler {
        does: &'static str,
        path: String,
        creates: Option<String>,
        unless: Option<String>,
        only_if: Option<String>,
    },
}

/// A task and what triggers it: places of earlier ones.
#[derive(Clone, Debug)]
struct Declared {
    task: Task,
    on: Vec<usize>,
}

impl Task {
    fn path(&self) -> Option<&str> {
        match self {
            Self::File { path, .. }
            | Self::Directory { path, .. }
            | Self::Link { path, .. }
            | Self::Absent { path } => Some(path),
            Self::Unit { .. } => Some("/etc/systemd/system/app.service"),
            Self::Service { .. } | Self::Maker { .. } | Self::Meddler { .. } => None,
        }
    }

    fn is_directory(&self) -> bool {
        matches!(self, Self::Directory { .. })
    }
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const CONTENTS: [&str; 4] = ["", "one\n", "two\n", "one\ntwo\nthree\n"];
const MODES: [u32; 4] = [0o644, 0o600, 0o755, 0o640];

fn path(random: &mut Random) -> String {
    let mut path = "/srv".to_owned();
    for _ in 0..=random.next(3) {
        path.push('/');
        path.push_str(random.of(&NAMES));
    }
    path
}

/// Where a link leads: somewhere near, nowhere, or in a circle. What a shell follows must not lead out of the root.
fn target(random: &mut Random, honest: bool) -> String {
    match random.next(if honest { 4 } else { 3 }) {
        0 => random.of(&NAMES).to_owned(),
        1 => format!("../{}", random.of(&NAMES)),
        2 => "nowhere".to_owned(),
        _ => path(random),
    }
}

/// What is there before the run.
fn state(random: &mut Random, bench: &Bench, honest: bool) {
    let at = |path: &str| bench.root().join(path.trim_start_matches('/'));
    fs::create_dir_all(at("/srv")).unwrap();
    let own = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let app = format!("root:x:{}:{}::/:/bin/sh\napp:x:4321:4322::/:/bin/sh\n", own.0, own.1);
    fs::write(at("/etc/passwd"), app).unwrap();
    fs::write(at("/etc/group"), format!("root:x:{}:\napp:x:4322:\n", own.1)).unwrap();
    for _ in 0..random.next(9) {
        let path = path(random);
        let there = at(&path);
        if there.symlink_metadata().is_ok() || !there.parent().is_some_and(Path::is_dir) {
            continue;
        }
        let mode = fs::Permissions::from_mode(random.of(&MODES));
        match random.next(5) {
            0 => symlink(target(random, honest), &there).unwrap(),
            1 | 2 => {
                fs::create_dir(&there).unwrap();
                fs::set_permissions(&there, mode).unwrap();
            }
            _ => {
                fs::write(&there, random.of(&CONTENTS)).unwrap();
                fs::set_permissions(&there, mode).unwrap();
            }
        }
    }
}

/// A plan that builds.
fn plan(random: &mut Random, honest: bool, units: bool) -> Vec<Declared> {
    let mut plan: Vec<Declared> = Vec::new();
    if units && random.once_in(2) {
        let wanted_by =
            random.of(&["multi-user.target", "graphical.target", "multi-user.target graphical.target"]);
        plan.push(Declared { task: Task::Unit { wanted_by }, on: Vec::new() });
    }
    for _ in 0..=random.next(8) {
        let task = match random.next(if honest { 9 } else { 12 }) {
            0..=2 => Task::File {
                path: path(random),
                content: random.of(&CONTENTS),
                secret: random.once_in(4),
                mode: random.of(&MODES),
                of_app: is_root() && random.once_in(4),
            },
            3..=4 => Task::Directory { path: path(random), mode: random.of(&[0o755, 0o700, 0o1777]) },
            5 => Task::Link { path: path(random), target: target(random, honest) },
            6 => Task::Absent { path: path(random) },
            7 => {
                Task::Maker { path: format!("/srv/made-{}", random.of(&NAMES)), directory: random.once_in(2) }
            }
            8 if units => Task::Service {
                enabled: random.of(&[None, Some(true), Some(false)]),
                running: random.of(&[None, Some(true), Some(false)]),
            },
            8 => Task::Directory { path: path(random), mode: 0o755 },
            _ => Task::Meddler {
                does: random.of(&["rm -rf", "touch", "mkdir -p", "echo more >>", "chmod 700", "ln -sfn a"]),
                path: path(random),
                creates: random.once_in(2).then(|| path(random)),
                unless: random.once_in(2).then(|| path(random)),
                only_if: random.once_in(4).then(|| path(random)),
            },
        };
        let mut on: Vec<usize> = Vec::new();
        if let (Task::Maker { .. } | Task::Meddler { .. } | Task::Service { .. }, false) =
            (&task, plan.is_empty())
            && random.once_in(3)
        {
            on.push(random.next(plan.len()));
        }
        plan.push(Declared { task, on });
        if !builds(&plan) {
            plan.pop();
        }
    }
    plan
}

/// As the build has it: each claim once, directories before what is in them, nothing below what is none.
fn builds(plan: &[Declared]) -> bool {
    let (last, before) = plan.split_last().unwrap();
    let alike = |other: &Declared| match (&last.task, &other.task) {
        (Task::Service { .. }, Task::Service { .. }) => true,
        (Task::Maker { path, .. }, Task::Maker { path: other, .. }) => path == other,
        _ => false,
    };
    if before.iter().any(alike) {
        return false;
    }
    match &last.task {
        Task::Meddler { creates: None, unless: None, only_if: None, .. } if last.on.is_empty() => {
            return false;
        }
        Task::Service { enabled: None, running: None } if last.on.is_empty() => return false,
        _ => {}
    }
    let Some(own) = last.task.path() else { return true };
    let below =
        |path: &str, directory: &str| path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
    before.iter().all(|other| {
        let Some(path) = other.task.path() else { return true };
        let removes = matches!(last.task, Task::Absent { .. }) && matches!(other.task, Task::Link { .. });
        path != own && (!below(own, path) || other.task.is_directory() || removes) && !below(path, own)
    })
}

/// Declares it, in the shell's words where a command has to know where the root is.
fn declare(plan: &Plan, declared: &[Declared], bench: &Bench) {
    let root = bench.root().display();
    let mut tasks = Vec::new();
    for (place, Declared { task, on }) in declared.iter().enumerate() {
        tasks.push(match task {
            Task::File { path, content, secret: late, mode, of_app } => {
                let mut text = Text::from(*content);
                if *late {
                    text.push_late(secret("PASSWORD"));
                }
                let file = plan.file(path, text).mode(*mode).expose("a test");
                if *of_app { file.owner("app").group("app").task() } else { file.task() }
            }
            Task::Directory { path, mode } => plan.directory(path).mode(*mode).task(),
            Task::Link { path, target } => plan.link(path, target).task(),
            Task::Absent { path } => plan.absent(path).task(),
            Task::Unit { wanted_by } => {
                let text = format!("[Service]\nExecStart=/bin/true\n[Install]\nWantedBy={wanted_by}\n");
                plan.unit("app.service", text).task()
            }
            Task::Service { enabled, running } => {
                let mut service = plan.service("app");
                service = match enabled {
                    Some(true) => service.enabled(),
                    Some(false) => service.disabled(),
                    None => service,
                };
                service = match running {
                    Some(true) => service.running(),
                    Some(false) => service.stopped(),
                    None => service,
                };
                for on in on {
                    service = service.restart_on(&tasks[*on]);
                }
                service.task()
            }
            Task::Maker { path, directory } => {
                let does = if *directory { "mkdir -p" } else { "touch" };
                let mut command = plan
                    .command(format!("{does} {root}{path}"))
                    .named(format!("{place} {does} {path}"))
                    .creates(path);
                for on in on {
                    command = command.run_on(&tasks[*on]);
                }
                command.task()
            }
            Task::Meddler { does, path, creates, unless, only_if } => {
                let mut command = plan
                    .command(format!("{does} {root}{path} 2>/dev/null || true"))
                    .named(format!("{place} {does} {path}"));
                if let Some(creates) = creates {
                    command = command.creates(creates);
                }
                if let Some(unless) = unless {
                    command = command.unless(format!("test -e {root}{unless}"));
                }
                if let Some(only_if) = only_if {
                    command = command.only_if(format!("test -e {root}{only_if}"));
                }
                for on in on {
                    command = command.run_on(&tasks[*on]);
                }
                command.task()
            }
        });
    }
}

type Told = BTreeMap<u32, (Outcome, Vec<Difference>)>;

/// What a run said of tasks before its closing look, and whether something failed in that.
fn told(ran: &Ran) -> (Told, bool) {
    let closing = ran.said.iter().position(|said| *said == Said::ClosingLook).unwrap_or(ran.said.len());
    let report = |said: &Said| match said {
        Said::Report(report) => Some((report.task, (report.outcome.clone(), report.differences.clone()))),
        _ => None,
    };
    (
        ran.said[..closing].iter().filter_map(report).collect(),
        ran.said[closing..].iter().any(|said| report(said).is_some()),
    )
}

/// What is wrong with a round.
fn wrong(random: &mut Random, honest: bool, units: bool) -> Result<(), String> {
    let mut bench = Bench::in_memory();
    bench.values.insert(secret("PASSWORD"), "correct horse".into());
    if units {
        stand_ins(&bench.beside("tools"));
        fs::create_dir_all(bench.root().join("etc/systemd/system")).unwrap();
        let own = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n";
        fs::write(bench.root().join("etc/systemd/system/app.service"), own).unwrap();
    }
    state(random, &bench, honest);
    let plan = plan(random, honest, units);
    let mut story = String::new();
    for (path, thing) in tree(bench.root()) {
        let _ = writeln!(story, "  {} {thing:?}", path.display());
    }
    for declared in &plan {
        let _ = writeln!(story, "  {declared:?}");
    }
    let before = tree(bench.root());
    let check = bench.run(Mode::Check, |to| declare(to, &plan, &bench));
    let _ = writeln!(story, "check: {:?}", check.said);
    if tree(bench.root()) != before {
        return Err(format!("a check touches nothing\n{story}"));
    }
    let apply = bench.run(Mode::Apply, |to| declare(to, &plan, &bench));
    let _ = writeln!(story, "apply: {:?}", apply.said);
    if honest {
        as_announced(&check, &apply).map_err(|why| format!("{why}\n{story}"))?;
    }
    if apply.summary.failed > 0 {
        return Ok(());
    }
    let conditional = |declared: &Declared| {
        matches!(&declared.task, Task::Meddler { creates: None, unless: None, only_if: Some(_), .. })
    };
    let always: BTreeSet<u32> =
        (0..).zip(&plan).filter(|(_, declared)| conditional(declared)).map(|(at, _)| at).collect();
    let again = bench.run(Mode::Check, |to| declare(to, &plan, &bench));
    let _ = writeln!(story, "check again: {:?}", again.said);
    // A condition alone says when to act, not how things should be: and what it triggers goes with it.
    if always.is_empty() && !again.reports().is_empty() {
        return Err(format!("the apply succeeded, and there is something to do\n{story}"));
    }
    Ok(())
}

/// Announced is made: all that is certain, and nothing that was not announced.
fn as_announced(check: &Ran, apply: &Ran) -> Result<(), String> {
    let ((announced, _), (made, undone)) = (told(check), told(apply));
    if undone {
        return Err("something was undone in a plan whose tasks leave each other alone".to_owned());
    }
    for (task, (outcome, differences)) in &announced {
        match (outcome, made.get(task)) {
            (Outcome::MayChange { .. }, _) => {}
            (_, Some((did, what))) if did == outcome && what == differences => {}
            // What may be was in its way.
            (_, Some((Outcome::Failed(_), _))) | (Outcome::Failed(_), _) if check.summary.may_change > 0 => {
                return Ok(());
            }
            (_, did) => {
                return Err(format!(
                    "task {task} was announced as {outcome:?}, {differences:?}, and was {did:?}"
                ));
            }
        }
    }
    match made.keys().find(|task| !announced.contains_key(task)) {
        Some(task) => Err(format!("task {task} was not announced")),
        None => Ok(()),
    }
}

type Thing = (u32, u32, String);

fn tree(root: &Path) -> BTreeMap<PathBuf, Thing> {
    let mut all = BTreeMap::new();
    let mut left = vec![root.join("srv"), root.join("etc")];
    while let Some(at) = left.pop() {
        let Ok(seen) = at.symlink_metadata() else { continue };
        let content = if seen.is_symlink() {
            fs::read_link(&at).unwrap().display().to_string()
        } else if seen.is_dir() {
            left.extend(fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().path()));
            String::new()
        } else {
            fs::read_to_string(&at).unwrap_or_default()
        };
        all.insert(at.strip_prefix(root).unwrap().to_owned(), (seen.mode(), seen.uid(), content));
    }
    all
}

/// Rounds with fixed seeds, and as many from one that is printed.
fn rounds(honest: bool) {
    let printed = std::process::id().wrapping_mul(2_654_435_761).into();
    for (first, what) in [(0, "fixed"), (printed, "this run's")] {
        println!("seeds from {first} ({what})");
        for round in 0..ROUNDS {
            let seed: u64 = first + round;
            let units = round % WITH_UNITS == 0;
            if let Err(why) = wrong(&mut Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)), honest, units) {
                panic!("seed {seed}: {why}");
            }
        }
    }
}

#[test]
fn an_apply_that_succeeds_leaves_nothing_to_do_and_a_check_announces_what_it_does() {
    rounds(true);
}

#[test]
fn an_apply_that_succeeds_leaves_nothing_to_do_whatever_commands_do() {
    rounds(false);
}
