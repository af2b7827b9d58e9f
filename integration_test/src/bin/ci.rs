//! `cargo ci`: everything that has to hold before a change lands. `.ci/run` is this one command.

use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use integration_test::lab::Lab;
use integration_test::site::workspace;

fn main() -> ExitCode {
    let began = Instant::now();
    for (name, arguments, environment) in STEPS {
        eprintln!("\nci: {name}");
        let step = Instant::now();
        if *name == END_TO_END
            && let Err(error) = Lab::prepare_image()
        {
            eprintln!("ci: {name}: {error}");
            return ExitCode::FAILURE;
        }
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(workspace())
            .args(*arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null());
        match cargo.status() {
            Ok(status) if status.success() => {
                eprintln!("ci: {name}: passed in {:.0} s", step.elapsed().as_secs_f64());
            }
            Ok(_) => {
                eprintln!("ci: {name}: failed; by hand: cargo {}", arguments.join(" "));
                return ExitCode::FAILURE;
            }
            Err(error) => {
                eprintln!("ci: cannot start cargo: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    eprintln!("\nci: all passed in {:.0} s", began.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}

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
