//! `cargo bench -p integration_test --bench build`: how long a build takes, from an edit to what is said of it; and the checks
//! and outputs of a large site.
//!
//! - The example site, as its author builds it (`cargo build`, the profile of the template): a value, a template or a role is
//!   edited into a mistake, and mended. Medians, spread in brackets.
//! - A site of 1,000 hosts with 200 tasks each: its build script alone, optimised and as cargo builds it otherwise; time,
//!   processor time and memory.
//!
//! `--rounds N` (default 5), `--hosts N` (default 1000) choose less or more.

mod large;
mod small;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    // A process of its own per measured command: what the kernel counts of ended children is then that command's.
    if arguments.first().is_some_and(|word| word == "measure") {
        return large::measure(&arguments[1..]);
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let option = |name: &str, default: usize| -> Result<usize> {
        let at = arguments.iter().position(|word| word == name);
        Ok(match at.and_then(|at| arguments.get(at + 1)) {
            Some(number) => number.parse()?,
            None => default,
        })
    };
    let rounds = option("--rounds", 5)?;
    small::run(rounds)?;
    large::run(option("--hosts", 1000)?, rounds)
}

/// `0.812 (0.80–0.83)`: the median, the fastest and the slowest, in seconds.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |index: usize| times.get(index).map_or(0.0, Duration::as_secs_f64);
    format!("{:.2} ({:.2}–{:.2})", at(times.len() / 2), at(0), at(times.len().saturating_sub(1)))
}

/// Writes a file of a generated site, only if it differs: cargo goes by times.
fn put(path: &std::path::Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if std::fs::read_to_string(path).ok().as_deref() != Some(text) {
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// The `Cargo.toml` of a generated site; `profile` as in the template.
fn manifest(name: &str, profile: &str) -> String {
    let workspace = integration_test::site::workspace().display();
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nparacrine = {{ path = \"{workspace}/paracrine\" }}\n\n\
         [build-dependencies]\nparacrine-build = {{ path = \"{workspace}/paracrine-build\" }}\n\n\
         {profile}\n[workspace]\n"
    )
}
