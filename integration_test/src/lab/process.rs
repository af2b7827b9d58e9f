//! Running programs of the machine, with failures that name the program and what it said.

use std::fs::File;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use super::error::{Context as _, Error, Result};

/// Runs a command to its end and returns its output; anything but success is an error that quotes what it said.
pub(crate) fn run(command: &mut Command) -> Result<Output> {
    run_with_stdin(command, Stdio::null())
}

/// Like [`run`], with a lock that stays held until the command and all it started have ended, should this process end
/// before them.
pub(crate) fn run_holding(lock: &File, command: &mut Command) -> Result<Output> {
    let lock = lock.try_clone().context(|| "cannot share a lock")?;
    run_with_stdin(command, lock.into())
}

fn run_with_stdin(command: &mut Command, stdin: Stdio) -> Result<Output> {
    let output = command.stdin(stdin).output().context(|| format!("cannot start {}", describe(command)))?;
    checked(command, output)
}

/// Like [`run`], with text on the command's standard input.
pub(crate) fn run_with_input(command: &mut Command, input: &str) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context(|| format!("cannot start {}", describe(command)))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that ends before it has read everything says why in its output.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().context(|| format!("cannot wait for {}", describe(command)))?;
    checked(command, output)
}

/// Turns an unsuccessful end into an error.
pub(crate) fn checked(command: &Command, output: Output) -> Result<Output> {
    if output.status.success() {
        return Ok(output);
    }
    let said = [&output.stdout, &output.stderr]
        .map(|bytes| last_lines(&String::from_utf8_lossy(bytes), 15))
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("\n");
    let end = output.status;
    Err(Error::new(match said.is_empty() {
        true => format!("{} ended with {end}", describe(command)),
        false => format!("{} ended with {end}:\n{said}", describe(command)),
    }))
}

/// The command line as a person would write it, cut where it gets long.
fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let line = line.lines().next().unwrap_or_default();
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("`{}…`", &line[..end]),
        None => format!("`{line}`"),
    }
}

/// The last lines of a text, without white space at either end.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines = text.trim().lines().collect::<Vec<_>>();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_quote_both_streams() {
        let error =
            run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.ends_with("out\nerr"), "{error}");
    }

    #[test]
    fn missing_programs_are_named() {
        let error = run(&mut Command::new("no-such-program")).unwrap_err().to_string();
        assert!(error.starts_with("cannot start `no-such-program`: "), "{error}");
    }

    #[test]
    fn last_lines_are_cut_at_the_front() {
        assert_eq!(last_lines("a\nb\nc\n\n", 2), "b\nc");
        assert_eq!(last_lines("", 2), "");
    }
}
