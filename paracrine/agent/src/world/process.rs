//! Programs that the agent runs: in a process group of their own, with a clean environment, their output captured up
//! to a limit, and ended with all their children when their time is over.
//!
//! Nothing secret is ever an argument or in the environment. A script goes to the shell over standard input, but not
//! as its standard input: `sh` reads all of it into a variable (not exported), turns its standard input to
//! `/dev/null`, and evaluates it. So a script that itself reads standard input finds nothing there instead of eating
//! its own next lines; no descriptor with the script in it is inherited by what the script starts, as it would be
//! with `sh /dev/fd/N`; and it works for users who could not open another user's pipe or file.

mod capture;
mod doomed;
pub mod keeper;
pub mod left;
mod run;
mod table;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use paracrine_model::protocol::Failure;
use rustix::fd::OwnedFd;

pub use capture::{plain, tail};
pub use run::Running;
pub(crate) use run::ends_within;

/// Where programs are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where this machine's programs are looked for.
#[cfg(not(test))]
fn search_path() -> &'static str {
    PATH
}

/// Where programs are looked for: in tests first among those that stand for some of the machine's.
#[cfg(test)]
fn search_path() -> String {
    TOOLS.with_borrow(|tools| match tools {
        Some(tools) => format!("{}:{PATH}", tools.display()),
        None => PATH.to_owned(),
    })
}

#[cfg(test)]
thread_local! {
    /// The directory of programs that stand for some of the machine's in the test of this thread.
    pub(crate) static TOOLS: std::cell::RefCell<Option<PathBuf>> = const { std::cell::RefCell::new(None) };
}

/// What is kept of a program's output: its end.
const OUTPUT: usize = 64 * 1024;

/// What is kept of an answer that is read by a program: all of it.
const ANSWER: usize = 64 * 1024 * 1024;

/// Reads the script into a variable, gives up standard input, and evaluates it. The blank keeps a script that begins
/// with `-` from being an option.
const EVALUATE: &str = r#"script=$(cat) && exec </dev/null && eval " $script""#;

/// A program to be run.
#[derive(Clone, Debug)]
pub struct Program {
    words: Vec<OsString>,
    input: Vec<u8>,
    directory: PathBuf,
    environment: Vec<(&'static str, OsString)>,
    login: Option<(u32, u32)>,
    timeout: Duration,
    interruptible: bool,
    separate: bool,
    whole: bool,
    outliving: bool,
}

/// Whom a program is run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub name: String,
    /// The user's id.
    pub uid: u32,
    /// The id of the user's primary group.
    pub gid: u32,
    /// The user's home.
    pub home: String,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Status(i32),
    /// By this signal, which did not come from us.
    Signal(i32),
    /// By us: its time was over.
    Timeout(Duration),
    /// By us: the run was broken off.
    Interrupt,
}

/// A program that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How.
    pub end: End,
    /// The end of what it said, as plain text: standard output and error as they came, or only standard output of
    /// a program that was asked something.
    pub output: String,
    /// Standard error of a program that was asked something.
    pub errors: String,
    /// The program's name, for messages.
    pub program: String,
}

impl Program {
    /// A program by its name, to be found in the standard places. Its time is ten minutes unless told otherwise.
    pub fn new(program: &str) -> Self {
        Self {
            words: vec![program.into()],
            input: Vec::new(),
            directory: PathBuf::from("/"),
            environment: Vec::new(),
            login: None,
            timeout: Duration::from_secs(600),
            interruptible: false,
            separate: false,
            whole: false,
            outliving: false,
        }
    }

    /// A shell command that holds no secret, such as a guard.
    pub fn shell(command: &str) -> Self {
        Self::new("/bin/sh").args(["-c", command])
    }

    /// A script for `/bin/sh -e`, which may hold secrets: see the module.
    pub fn script(script: String) -> Self {
        Self::new("/bin/sh").args(["-e", "-c", EVALUATE]).input(script)
    }

    /// Adds arguments. Never a secret: anybody on the machine can read them.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.words.extend(args.into_iter().map(Into::into));
        self
    }

    /// What it reads on standard input; nothing where nothing is said.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Adds to its environment. Never a secret.
    #[must_use]
    pub fn environment(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Where it runs; `/` where nothing is said.
    #[must_use]
    pub fn directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = directory.as_ref().to_owned();
        self
    }

    /// Ends it after this time.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Ends it when the run is broken off ([`interrupt_at_end_of`]), and when the agent is killed ([`keeper`]). Not for what
    /// must not be torn, like `dpkg`.
    #[must_use]
    pub fn interruptible(mut self) -> Self {
        self.interruptible = true;
        self
    }

    /// Keeps standard error apart from standard output.
    #[must_use]
    pub fn apart(mut self) -> Self {
        self.separate = true;
        self
    }

    /// Keeps all of standard output, and standard error apart: for answers that are read by us.
    #[must_use]
    pub fn separate(mut self) -> Self {
        self.whole = true;
        self.apart()
    }

    /// Lets it come to its end even if the agent is killed: its output goes to memory of the kernel's, where a pipe
    /// without a reader would end it half-way. For what must not be torn, like `dpkg`.
    #[must_use]
    pub fn outliving(mut self) -> Self {
        self.outliving = true;
        self
    }

    /// Runs it as this user, with all the user's groups and none of ours. `setpriv` (of Debian's essential
    /// util-linux) does the switch, because Rust has no safe way to set supplementary groups; unlike `runuser` it
    /// opens no PAM session, whose processes would outlive the command.
    #[must_use]
    pub fn login(mut self, login: &Login) -> Self {
        self.environment.extend([
            ("HOME", OsString::from(&login.home)),
            ("USER", OsString::from(&login.name)),
            ("LOGNAME", OsString::from(&login.name)),
        ]);
        self.login = Some((login.uid, login.gid));
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It cannot be started. How it ended is no error here: see [`Finished`].
    pub fn run(self) -> Result<Finished, Failure> {
        self.start()?.wait()
    }

    /// Starts it, to be waited for later.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(self) -> Result<Running, Failure> {
        Running::start(self)
    }

    fn name(&self) -> String {
        self.words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// The command line, with the change of user before it where there is one.
    fn command_line(&self) -> Vec<OsString> {
        let mut line = Vec::new();
        let ours = rustix::process::geteuid().as_raw();
        if let Some((uid, gid)) = self.login.filter(|(uid, _)| *uid != ours) {
            line.push("setpriv".into());
            line.push(format!("--reuid={uid}").into());
            line.push(format!("--regid={gid}").into());
            line.extend(["--init-groups".into(), "--".into()]);
        }
        line.extend(self.words.iter().cloned());
        line
    }
}

impl Finished {
    /// Whether it ended well.
    pub fn succeeded(&self) -> bool {
        self.end == End::Status(0)
    }

    /// What it said on both streams.
    pub fn said(&self) -> String {
        match (self.output.trim(), self.errors.trim()) {
            (_, "") => self.output.clone(),
            ("", _) => self.errors.clone(),
            (output, errors) => format!("{output}\n{errors}"),
        }
    }

    /// `ended with status 1`
    pub fn how(&self) -> String {
        match self.end {
            End::Status(status) => format!("ended with status {status}"),
            End::Signal(signal) => format!("was ended by signal {signal}{}", signal_name(signal)),
            End::Timeout(after) => format!("was ended because it took longer than {} s", after.as_secs()),
            End::Interrupt => "was ended because the run was broken off".to_owned(),
        }
    }

    /// That it failed, with the end of what it said.
    pub fn failure(&self) -> Failure {
        Failure::new(format!("{} {}", self.program, self.how())).output(tail(&self.said()))
    }

    /// Itself, if it ended well.
    ///
    /// # Errors
    /// [`Self::failure`]
    pub fn checked(self) -> Result<Self, Failure> {
        if self.succeeded() { Ok(self) } else { Err(self.failure()) }
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        2 => " (SIGINT)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        9 => " (SIGKILL: the kernel does that when memory runs out)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

static CONTROLLER: OnceLock<OwnedFd> = OnceLock::new();

/// What tells that the run is broken off, by being hung up.
fn interruption() -> Option<&'static OwnedFd> {
    CONTROLLER.get()
}

/// From now on, the end of this stream breaks the run off: it ends the interruptible program that runs then, and those
/// that would be started after. A second call changes nothing.
pub fn interrupt_at_end_of(controller: OwnedFd) {
    let _ = CONTROLLER.set(controller);
}

#[cfg(test)]
mod tests;
