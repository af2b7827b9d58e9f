//! `cargo ci`: everything that has to hold before a change lands. `.ci/run` is this one command.
//!
//! At its end it tells which tests were skipped, because something that they need was not given. Where all of it should
//! be given, for root and where the environment says `CI`, that is a failure.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use integration_test::lab::Lab;
use integration_test::lab::setup::{self, Tool};
use integration_test::site::{target_folder, workspace};

fn main() -> ExitCode {
    let began = Instant::now();
    match everything() {
        Ok(()) => {
            eprintln!("\nci: all passed in {:.0} s", began.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("ci: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn everything() -> Result<(), String> {
    let skipped = new_list().map_err(|error| format!("no list of skipped tests: {error}"))?;
    if setup::is_root() {
        setup::require(OF_UNIT_TESTS).map_err(|error| error.to_string())?;
    }
    for (name, arguments, environment) in STEPS {
        eprintln!("\nci: {name}");
        let step = Instant::now();
        if *name == END_TO_END {
            Lab::prepare_image().map_err(|error| format!("{name}: {error}"))?;
        }
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(workspace())
            .args(*arguments)
            .envs(environment.iter().copied())
            // Nobody builds here again: what would make the next build quicker costs time and gigabytes now.
            .env("CARGO_INCREMENTAL", "0")
            .env(given::SKIPPED, &skipped)
            .stdin(Stdio::null());
        let status = cargo.status().map_err(|error| format!("cannot start cargo: {error}"))?;
        if !status.success() {
            return Err(format!("{name}: failed; by hand: cargo {}", arguments.join(" ")));
        }
        eprintln!("ci: {name}: passed in {:.0} s", step.elapsed().as_secs_f64());
    }
    tell_skipped(&skipped)
}

/// Where skipped tests are noted; nothing is there yet.
fn new_list() -> io::Result<PathBuf> {
    let list = target_folder()?.join("skipped-tests");
    match fs::remove_file(&list) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(list),
    }
}

/// Tells what was skipped.
fn tell_skipped(list: &Path) -> Result<(), String> {
    let skipped = given::skipped(list).map_err(|error| format!("{}: {error}", list.display()))?;
    if skipped.is_empty() {
        return Ok(());
    }
    eprintln!("\nci: skipped, at least in part: {}", skipped.len());
    for line in &skipped {
        eprintln!("ci: {line}");
    }
    let all_is_given = setup::is_root() || std::env::var_os("CI").is_some();
    if all_is_given { Err("failed: here nothing may be skipped".to_owned()) } else { Ok(()) }
}

/// What unit tests start; the lab sees to its own programs.
const OF_UNIT_TESTS: &[Tool] = &[
    Tool::new("sshd", "openssh-server"),
    Tool::new("ssh", "openssh-client"),
    Tool::new("useradd", "passwd"),
    Tool::new("unshare", "util-linux"),
    Tool::new("systemd-analyze", "systemd"),
    Tool::new("visudo", "sudo"),
    Tool::new("crontab", "cron"),
    Tool::new("mount", "mount"),
];

type Step = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

const END_TO_END: &str = "end-to-end tests";

const STEPS: &[Step] = &[
    ("format", &["fmt", "--all", "--check"], &[]),
    (
        "lints",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            "integration_test/lab,integration_test/corpus",
            "--",
            "-D",
            "warnings",
        ],
        &[],
    ),
    ("docs", &["doc", "--workspace", "--no-deps", "--quiet"], &[("RUSTDOCFLAGS", "-D warnings")]),
    ("unit and refusal tests", &["test", "--workspace"], &[]),
    (
        "whole sites: mutations, good ones, the template",
        &["test", "--package", "integration_test", "--features", "corpus", "--tests"],
        &[],
    ),
    (
        END_TO_END,
        // One lab at a time: two cores boot no more hosts at once.
        &[
            "test",
            "--package",
            "integration_test",
            "--features",
            "lab",
            "--tests",
            "--",
            "--test-threads",
            "1",
        ],
        &[],
    ),
];
