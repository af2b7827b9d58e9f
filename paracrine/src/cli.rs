//! The command line: what was typed, what it means, and which exit code comes of it.

mod args;
mod deploy;
mod explain;
mod plan_diff;
mod problem;
mod schema;
mod secret_list;
mod select;
mod show;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use crate::Embedded;
use crate::report::{HELP, WARNING, escaped_line};
use crate::site::{Site, Stale};
use args::{Color, Command};
use problem::Problem;

/// Nothing to do, or all of it applied.
const SUCCESS: u8 = 0;
/// Something failed, or the command line was wrong.
const FAILED: u8 = 1;
/// Changes are pending.
const PENDING: u8 = 2;
/// A host was unreachable, and nothing failed.
const UNREACHABLE: u8 = 3;

/// Does what the command line says.
pub(crate) fn run(embedded: &'static Embedded, words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<_> = words.into_iter().collect();
    let current = std::env::current_dir().ok();
    let site = match Site::open(embedded, current.as_deref()) {
        Ok(site) => site,
        Err(broken) => {
            return complain(&Problem::new(broken.to_string()).help("build the site again"));
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
    let shown = match line.command {
        Command::Check(options) => return exit(deploy::check(embedded, site, options, line.verbose)),
        Command::Apply(options) => return exit(deploy::apply(embedded, site, options, line.verbose)),
        Command::Plan(args::Plan { command: Some(args::PlanCommand::Diff(options)), .. }) => {
            warn_offline(&site);
            plan_diff::plan_diff(&site, &options, line.verbose)
        }
        Command::Plan(options) => {
            warn_offline(&site);
            show::plan(&site, &options, line.verbose)
        }
        Command::Hosts(options) => {
            warn_offline(&site);
            show::hosts(&site, &options)
        }
        Command::Explain(options) => {
            warn_offline(&site);
            explain::explain(&site, &options)
        }
        Command::Secrets(options) => {
            warn_offline(&site);
            secret_list::secrets(&site, &options)
        }
        Command::Schema(options) => {
            warn_offline(&site);
            schema::schema(&site, &options)
        }
    };
    exit(shown.map(|text| {
        print(&text);
        SUCCESS
    }))
}

fn exit(done: Result<u8, Problem>) -> ExitCode {
    match done {
        Ok(code) => ExitCode::from(code),
        Err(problem) => complain(&problem),
    }
}

fn complain(problem: &Problem) -> ExitCode {
    let _ = write!(anstream::stderr(), "{}", problem.draw());
    ExitCode::from(FAILED)
}

/// Says, where plans are only shown, that they are not what the files say now.
fn warn_offline(site: &Site) {
    warn_of(&site.stale(), "build again for what the files say now");
}

/// Says what has changed since the build.
fn warn_of(stale: &[Stale], help: &str) {
    if !stale.is_empty() {
        let _ = write!(
            anstream::stderr(),
            "{WARNING}warning:{WARNING:#} {}\n  {HELP}help:{HELP:#} {help}\n",
            escaped_line(&told(stale))
        );
    }
}

/// `this binary was built from other files than are here: config.yaml changed, roles.rs is gone and 3 more`
fn told(stale: &[Stale]) -> String {
    let some: Vec<_> = stale.iter().take(3).map(ToString::to_string).collect();
    let more = match stale.len().saturating_sub(3) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("this binary was built from other files than are here: {}{more}", some.join(", "))
}

/// Writes to standard output. A reader that has gone (`| head`) is no failure.
fn print(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
