//! Starting a program and waiting for its end.

use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use paracrine_model::protocol::Failure;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{MemfdFlags, Mode, memfd_create};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, umask, waitid,
};

use super::capture::Capture;
use super::doomed::{GRACE, Packages};
use super::keeper::{self, Beside, Rein};
use super::{ANSWER, End, Finished, OUTPUT, Program, interruption, search_path};

/// How often a program is looked at where the kernel has no descriptors for processes (before Linux 5.3).
const TICK: Duration = Duration::from_millis(10);

/// A program that runs. Dropped before its end, it is killed.
pub struct Running {
    /// The program, or its keeper.
    child: Child,
    /// By which the keeper has it end with all that it started.
    rein: Option<Rein>,
    /// A keeper that was started later.
    beside: Option<Beside>,
    /// Readable once the child has ended.
    pidfd: Option<OwnedFd>,
    input: Option<(ChildStdin, Vec<u8>, usize)>,
    streams: Vec<Stream>,
    /// What takes the place of the first stream for one that outlives us.
    file: Option<File>,
    started: Instant,
    timeout: Duration,
    interruptible: bool,
    whole: bool,
    program: String,
    reaped: bool,
}

struct Stream {
    pipe: PipeReader,
    capture: Capture,
    open: bool,
}

/// What a turn of waiting brought.
enum Woken {
    Ended,
    Interrupted,
    Other,
}

impl Running {
    pub(super) fn start(program: Program) -> Result<Self, Failure> {
        // What is asked something has to answer at once, without another process.
        if program.interruptible
            && !program.separate
            && keeper::wanted()
            && let Ok(running) = Self::start_as(program.clone(), true)
        {
            return Ok(running);
        }
        Self::start_as(program, false)
    }

    fn start_as(program: Program, kept: bool) -> Result<Self, Failure> {
        let name = program.name();
        let wrong = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Failure::new(format!("the host has no program `{name}`")),
            _ => Failure::new(format!("cannot run {name}: {error}")),
        };
        // Looked at first, because the error of the start would not tell it from a missing program.
        match std::fs::metadata(&program.directory) {
            Ok(there) if there.is_dir() => {}
            Ok(_) => {
                return Err(Failure::new(format!("{} is not a directory", program.directory.display())));
            }
            Err(error) => {
                let directory = program.directory.display();
                return Err(match error.kind() {
                    io::ErrorKind::NotFound => {
                        Failure::new(format!("the directory {directory} does not exist"))
                    }
                    _ => Failure::new(format!("cannot enter the directory {directory}: {error}")),
                });
            }
        }
        let limit = if program.whole { ANSWER } else { OUTPUT };
        let stream = |pipe| Stream { pipe, capture: Capture::new(limit), open: true };

        let line = program.command_line();
        let line = if kept { keeper::command_line(line) } else { line };
        let (first, rest) = line.split_first().ok_or_else(|| Failure::new("there is no program to run"))?;
        let mut streams = Vec::new();
        let mut pipe = || -> io::Result<OwnedFd> {
            let (reader, writer) = io::pipe()?;
            streams.push(stream(reader));
            Ok(writer.into())
        };
        // Some systems forbid such files; a pipe does as well as long as nobody kills us.
        let file = program.outliving.then(|| memfd_create("output", MemfdFlags::CLOEXEC).ok()).flatten();
        let (file, out) = match file {
            Some(file) => (Some(File::from(file.try_clone().map_err(wrong)?)), file),
            None => (None, pipe().map_err(wrong)?),
        };
        let (rein, errors) = if kept {
            let (rein, reader) = Rein::new().map_err(wrong)?;
            (Some(rein), OwnedFd::from(reader))
        } else {
            (None, if program.separate { pipe() } else { out.try_clone() }.map_err(wrong)?)
        };
        let mut command = Command::new(first);
        command
            .args(rest)
            .env_clear()
            .env("PATH", search_path())
            .envs([("LC_ALL", "C.UTF-8"), ("HOME", "/root"), ("USER", "root"), ("LOGNAME", "root")])
            .envs(program.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&program.directory)
            .stdin(if program.input.is_empty() { Stdio::null() } else { Stdio::piped() })
            .stdout(out)
            .stderr(errors)
            // Not a session: that would need unsafe code, and without a terminal a group is as good.
            .process_group(0);

        // The agent keeps its own files to itself; what programs make has Debian's modes. No other thread makes any.
        let ours = umask(Mode::from_raw_mode(0o022));
        let spawned = command.spawn();
        umask(ours);
        // The command holds our ends of the pipes.
        drop(command);
        let mut child = spawned.map_err(wrong)?;
        let pidfd = pid(&child).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let input = child.stdin.take().map(|stdin| (stdin, program.input, 0));
        Ok(Self {
            child,
            rein,
            beside: None,
            pidfd,
            input,
            streams,
            file,
            started: Instant::now(),
            timeout: program.timeout,
            interruptible: program.interruptible,
            whole: program.whole,
            program: name,
            reaped: false,
        })
    }

    /// Waits for its end. What it has started and left behind goes on, unless it had to be ended.
    ///
    /// # Errors
    /// The system fails, or an answer that we are to read is too large.
    pub fn wait(mut self) -> Result<Finished, Failure> {
        let deadline = self.started.checked_add(self.timeout);
        let forced = loop {
            match self.turn(self.next_look(deadline))? {
                Woken::Ended => break None,
                Woken::Interrupted => break Some(End::Interrupt),
                Woken::Other if deadline.is_some_and(|deadline| Instant::now() >= deadline) => {
                    break Some(End::Timeout(self.timeout));
                }
                Woken::Other => self.keep_if_it_lasts(),
            }
        };
        match forced {
            None => self.drain(),
            Some(how) => self.end_by_force(how)?,
        }
        let status = self.child.wait().map_err(|error| self.broken(&error))?;
        self.reaped = true;
        if status.signal().is_some() && self.rein.take().is_some() {
            // A keeper that was killed leaves what it kept to us.
            keeper::clean_up();
        }
        let end = forced.unwrap_or_else(|| match (status.code(), status.signal()) {
            (Some(code), _) => End::Status(code),
            (None, signal) => End::Signal(signal.unwrap_or_default()),
        });
        if self.whole && self.streams.iter().any(|stream| stream.capture.is_cut()) {
            return Err(Failure::new(format!("{} said more than {} MiB", self.program, ANSWER >> 20)));
        }
        let written = self.file.as_ref().map(written).transpose().map_err(|error| self.broken(&error))?;
        let streams = self.streams.iter_mut().map(|stream| stream.capture.finish());
        let mut texts = written.into_iter().chain(streams);
        let (output, errors) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        drop(texts);
        Ok(Finished { end, output, errors, program: std::mem::take(&mut self.program) })
    }

    /// A program that may be broken off and has no keeper gets one when it takes its time.
    fn keep_if_it_lasts(&mut self) {
        let wanted = self.interruptible && self.rein.is_none() && self.beside.is_none() && keeper::wanted();
        if wanted && self.started.elapsed() >= keeper::WHILE {
            self.beside = Beside::start(self.child.id());
        }
    }

    /// Until when it is waited at the most: a keeper is started then, where there is to be one.
    fn next_look(&self, deadline: Option<Instant>) -> Option<Instant> {
        let unkept = self.interruptible && self.rein.is_none() && self.beside.is_none() && keeper::wanted();
        let then = unkept.then(|| self.started + keeper::WHILE).filter(|then| *then > Instant::now());
        match (deadline, then) {
            (Some(deadline), Some(then)) => Some(deadline.min(then)),
            (deadline, then) => deadline.or(then),
        }
    }

    /// Told to end, then killed, with all that it started: by its keeper, or as far as that is in its group.
    fn end_by_force(&mut self, how: End) -> Result<(), Failure> {
        self.input = None;
        self.interruptible = false;
        if let Some(rein) = self.rein.take() {
            rein.end(if how == End::Interrupt { Packages::Finish } else { Packages::End });
            while !self.has_ended() {
                self.turn(Some(Instant::now() + TICK))?;
            }
            self.drain();
            return Ok(());
        }
        // Readable from the child's end on; what is waited for from now on are its children.
        self.pidfd = None;
        self.signal(Signal::TERM);
        self.signal(Signal::CONT);
        let deadline = Instant::now() + GRACE;
        // A closed output tells that the children have ended as well; the child itself is not enough.
        while Instant::now() < deadline
            && !(self.has_ended() && self.streams.iter().all(|stream| !stream.open))
        {
            self.turn(Some(deadline.min(Instant::now() + TICK)))?;
        }
        // Until the child is waited for, the number of its group cannot have been given to another.
        self.signal(Signal::KILL);
        self.drain();
        Ok(())
    }

    /// Waits until something can be read or written, the child has ended, or the deadline is there.
    fn turn(&mut self, deadline: Option<Instant>) -> Result<Woken, Failure> {
        let mut wait = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if self.pidfd.is_none() {
            wait = Some(wait.map_or(TICK, |wait| wait.min(TICK)));
        }
        let mut ready = [false; 5];
        {
            let mut polled = Vec::with_capacity(5);
            let mut slots = Vec::with_capacity(5);
            if let Some((stdin, ..)) = &self.input {
                polled.push(PollFd::new(stdin, PollFlags::OUT));
                slots.push(0);
            }
            for (slot, stream) in self.streams.iter().enumerate().filter(|(_, stream)| stream.open) {
                polled.push(PollFd::new(&stream.pipe, PollFlags::IN));
                slots.push(1 + slot);
            }
            if let Some(pidfd) = &self.pidfd {
                polled.push(PollFd::new(pidfd, PollFlags::IN));
                slots.push(3);
            }
            if let Some(descriptor) = interruption().filter(|_| self.interruptible) {
                polled.push(PollFd::from_borrowed_fd(descriptor.as_fd(), PollFlags::RDHUP));
                slots.push(4);
            }
            match poll(&mut polled, wait.map(timespec).as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(self.broken(&error.into())),
            }
            for (fd, slot) in polled.iter().zip(slots) {
                ready[slot] = !fd.revents().is_empty();
            }
        }
        if ready[0] {
            self.feed();
        }
        for (stream, _) in self.streams.iter_mut().zip(&ready[1..3]).filter(|(_, ready)| **ready) {
            stream.take();
        }
        if ready[4] {
            return Ok(Woken::Interrupted);
        }
        Ok(if ready[3] || (self.pidfd.is_none() && self.has_ended()) { Woken::Ended } else { Woken::Other })
    }

    /// Gives it some of its input; no more than a pipe takes without making us wait.
    fn feed(&mut self) {
        let Some((stdin, bytes, given)) = &mut self.input else {
            return;
        };
        let end = bytes.len().min(*given + 4096);
        match stdin.write(&bytes[*given..end]) {
            Ok(written) => *given += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // It reads no more: its own business.
            Err(_) => *given = bytes.len(),
        }
        if *given >= bytes.len() {
            self.input = None;
        }
    }

    /// Takes what is still in the pipes, without waiting for children that keep them open.
    fn drain(&mut self) {
        let deadline = Instant::now() + Duration::from_millis(100);
        for stream in &mut self.streams {
            while stream.open && Instant::now() < deadline {
                let mut polled = [PollFd::new(&stream.pipe, PollFlags::IN)];
                match poll(&mut polled, Some(&timespec(Duration::ZERO))) {
                    Ok(1..) => stream.take(),
                    Err(Errno::INTR) => {}
                    _ => break,
                }
            }
        }
    }

    /// Whether the child has ended; it is not reaped by this.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match pid(&self.child) {
            Some(pid) => !matches!(waitid(WaitId::Pid(pid), options), Ok(None) | Err(Errno::INTR)),
            None => true,
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = pid(&self.child) {
            // Fails only where there is nobody left.
            let _ = kill_process_group(pid, signal);
        }
    }

    fn broken(&self, error: &io::Error) -> Failure {
        Failure::new(format!("cannot wait for {}: {error}", self.program))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.reaped {
            match self.rein.take() {
                Some(rein) => rein.end(Packages::End),
                None => self.signal(Signal::KILL),
            }
            let _ = self.child.wait();
        }
    }
}

impl Stream {
    /// Reads once; there is something to be read.
    fn take(&mut self) {
        let mut buffer = [0; 16 * 1024];
        match self.pipe.read(&mut buffer) {
            Ok(0) => self.open = false,
            Ok(read) => self.capture.push(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.open = false,
        }
    }
}

/// The end of what was written to a file; its offset is the program's and is left alone.
fn written(file: &File) -> io::Result<String> {
    let length = file.metadata()?.len();
    let mut at = length.saturating_sub(2 * OUTPUT as u64);
    let mut capture = Capture::new(OUTPUT);
    let mut buffer = [0; 16 * 1024];
    while at < length {
        match file.read_at(&mut buffer, at) {
            Ok(0) => break,
            Ok(read) => {
                capture.push(&buffer[..read]);
                at += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(capture.finish())
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

/// Waits until the process ends, no longer than `window`; says whether it has ended. One that cannot be watched is
/// taken to go on.
pub(crate) fn ends_within(process: u32, window: Duration) -> bool {
    let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else {
        return false;
    };
    let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        Err(Errno::SRCH) => return true,
        Err(_) => return ends_by_looking(process, window),
    };
    let deadline = Instant::now() + window;
    loop {
        let mut polled = [PollFd::new(&pidfd, PollFlags::IN)];
        let left = deadline.saturating_duration_since(Instant::now());
        match poll(&mut polled, Some(&timespec(left))) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

fn ends_by_looking(process: u32, window: Duration) -> bool {
    let deadline = Instant::now() + window;
    while Instant::now() < deadline {
        if File::open(format!("/proc/{process}/stat")).is_err() {
            return true;
        }
        std::thread::sleep(TICK);
    }
    false
}
