//! The agent as it runs on hosts, killed or left alone in the middle of a command: what the command has started goes with it.

#![allow(clippy::unwrap_used, reason = "a test that meets something unexpected ends there")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use paracrine_model::content::Blobs;
use paracrine_model::hash::Hash;
use paracrine_model::late::LateValues;
use paracrine_model::plan::{Plan, Work};
use paracrine_model::protocol::{
    self, Changing, Deploy, Failure, Greeting, Looking, Mode, Opening, Outcome, Poised, Request, RunId,
    Summary, Told, WhileLooking,
};
use rustix::process::{Pid, Signal, kill_process};

/// A user's home with all that an agent needs.
struct Home {
    directory: tempfile::TempDir,
    agent: PathBuf,
    /// Tells it from those of tests that run at the same time.
    number: u32,
}

static HOMES: AtomicU32 = AtomicU32::new(0);

/// Everybody but root is this one.
const NOBODY: [&str; 4] = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"];

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // Where nobody can get at it, should root run this.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let agent = directory.path().join("agent");
        fs::copy(env!("CARGO_BIN_EXE_paracrine-agent"), &agent).unwrap();
        Self { directory, agent, number: HOMES.fetch_add(1, Ordering::Relaxed) }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A number that no other process has among its arguments.
    fn mark(&self, number: u32) -> String {
        format!("98{}{:03}{number}", std::process::id(), self.number)
    }

    fn note(&self) -> PathBuf {
        self.at(".local/state/paracrine/run/command")
    }

    fn run(&self, mode: Mode, declare: impl Fn(&Plan)) -> Agent {
        let plan = Plan::new(Blobs::default());
        declare(&plan);
        let (plan, problems) = plan.finish();
        assert!(problems.is_empty(), "{problems:?}");
        let work: Vec<Work> = plan.tasks.into_iter().map(|task| task.work).collect();
        let work = postcard::to_allocvec(&work).unwrap();

        let is_root = rustix::process::geteuid().is_root();
        let mut command = Command::new(if is_root { Path::new("setpriv") } else { self.agent.as_path() });
        if is_root {
            command.args(NOBODY).arg(&self.agent);
        }
        command.args(["serve", "nonce"]).env("HOME", self.directory.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut agent = Agent {
            to: child.stdin.take(),
            from: BufReader::new(child.stdout.take().unwrap()),
            child,
            notices: vec![],
        };
        let deploy = Deploy {
            run: RunId::new(0, std::process::id()),
            identity: "shop/dev/web1".into(),
            adopt: false,
            mode,
            lock_wait: 0,
            holder: "ann@laptop".into(),
            commit: None,
            values: LateValues::default(),
            plan: u32::try_from(work.len()).unwrap(),
        };
        let own = Hash::of(&fs::read(&self.agent).unwrap());
        agent.say(&Opening { agent: own, request: Request::Deploy(Box::new(deploy)) });
        agent.to.as_mut().unwrap().write_all(&work).unwrap();
        let mut line = String::new();
        agent.from.read_line(&mut line).unwrap();
        assert_eq!(line, "PARACRINE nonce agent\n");
        let Greeting::Hello { .. } = agent.hear() else { panic!("no hello") };
        agent
    }

    fn apply(&self, declare: impl Fn(&Plan)) -> Agent {
        self.run(Mode::Apply, declare)
    }
}

/// An agent at work.
struct Agent {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    notices: Vec<String>,
}

impl Agent {
    fn say<M: protocol::Message>(&mut self, message: &M) {
        protocol::write(self.to.as_mut().unwrap(), message).unwrap();
    }

    fn hear<M: protocol::Message>(&mut self) -> M {
        protocol::read(&mut self.from).unwrap()
    }

    /// Gives leave, and returns when the first task has begun.
    fn begin(&mut self) {
        loop {
            match self.hear() {
                Looking::Told(Told::Notice(text)) => self.notices.push(text),
                Looking::Ready { lacking } => break assert_eq!(lacking, []),
                other => panic!("{other:?}"),
            }
        }
        self.say(&WhileLooking::Leave);
        assert_eq!(self.hear::<Poised>(), Poised::Left);
        assert_eq!(self.hear::<Changing>(), Changing::Begun { task: 0 });
    }

    /// Comes to its end, after its leave.
    fn ended(&mut self) -> (Summary, Vec<Outcome>) {
        let mut outcomes = Vec::new();
        loop {
            match self.hear() {
                Changing::Begun { .. } | Changing::ClosingLook => {}
                Changing::Told(Told::Notice(text)) => self.notices.push(text),
                Changing::Told(Told::Report(report)) => outcomes.push(report.outcome),
                Changing::Told(Told::Done(summary)) => return (summary, outcomes),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Is refused before it may do anything.
    fn refused(&mut self) -> Failure {
        loop {
            match self.hear() {
                Looking::Told(Told::Refused(failure)) => return failure,
                Looking::Told(Told::Notice(text)) => self.notices.push(text),
                other => panic!("{other:?}"),
            }
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processes that have this among their arguments.
fn with(argument: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes()) {
            found.push(id);
        }
    }
    found
}

#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(120), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Declares a command that is run in every run.
fn always(plan: &Plan, script: &str, name: &str) {
    plan.command(script).named(name).unless("false");
}

fn kill(process: u32) {
    signal(process, Signal::KILL);
}

fn signal(process: u32, signal: Signal) {
    // One that has just ended is nothing to complain about.
    let _ = kill_process(Pid::from_raw(i32::try_from(process).unwrap()).unwrap(), signal);
}

/// A script that starts processes with marks 0 to 4 in all ways in which they get away from a process group, and waits.
fn scattering(home: &Home) -> String {
    let marks: Vec<String> = (0..5).map(|number| home.mark(number)).collect();
    format!(
        "sleep {} &\n(sleep {} & sleep {}) &\nsetsid sleep {} &\nsetsid sh -c 'sleep {} &'\nwait",
        marks[0], marks[1], marks[0], marks[2], marks[3]
    )
}

fn scattered(home: &Home) -> Vec<(u32, usize)> {
    (0..4).map(|number| (number, with(&home.mark(number)).len())).collect()
}

const ALL: [(u32, usize); 4] = [(0, 2), (1, 1), (2, 1), (3, 1)];
const NONE: [(u32, usize); 4] = [(0, 0), (1, 0), (2, 0), (3, 0)];

#[test]
fn a_killed_agent_takes_with_it_all_that_its_command_has_started() {
    let home = Home::new();
    let declare = |plan: &Plan| always(plan, &scattering(&home), "scatter");
    for _ in 0..3 {
        let mut agent = home.apply(declare);
        agent.begin();
        until("they run", || scattered(&home) == ALL);
        agent.kill();
        // At once: the next run is to find nothing of it, or to wait until it is so.
        let mut next = home.apply(declare);
        next.begin();
        until("one of each", || scattered(&home) == ALL);
        next.kill();
        until("they are gone", || scattered(&home) == NONE);
    }
    until("so is the note", || !home.note().exists());
}

#[test]
fn one_that_will_not_end_is_killed() {
    let home = Home::new();
    let mark = home.mark(0);
    let script = format!("setsid sh -c \"trap '' TERM; while :; do sleep 0.1; done\" {mark}");
    let mut agent = home.apply(|plan| always(plan, &script, "stay"));
    agent.begin();
    until("it runs", || !with(&mark).is_empty());
    agent.kill();
    until("it is gone", || with(&mark).is_empty());
}

#[test]
fn a_connection_that_is_cut_ends_what_went_into_a_session_of_its_own() {
    let home = Home::new();
    let mut agent = home.apply(|plan| always(plan, &scattering(&home), "scatter"));
    agent.begin();
    until("they run", || scattered(&home) == ALL);
    agent.to = None;
    until("they are gone", || scattered(&home) == NONE);
    assert!(agent.child.wait().unwrap().success());
    assert!(!home.note().exists());
}

#[test]
fn a_command_whose_time_is_over_ends_with_what_went_into_a_session_of_its_own() {
    let home = Home::new();
    let mut agent = home.apply(|plan| {
        plan.command(scattering(&home)).named("scatter").unless("false").timeout(2);
    });
    agent.begin();
    let (summary, outcomes) = agent.ended();
    assert_eq!(summary.failed, 1);
    let Outcome::Failed(failure) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(failure.message, "the command was ended because it took longer than 2 s");
    assert_eq!(scattered(&home), NONE);
}

#[test]
fn what_a_command_that_succeeded_has_left_running_lives_on() {
    let home = Home::new();
    let (mark, made) = (home.mark(0), home.at("made"));
    let script = format!("sleep {mark} &\nsetsid sh -c 'sleep {mark} &'\ntouch {}", made.display());
    let declare = |plan: &Plan| {
        plan.command(script.clone()).named("daemons").creates(made.to_str().unwrap());
    };
    let mut agent = home.apply(declare);
    agent.begin();
    assert_eq!(agent.ended().0.changed, 1);
    drop(agent.to.take());
    assert!(agent.child.wait().unwrap().success());
    assert!(!home.note().exists());
    // Another run leaves them alone as well.
    let mut again = home.apply(declare);
    assert!(matches!(again.hear(), Looking::Told(Told::Done(Summary { unchanged: 1, .. }))));
    let alive = with(&mark);
    alive.iter().copied().for_each(kill);
    assert_eq!(alive.len(), 2);
}

#[test]
fn a_command_ends_as_it_did_without_a_keeper() {
    let home = Home::new();
    for (script, how) in [
        ("exit 7", "ended with status 7"),
        ("kill -SEGV $$", "was ended by signal 11 (SIGSEGV)"),
        ("kill -TERM $$", "was ended by signal 15 (SIGTERM)"),
        ("kill -KILL $$", "was ended by signal 9 (SIGKILL: the kernel does that when memory runs out)"),
        ("echo said; echo also >&2; read line || exit 3", "ended with status 3"),
    ] {
        let mut agent = home.apply(|plan| always(plan, script, "it"));
        agent.begin();
        let (_, outcomes) = agent.ended();
        let Outcome::Failed(failure) = &outcomes[0] else { panic!("{script}: {outcomes:?}") };
        assert_eq!(failure.message, format!("the command {how}"), "{script}");
        let said = script.contains("said").then_some("said\nalso");
        assert_eq!(failure.output.as_deref(), said, "{script}");
    }
}

#[test]
fn the_next_run_ends_what_was_left_by_an_agent_that_was_killed_with_its_keeper() {
    let home = Home::new();
    let mark = home.mark(0);
    let script = format!("sleep {mark} &\nsleep {mark}");
    let declare = |plan: &Plan| always(plan, &script, "sleep");
    let mut agent = home.apply(declare);
    agent.begin();
    until("they run", || with(&mark).len() == 2);
    let note = fs::read_to_string(home.note()).unwrap();
    let keeper: u32 = note.split(' ').nth(1).unwrap().parse().unwrap();
    // Each of the two would do it without the other.
    signal(keeper, Signal::STOP);
    agent.kill();
    kill(keeper);
    assert_eq!(with(&mark).len(), 2);

    let mut check = home.run(Mode::Check, declare);
    let Told::Notice(notice) = check.hear() else { panic!("no notice") };
    let start = "a command of a run that was cut off is still at work here: ";
    assert!(notice.starts_with(start) && notice.ends_with("; apply ends it"), "{notice}");
    assert!(with(&mark).iter().all(|id| notice.contains(&format!("sleep ({id})"))), "{notice}");
    drop(check);

    let mut next = home.apply(declare);
    next.begin();
    let told = next.notices.iter().find(|notice| notice.starts_with("ended what")).unwrap();
    let start = "ended what a command of the run that was cut off had left running: ";
    assert!(told.starts_with(start) && told.matches("sleep (").count() == 2, "{told}");
    until("only the new ones run", || with(&mark).len() == 2);
}

#[test]
fn a_keeper_that_is_killed_alone_leaves_its_command_to_the_agent() {
    let home = Home::new();
    let mark = home.mark(0);
    let script = format!("sleep {mark} &\nsleep {mark}");
    let mut agent = home.apply(|plan| always(plan, &script, "sleep"));
    agent.begin();
    until("they run", || with(&mark).len() == 2);
    let note = fs::read_to_string(home.note()).unwrap();
    kill(note.split(' ').nth(1).unwrap().parse().unwrap());
    let (_, outcomes) = agent.ended();
    assert!(matches!(outcomes[0], Outcome::Failed(_)), "{outcomes:?}");
    assert_eq!(with(&mark), [] as [u32; 0]);
    assert!(!home.note().exists());
}

#[test]
fn packages_that_a_command_installs_are_not_torn() {
    let home = Home::new();
    let (apt, begun, done) = (home.at("apt-get"), home.at("begun"), home.at("done"));
    // It says more than a pipe holds, to nobody, and starts a daemon at its end.
    let program = format!(
        "#!/bin/sh\ntouch {}\nsleep 1\nseq 100000\nsetsid sleep {} </dev/null >/dev/null 2>&1 &\nsleep 0.5\ntouch {}\n",
        begun.display(),
        home.mark(1),
        done.display()
    );
    fs::write(&apt, program).unwrap();
    fs::set_permissions(&apt, fs::Permissions::from_mode(0o755)).unwrap();
    let mark = home.mark(0);
    let script = format!("sleep {mark} &\n{} install x\ntouch {}", apt.display(), home.at("after").display());
    let declare = |plan: &Plan| always(plan, &script, "install");
    let mut agent = home.apply(declare);
    agent.begin();
    until("it has begun", || begun.exists() && !with(&mark).is_empty());
    agent.kill();
    until("the rest is gone", || with(&mark).is_empty());
    assert!(!done.exists(), "apt is still at work");
    // The next run waits for it.
    let mut next = home.apply(|plan| always(plan, "true", "other"));
    next.begin();
    assert!(done.exists() && !home.at("after").exists());
    let daemon = with(&home.mark(1));
    daemon.iter().copied().for_each(kill);
    assert_eq!(daemon.len(), 1, "what a package has started lives on");
}

#[test]
fn a_run_does_not_begin_beside_what_is_not_over() {
    let home = Home::new();
    let apt = home.at("apt-get");
    let mark = home.mark(0);
    fs::write(&apt, format!("#!/bin/sh\nsleep {mark}\n")).unwrap();
    fs::set_permissions(&apt, fs::Permissions::from_mode(0o755)).unwrap();
    let declare = |plan: &Plan| always(plan, &apt.to_string_lossy(), "install");
    let mut agent = home.apply(declare);
    agent.begin();
    until("it runs", || !with(&mark).is_empty());
    agent.kill();
    let failure = home.apply(declare).refused();
    let start = "a command of a run that was cut off is still at work here: apt-get (";
    assert!(failure.message.starts_with(start), "{}", failure.message);
    let help = "wait until it has ended, or end it with `kill`, and run again";
    assert_eq!(failure.help.as_deref(), Some(help));
    with(&mark).into_iter().for_each(kill);
    until("it is over", || !home.note().exists());
}

#[test]
fn a_guard_that_takes_its_time_goes_with_the_agent() {
    let home = Home::new();
    let mark = home.mark(0);
    for mode in [Mode::Check, Mode::Apply] {
        let guard = format!("sleep {mark}; false");
        let mut agent = home.run(mode, |plan| {
            plan.command("true").named("guarded").unless(&guard);
        });
        until("it is asked", || !with(&mark).is_empty());
        until("it is kept", || !with("beside").is_empty());
        agent.kill();
        until("it is gone", || with(&mark).is_empty());
        assert!(!home.note().exists());
    }
}
