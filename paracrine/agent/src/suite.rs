//! Tests: what every resource has to pass. The table is made of the rows that each resource gives in its `tests.rs`, and the
//! list of all resources runs them: a resource without a row does not compile.
//!
//! ```text
//! check   touches nothing
//! apply   does what check said, task by task; applied again, it changes nothing
//! drift   made by hand is found and mended
//! removal where there is one
//! names   unusual ones
//! failure half-way leaves a truthful report: what failed, what was not done, nothing else
//! ```
//!
//! Below a temporary root, where systemctl and apt are programs that stand for them; with `PARACRINE_SUITE=host` on the
//! machine itself, which is a lab host then.

mod random;

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use paracrine_model::plan::Plan;
use paracrine_model::protocol::{Difference, Mode, Outcome, Report, Summary};
use paracrine_model::resource::Kind;

use crate::engine::bench::{Bench, Ran};
use crate::manage::Manage;
use crate::world::process::TOOLS;

/// A resource that is in the table.
pub(crate) trait Tried: Manage + Kind {
    /// In how many ways it is tried.
    fn rows() -> Vec<Row>;
}

/// One way in which a resource is tried. Scripts are for `sh -e`, with `$ROOT` before each path and `$NAME`.
pub(crate) struct Row {
    /// What of the resource this is about.
    pub(crate) what: &'static str,
    /// Whether this machine has what it needs; what has not is counted.
    pub(crate) needs: fn() -> bool,
    /// What it is called; the first goes through everything, others come and go.
    pub(crate) names: Vec<String>,
    /// Made by hand before.
    pub(crate) given: &'static str,
    /// What should be; `root` is for scripts in it.
    pub(crate) wanted: fn(&Plan, name: &str, root: &str),
    /// Tells what there is, without the agent.
    pub(crate) witness: &'static str,
    /// By hand: what it is, and how it is made.
    pub(crate) drifts: &'static [(&'static str, &'static str)],
    /// What should be when it is gone, if it can be removed.
    pub(crate) removed: Option<fn(&Plan, name: &str)>,
    /// What goes wrong, if anything can.
    pub(crate) failure: Wrong,
}

/// How applying is made to fail.
pub(crate) struct Wrong {
    /// By hand: something to do, and that it cannot be done.
    pub(crate) made: &'static str,
    /// What is said then.
    pub(crate) says: &'static str,
    /// Whether a check says so already; nothing is touched then.
    pub(crate) foreseen: bool,
    /// By hand: it can be done.
    pub(crate) mended: &'static str,
}

/// What has to be understood in every name of a file.
pub(crate) fn odd_names() -> Vec<String> {
    let names =
        ["plain", "with space", "ünï→cödé", "-rf", "*", "$(id)", "a'b\"c`d", "back\\slash", ".hidden"];
    names.map(str::to_owned).into()
}

/// Whether the machine itself is tried.
pub(crate) fn on_host() -> bool {
    std::env::var_os("PARACRINE_SUITE").is_some_and(|value| value == "host")
}

/// Tries a resource.
pub(crate) fn passes<R: Tried>() {
    let rows = R::rows();
    assert!(!rows.is_empty(), "a resource has a row at least");
    for row in rows.into_iter().filter(|row| (row.needs)()) {
        let names = if on_host() { &row.names[..1] } else { &row.names[..] };
        for (at, name) in names.iter().enumerate() {
            let trial = Trial::new(&row, name);
            let what = format!("{} {name:?}, {}", R::KIND, row.what);
            let declared = trial.bench.tasks(|plan| trial.declare(plan));
            assert!(declared.iter().any(|task| R::of(&task.resource).is_some()), "{what} is in its own row");
            trial.comes_and_goes(&what);
            if at == 0 {
                trial.drifts(&what);
                trial.fails(&what);
            }
        }
    }
}

/// Something in a snapshot: kind and mode, owner, group, length, time of its last change.
type Thing = (u32, u32, u32, u64, (i64, i64));

struct Trial<'r> {
    row: &'r Row,
    name: &'r str,
    bench: Bench,
}

impl<'r> Trial<'r> {
    fn new(row: &'r Row, name: &'r str) -> Self {
        let bench = if on_host() { Bench::on_the_machine() } else { Bench::new() };
        if !on_host() {
            stand_ins(&bench.beside("tools"));
        }
        let trial = Self { row, name, bench };
        if on_host() {
            // But for what the host's apt installs from.
            trial.sh("mkdir -p /srv; find /srv -mindepth 1 -maxdepth 1 ! -name apt -exec rm -rf {} +");
        }
        trial.sh(row.given);
        trial
    }

    fn declare(&self, plan: &Plan) {
        (self.row.wanted)(plan, self.name, self.root());
    }

    /// Before each path in a script; nothing on the machine itself.
    fn root(&self) -> &str {
        self.bench.root().to_str().unwrap().trim_end_matches('/')
    }

    fn sh(&self, script: &str) -> String {
        let tools = self.bench.beside("tools");
        let path =
            format!("{}:{}", tools.display(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        let done = Command::new("sh")
            .args(["-e", "-c", script])
            .envs([("ROOT", self.root()), ("NAME", self.name), ("PATH", &path)])
            .current_dir("/")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{script}\n{said}{}", String::from_utf8_lossy(&done.stderr));
        said
    }

    fn witness(&self) -> String {
        self.sh(self.row.witness)
    }

    /// It is announced, made, left alone and, where it can be, removed.
    fn comes_and_goes(&self, what: &str) {
        let before = self.witness();
        self.done_as_announced(what, |plan| self.declare(plan));
        let right = self.witness();
        assert_ne!(right, before, "{what}: it can be seen that it was made");
        if let Some(removed) = self.row.removed {
            self.done_as_announced(&format!("removal of {what}"), |plan| removed(plan, self.name));
            assert_ne!(self.witness(), right, "{what}: it can be seen that it was removed");
            self.done_as_announced(&format!("{what} again"), |plan| self.declare(plan));
            assert_eq!(self.witness(), right, "{what}: as it was before its removal");
        }
    }

    fn drifts(&self, what: &str) {
        let right = self.witness();
        for (drift, made) in self.row.drifts {
            self.sh(made);
            assert_ne!(self.witness(), right, "{what}: {drift} can be seen");
            self.done_as_announced(&format!("{drift} of {what}"), |plan| self.declare(plan));
            assert_eq!(self.witness(), right, "{what}: {drift} is mended");
        }
    }

    fn fails(&self, what: &str) {
        let wrong = &self.row.failure;
        let right = self.witness();
        let with_another = |plan: &Plan| {
            self.declare(plan);
            plan.directory("/srv/after-it");
        };
        self.sh(wrong.made);
        let before = self.snapshot();
        let check = self.bench.run(Mode::Check, with_another);
        assert_eq!(self.snapshot(), before, "{what} that fails: a check touches nothing");
        let apply = self.bench.run(Mode::Apply, with_another);

        let failed = |ran: &Ran| {
            let reports = ran.reports().into_iter();
            let failed: Vec<_> =
                reports.filter(|report| matches!(report.outcome, Outcome::Failed(_))).cloned().collect();
            failed
        };
        let [report] = &failed(&apply)[..] else { panic!("{what} fails: {:?}", apply.said) };
        let Outcome::Failed(failure) = &report.outcome else { unreachable!() };
        assert!(failure.message.contains(wrong.says), "{what}: {failure:?}");
        let reported = u32::try_from(apply.reports().len()).unwrap();
        let Summary { changed, failed: times, skipped, .. } = apply.summary;
        assert_eq!(
            (changed, times, skipped > 0),
            (reported - 1, 1, true),
            "{what} fails: {:?}",
            apply.summary
        );
        assert!(!self.bench.root().join("srv/after-it").exists(), "{what}: nothing is done after a failure");
        if wrong.foreseen {
            assert_eq!(
                stripped(&failed(&check)),
                stripped(&failed(&apply)),
                "{what}: a check says it already"
            );
            assert_eq!(self.snapshot(), before, "{what}: nothing is touched");
        } else {
            let announced =
                check.reports().into_iter().find(|announced| announced.task == report.task).unwrap();
            assert_eq!(
                announced.differences, report.differences,
                "{what}: what was tried is what was announced"
            );
        }

        self.sh(wrong.mended);
        let done = self.bench.run(Mode::Apply, |plan| self.declare(plan));
        assert_eq!(
            (done.summary.failed, done.summary.skipped),
            (0, 0),
            "{what} after a failure: {:?}",
            done.said
        );
        assert_eq!(self.witness(), right, "{what}: made after a failure");
        self.nothing_is_left(what, |plan| self.declare(plan));
    }

    /// A check touches nothing, an apply does what it said, and nothing is left to be done.
    fn done_as_announced(&self, what: &str, declare: impl Fn(&Plan) + Copy) {
        let before = self.snapshot();
        let check = self.bench.run(Mode::Check, declare);
        assert_eq!(self.snapshot(), before, "{what}: a check touches nothing");
        let apply = self.bench.run(Mode::Apply, declare);
        assert_eq!(said(&apply), said(&check), "{what}: an apply does what a check said");
        let reports = apply.reports();
        assert!(!reports.is_empty(), "{what}: something is done");
        assert!(reports.iter().all(|report| report.outcome == Outcome::Changed), "{what}: {reports:?}");
        self.nothing_is_left(what, declare);
    }

    fn nothing_is_left(&self, what: &str, declare: impl Fn(&Plan) + Copy) {
        let after = self.snapshot();
        let count = u32::try_from(self.bench.tasks(declare).len()).unwrap();
        for mode in [Mode::Check, Mode::Apply] {
            let again = self.bench.run(mode, declare);
            assert_eq!(again.reports(), [] as [&Report; 0], "{what}: nothing is left to be done ({mode:?})");
            assert_eq!(again.summary, Summary { unchanged: count, ..Summary::default() }, "{what}: {mode:?}");
            assert_eq!(
                self.snapshot(),
                after,
                "{what}: where nothing is to be done, nothing is touched ({mode:?})"
            );
        }
    }

    /// What there is, with the times of its last changes.
    fn snapshot(&self) -> BTreeMap<PathBuf, Thing> {
        let mut all = BTreeMap::new();
        let mut left = match on_host() {
            false => vec![self.bench.root().to_owned()],
            true => ["/etc", "/home", "/srv", "/usr/bin", "/var/lib/apt", "/var/lib/dpkg"]
                .map(PathBuf::from)
                .into(),
        };
        while let Some(at) = left.pop() {
            let Ok(seen) = at.symlink_metadata() else { continue };
            if seen.is_dir() {
                left.extend(std::fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().path()));
            }
            let changed = (seen.ctime(), seen.ctime_nsec());
            all.insert(at, (seen.mode(), seen.uid(), seen.gid(), seen.len(), changed));
        }
        all
    }
}

/// What a run said of tasks, without how long they took.
fn said(ran: &Ran) -> Vec<(u32, Outcome, Vec<Difference>)> {
    stripped(&ran.reports().into_iter().cloned().collect::<Vec<_>>())
}

fn stripped(reports: &[Report]) -> Vec<(u32, Outcome, Vec<Difference>)> {
    let of = |report: &Report| (report.task, report.outcome.clone(), report.differences.clone());
    reports.iter().map(of).collect()
}

/// Programs that stand for those that a temporary root has not.
pub(crate) fn stand_ins(directory: &Path) {
    std::fs::create_dir_all(directory).unwrap();
    for (name, script) in [
        ("systemctl", include_str!("suite/systemctl.sh")),
        ("journalctl", "#!/bin/sh\n"),
        ("apt-get", include_str!("suite/apt.sh")),
        ("apt-cache", include_str!("suite/apt.sh")),
    ] {
        let at = directory.join(name);
        std::fs::write(&at, script).unwrap();
        std::fs::set_permissions(&at, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    TOOLS.set(Some(directory.to_owned()));
}
