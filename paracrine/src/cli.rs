//! The command line: what was typed, what it means, and which exit code comes of it.

mod args;
mod deploy;
mod exit;
mod explain;
mod hosts;
mod online;
mod plan;
mod plan_diff;
mod problem;
mod schema;
mod secrets;
mod select;
mod stale;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use crate::embedded::Embedded;
use crate::site::Site;
use args::{Color, Command, Plan, PlanCommand};
use exit::{FAILED, SUCCESS};
use problem::Problem;

use crate::reason::reason;

/// Does what the command line says.
pub(crate) fn run(embedded: &'static Embedded, words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<_> = words.into_iter().collect();
    let current = std::env::current_dir().ok();
    let site = match Site::open(embedded, current.as_deref()) {
        Ok(site) => site,
        Err(broken) => {
            return complain(&Problem::from(broken));
        }
    };
    let index = site.index();
    let version = format!(
        "{} (paracrine {})",
        index.commit.as_deref().map_or("of no commit".to_owned(), |commit| format!("of commit {commit}")),
        env!("CARGO_PKG_VERSION")
    );
    let line = match args::parse(&index.site, &version, &index.environments, words) {
        Ok(line) => line,
        Err(error) => {
            // Help and version are errors to clap, but not to people. 2 would say that changes are pending.
            let code = if error.use_stderr() { FAILED } else { SUCCESS };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match line.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    // An apply of what is not there any more is refused.
    if !matches!(line.command, Command::Apply(_)) {
        stale::warn(&site.stale(), "build again for what the files say now");
    }
    let shown = match line.command {
        Command::Check(options) => return end(deploy::check(embedded, site, &options, line.verbose)),
        Command::Apply(options) => return end(deploy::apply(embedded, site, &options, line.verbose)),
        Command::Plan(Plan { command: Some(PlanCommand::Diff(options)), .. }) => {
            plan_diff::plan_diff(&site, &options, line.verbose)
        }
        Command::Plan(options) => plan::plan(&site, &options, line.verbose),
        Command::Hosts(options) => hosts::hosts(&site, &options),
        Command::Explain(options) => explain::explain(&site, &options),
        Command::Secrets(options) => secrets::secrets(&site, &options),
        Command::Schema(options) => schema::schema(&site, &options),
    };
    end(shown.and_then(|text| print(&text)))
}

fn end(done: Result<u8, Problem>) -> ExitCode {
    match done {
        Ok(code) => ExitCode::from(code),
        Err(problem) => complain(&problem),
    }
}

fn complain(problem: &Problem) -> ExitCode {
    let _ = write!(anstream::stderr(), "{}", problem.draw());
    ExitCode::from(FAILED)
}

/// Writes to standard output. What did not get there was not said; a reader that has gone (`| head`) needs no word about it.
fn print(text: &str) -> Result<u8, Problem> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(SUCCESS),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(FAILED),
        Err(error) => Err(Problem::new(format!("standard output cannot be written: {}", reason(&error)))),
    }
}
