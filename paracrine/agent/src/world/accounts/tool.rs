//! The programs of Debian's `passwd` package that change accounts.

use std::path::Path;
use std::time::{Duration, Instant};

use paracrine_model::protocol::Failure;

use super::Accounts;
use crate::world::process::Program;

/// How long to wait for somebody else who is changing accounts, such as a package that is being installed.
const PATIENCE: Duration = Duration::from_secs(15);

impl Accounts {
    /// Runs `useradd` and the like for an account. Below another root than `/` it is told that root.
    ///
    /// # Errors
    /// What the program says.
    pub(crate) fn run(&mut self, program: &str, options: Vec<String>, name: &str) -> Result<(), Failure> {
        let finished = run(&self.root, program, options, name);
        self.forget();
        finished
    }
}

/// That a user cannot be changed while a process runs as it.
pub(crate) fn in_use(name: &str, process: &str) -> Failure {
    Failure::new(format!("{name} is in use by process {process} and cannot be changed while it is")).help(
        format!("end what runs as {name} (`loginctl terminate-user {name}`, or its service) and run again"),
    )
}

fn run(root: &Path, program: &str, options: Vec<String>, name: &str) -> Result<(), Failure> {
    let mut arguments = options;
    if root != Path::new("/") {
        arguments.extend(["--prefix".to_owned(), root.display().to_string()]);
    }
    arguments.extend(["--".to_owned(), name.to_owned()]);
    let began = Instant::now();
    let finished = loop {
        let finished =
            Program::new(program).args(arguments.clone()).timeout(Duration::from_secs(300)).run()?;
        let locked = finished.output.contains("cannot lock");
        if finished.succeeded() || !locked || began.elapsed() > PATIENCE {
            break finished;
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    if finished.succeeded() {
        return Ok(());
    }
    Err(match finished.output.split_once("is currently used by process ") {
        Some((_, rest)) => in_use(name, rest.split_whitespace().next().unwrap_or_default())
            .output(finished.output.trim_end()),
        None => finished.failure(),
    })
}
