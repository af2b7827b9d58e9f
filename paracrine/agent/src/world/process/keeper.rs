//! Keepers: what a command starts does not outlive the agent.
//!
//! ```text
//! agent ─► keeper ─► command ─► whatever it starts, also in sessions of its own; orphans come back to the keeper
//!      └── its standard error is a pipe that the agent holds: hung up, be it because the agent was killed, it ends all of that
//! ```
//!
//! A keeper is the agent's own executable. When the command ends by itself, the keeper ends like it, and what the command has
//! left running, say a daemon, lives on. Commands that are only asked something (guards) have none before they have run for
//! a while: then one is put beside them, as a run in which nothing changes has to start no more processes than it needs.
//!
//! A keeper that is killed too leaves its note, which the next run finds: see [`left`].

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::OFlags;
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, kill_process, pidfd_open,
    set_child_subreaper, set_dumpable_behavior, wait,
};

use super::doomed::{Doomed, Packages, Whose};
use super::{left, table};

/// The agent's executable, started again.
const OWN: &str = "/proc/self/exe";

/// The first argument of a keeper.
pub const WORD: &str = "keep";

/// What the agent says to its keeper before it hangs up, when packages are to be ended as well.
const ALL: &[u8] = b"!";

/// As what keepers are seen.
const NAME: &str = "paracrine-keep";

/// For commands that have run for so long without a keeper, it is worth it to start one.
pub(super) const WHILE: Duration = Duration::from_millis(100);

/// How often a keeper buries orphans that have ended.
const ROUND: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

static NOTES: OnceLock<Option<PathBuf>> = OnceLock::new();

/// From now on commands have keepers, which leave their notes in this directory if there is one: a run that only looks
/// leaves none. A second call changes nothing.
pub fn have_keepers(notes: Option<PathBuf>) {
    let _ = NOTES.set(notes);
}

/// Whether commands have keepers.
pub(super) fn wanted() -> bool {
    NOTES.get().is_some()
}

/// Ends what a keeper has left running that was killed itself; where that cannot be done, the next run tells.
pub(super) fn clean_up() {
    if let Some(directory) = NOTES.get().and_then(Option::as_ref) {
        let _ = left::end(directory, || true);
    }
}

/// The agent's end of its keeper.
pub(super) struct Rein(PipeWriter);

impl Rein {
    /// The end of it is for the keeper's standard error.
    pub(super) fn new() -> io::Result<(Self, PipeReader)> {
        let (reader, writer) = io::pipe()?;
        Ok((Self(writer), reader))
    }

    /// Has the keeper end all that it keeps, and itself.
    pub(super) fn end(mut self, packages: Packages) {
        if packages == Packages::End {
            // If it is gone, so is what it kept.
            let _ = self.0.write_all(ALL);
        }
    }
}

/// The command line of a keeper of this command.
pub(super) fn command_line(command: Vec<OsString>) -> Vec<OsString> {
    let note = NOTES.get().and_then(Option::as_ref).map(|directory| directory.join(left::NOTE));
    let note = note.map_or_else(OsString::new, PathBuf::into_os_string);
    let mut line = vec![OWN.into(), WORD.into(), note];
    line.extend(command);
    line
}

/// A keeper of a program that runs already, and of its group.
pub(super) struct Beside {
    keeper: Child,
    _rein: Rein,
}

impl Beside {
    /// Starts one, if it can be started.
    pub(super) fn start(process: u32) -> Option<Self> {
        let (rein, reader) = Rein::new().ok()?;
        let mut keeper = Command::new(OWN);
        keeper
            .args([WORD, "beside", &process.to_string()])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let keeper = keeper.stderr(reader).process_group(0).spawn().ok()?;
        Some(Self { keeper, _rein: rein })
    }
}

impl Drop for Beside {
    /// The program has ended, and what it has left behind goes on.
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// Keeps a command: the arguments are where to leave a note, and the command; or `beside`, and a process.
pub fn keep(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    // Who looks at the processes of the machine sees what it is.
    let _ = fs::write("/proc/self/comm", NAME);
    let (first, second) = (arguments.next(), arguments.next());
    let (Some(first), Some(second), Ok(rein)) = (first, second, io::stderr().as_fd().try_clone_to_owned())
    else {
        return ExitCode::FAILURE;
    };
    if first == "beside" {
        let process = second.to_str().and_then(|number| number.parse().ok());
        if let Some(process) = process {
            beside(process, &rein);
        }
        return ExitCode::SUCCESS;
    }
    let note = Some(PathBuf::from(first)).filter(|note| !note.as_os_str().is_empty());
    let mut command = Command::new(second);
    command.args(arguments);
    keep_command(command, note.as_deref(), rein)
}

fn keep_command(mut command: Command, note: Option<&Path>, rein: OwnedFd) -> ExitCode {
    // Without this, orphans would get away; that is no reason not to do what is asked.
    let _ = set_child_subreaper(Some(getpid()));
    // Whoever still writes when the agent is gone is not to be ended by that before it is told.
    let output = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open("/proc/self/fd/1");
    let note = note.map(left::Note::begin);
    // An agent that is gone by now does not want it any more.
    if !matches!(said(&rein, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }), None), Said::Nothing) {
        return ExitCode::FAILURE;
    }
    let started = io::stdout()
        .as_fd()
        .try_clone_to_owned()
        .and_then(|out| command.stderr(out).process_group(0).spawn());
    let child = match started {
        Ok(child) => child,
        Err(error) => {
            println!("cannot run {}: {error}", command.get_program().display());
            return ExitCode::from(127);
        }
    };
    if let Some(note) = &note {
        note.started(child.id());
    }
    let pidfd = pid(child.id()).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    let packages = loop {
        let told = said(&rein, Some(&ROUND), pidfd.as_ref());
        if let Some(status) = bury(child.id()) {
            drop(note);
            end_like(status);
        }
        match told {
            Said::End(packages) => break packages,
            Said::Nothing => {}
        }
    };
    let mut output = output.ok();
    Doomed::new(Whose::From(std::process::id()), packages).end(|tick| {
        output.as_mut().map(drain);
        bury(child.id());
        std::thread::sleep(tick);
    });
    ExitCode::FAILURE
}

/// Keeps a process that is somebody else's child.
fn beside(process: u32, rein: &OwnedFd) {
    let Some(pidfd) = pid(process).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else {
        return;
    };
    let end = loop {
        match said(rein, Some(&ROUND), Some(&pidfd)) {
            Said::End(packages) => break packages,
            Said::Nothing if table::one(process).is_none_or(|process| process.ended) => return,
            Said::Nothing => {}
        }
    };
    Doomed::new(Whose::Group(process, None), end).end(std::thread::sleep);
}

/// What the agent said.
enum Said {
    Nothing,
    End(Packages),
}

/// Waits until the agent says something, the process ends, or the time is over.
fn said(rein: &OwnedFd, wait: Option<&Timespec>, process: Option<&OwnedFd>) -> Said {
    let short = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
    // Before Linux 5.3 the kernel has no descriptors for processes.
    let wait = if process.is_none() && wait == Some(&ROUND) { Some(&short) } else { wait };
    let mut polled = vec![PollFd::new(rein, PollFlags::IN)];
    polled.extend(process.map(|process| PollFd::new(process, PollFlags::IN)));
    if poll(&mut polled, wait).is_err() || polled[0].revents().is_empty() {
        return Said::Nothing;
    }
    let mut word = [0; 1];
    match rustix::io::read(rein, &mut word) {
        Ok(1) if word == ALL => Said::End(Packages::End),
        Err(rustix::io::Errno::INTR) => Said::Nothing,
        _ => Said::End(Packages::Finish),
    }
}

/// Takes leave of all children that have ended; tells how the command did, if it is among them.
fn bury(command: u32) -> Option<WaitStatus> {
    let mut how = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid.as_raw_nonzero().get().cast_unsigned() == command {
            how = Some(status);
        }
    }
    how
}

/// Ends as the command did.
fn end_like(status: WaitStatus) -> ! {
    let signal = status.terminating_signal().unwrap_or_default();
    if let Some(signal) = Signal::from_named_raw(signal) {
        // The command had its core file, if it was to have one.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        // The first may meet the standard library, which looks whether the stack is full.
        for _ in 0..2 {
            let _ = kill_process(getpid(), signal);
        }
    }
    // What is ignored by programs in Rust (SIGPIPE), in the words of shells.
    std::process::exit(status.exit_status().unwrap_or(128 + signal));
}

/// Reads what is there, so that nobody has to wait until there is room.
fn drain(output: &mut File) {
    let mut some = [0; 16 * 1024];
    while matches!(output.read(&mut some), Ok(1..)) {}
}

fn pid(process: u32) -> Option<Pid> {
    i32::try_from(process).ok().and_then(Pid::from_raw)
}
