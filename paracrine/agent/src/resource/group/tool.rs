//! The programs of Debian's `passwd` package that change accounts.

use std::path::Path;
use std::time::{Duration, Instant};

use paracrine_model::protocol::Failure;

use crate::world::World;
use crate::world::process::Program;

/// How long to wait for somebody else who is changing accounts, such as a package that is being installed.
const PATIENCE: Duration = Duration::from_secs(15);

/// Runs `useradd` and the like for an account. Below another root than `/` it is told that root.
pub(in crate::resource) fn tool(
    world: &mut World,
    program: &str,
    options: Vec<String>,
    name: &str,
) -> Result<(), Failure> {
    let mut arguments = options;
    if world.root != Path::new("/") {
        arguments.extend(["--prefix".to_owned(), world.root.display().to_string()]);
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
    world.accounts.forget();
    // A home may have been made.
    world.paths.forget();
    if finished.succeeded() {
        return Ok(());
    }
    Err(match finished.output.split_once("is currently used by process ") {
        Some((_, rest)) => {
            let process = rest.split_whitespace().next().unwrap_or_default();
            Failure::new(format!("{name} is in use by process {process} and cannot be changed while it is"))
                .output(finished.output.trim_end())
                .help(format!(
                    "end what runs as {name} (`loginctl terminate-user {name}`, or its service) and run again"
                ))
        }
        None => finished.failure(),
    })
}
