//! The command line as it is typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use paracrine_model::diagnostic::nearest;

const EXIT_CODES: &str = "\
Exit codes:
  0  nothing to do, or all of it applied
  1  something failed, or the command line was wrong
  2  check: changes are pending
  3  a host was unreachable, and nothing failed";

/// Deploys this site: compares hosts with their plans, and makes them equal.
///
/// Without a command, `check` is meant.
#[derive(Clone, Debug, Parser)]
#[command(subcommand_required = true, after_help = EXIT_CODES)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub command: Command,

    /// Whether to write in colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,

    /// Shows more: whole diffs, contents in plans, how long tasks took
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows what apply would change, and changes nothing (the default)
    #[command(after_help = EXIT_CODES)]
    Check(Deploy),
    /// Makes hosts equal to their plans
    ///
    /// Every host is locked before any is changed. Ctrl-C stops after the task at hand, a second one at once.
    #[command(after_help = EXIT_CODES)]
    Apply(Deploy),
    /// Shows the compiled plans; no host is contacted
    Plan(Plan),
    /// Lists hosts and how they are reached; no host is contacted
    Hosts(Hosts),
    /// Tells why a task is in a host's plan; no host is contacted
    Explain(Explain),
    /// Lists secrets with the tasks that see them; no host is contacted
    Secrets(Secrets),
    /// Writes JSON Schemas of config and inventories for editors into `schema/`; no host is contacted
    Schema(Schema),
}

/// Which hosts.
#[derive(Clone, Debug, Args)]
pub(crate) struct Selection {
    /// The environment; may be left out where there is only one
    #[arg(value_name = "ENV")]
    pub environment: Option<String>,

    /// Only these hosts: names, patterns (`web*`) and roles (`role:web`), separated by commas
    #[arg(long, value_delimiter = ',', value_name = "HOST,…")]
    pub limit: Vec<String>,
}

/// How hosts are reached; for all commands that talk to them.
#[derive(Clone, Debug, Args)]
pub(crate) struct Reach {
    /// Works on at most so many hosts at once
    #[arg(long, short, default_value_t = 16, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: u16,

    /// Keeps connections for so long, so that the next run starts at once; 0 keeps none
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub persist: u32,

    /// Gives up on hosts that do not answer within
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub connect_timeout: u32,
}

/// Options of `check` and `apply`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Deploy {
    #[command(flatten)]
    pub selection: Selection,

    #[command(flatten)]
    pub reach: Reach,

    /// Waits so long for a host that another run is working on
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub lock_wait: u32,

    /// Takes over machines that were deployed as another host
    #[arg(long)]
    pub adopt: bool,

    /// Changes hosts though another has failed before their turn came
    #[arg(long)]
    pub keep_going: bool,

    /// Applies though the site's files have changed since this binary was built
    #[arg(long)]
    pub stale: bool,

    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Options of `plan`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Plan {
    #[command(subcommand)]
    pub command: Option<PlanCommand>,

    #[command(flatten)]
    pub selection: Selection,

    /// The same as --limit
    #[arg(long, value_delimiter = ',', value_name = "HOST,…")]
    pub host: Vec<String>,

    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// What to do with plans besides showing them.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Shows what changes in the plans from another build of this site to this one
    Diff(PlanDiff),
}

/// Options of `plan diff`.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlanDiff {
    /// The other build's deploy binary, which is run
    #[arg(value_name = "OTHER_BINARY")]
    pub other: PathBuf,

    /// Only this environment
    #[arg(value_name = "ENV")]
    pub environment: Option<String>,

    /// Only these hosts: names, patterns (`web*`) and roles (`role:web`), separated by commas
    #[arg(long, value_delimiter = ',', value_name = "HOST,…")]
    pub limit: Vec<String>,

    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Options of `explain`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Explain {
    /// The environment
    #[arg(value_name = "ENV")]
    pub environment: String,

    /// The host
    #[arg(value_name = "HOST")]
    pub host: String,

    /// The task: what it is about (`/etc/motd`, `nginx`), also with its kind (`"service nginx"`)
    #[arg(value_name = "WHAT")]
    pub what: String,
}

/// Options of `secrets`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Secrets {
    #[command(flatten)]
    pub selection: Selection,
}

/// Options of `schema`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Schema {
    /// Writes one JSON object with both, `config` and `inventory`, to standard output instead
    #[arg(long)]
    pub stdout: bool,
}

/// Options of `hosts`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Hosts {
    #[command(flatten)]
    pub selection: Selection,

    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Whom the output is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs: one JSON object per line
    Json,
}

/// Whether to write in colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On terminals, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Reads the command line of the deploy binary of `site`.
///
/// # Errors
/// What clap has to say: also help and version.
pub(crate) fn parse(
    site: &str,
    version: &str,
    environments: &[String],
    words: Vec<OsString>,
) -> Result<CommandLine, clap::Error> {
    // Clap keeps names for as long as the program runs; there is one of each.
    let name: &'static str = site.to_owned().leak();
    let version: &'static str = version.to_owned().leak();
    let usage = format!("{name} [OPTIONS] [COMMAND]");
    let mut command = CommandLine::command().name(name).version(version).override_usage(usage);
    let commands: Vec<String> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let words = with_default(words, &commands, environments);
    let matches = command.try_get_matches_from_mut(words)?;
    CommandLine::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Puts `check` where no command was typed.
fn with_default(mut words: Vec<OsString>, commands: &[String], environments: &[String]) -> Vec<OsString> {
    let asked = |word: &str| {
        ["help", "-h", "--help", "-V", "--version"].contains(&word)
            || commands.iter().any(|command| command == word)
    };
    let typed: Vec<_> = words.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if typed.iter().take_while(|word| *word != "--").any(|word| asked(word)) {
        return words;
    }
    // What is no environment, nor one misspelt, was meant to be a command: clap says that there is none.
    if let Some(first) = typed.first()
        && !first.starts_with('-')
        && !environments.contains(first)
        && nearest(first, environments.iter().map(String::as_str)).is_none()
    {
        return words;
    }
    let at = words.len().min(1);
    words.insert(at, "check".into());
    words
}
