//! What is typed and what it means.

use std::ffi::OsString;

use clap::CommandFactory;

use crate::cli::Command;
use crate::cli::args::{self, Color, CommandLine, Deploy, Format, Plan, PlanDiff};
use crate::testing::plain;

fn parse(words: &str) -> Result<CommandLine, clap::Error> {
    let environments = ["dev".to_owned(), "prod".to_owned()];
    let words = std::iter::once("shop").chain(words.split_whitespace()).map(OsString::from).collect();
    args::parse("shop", "of commit 1234abc", &environments, words)
}

fn check(words: &str) -> Deploy {
    match parse(words).map(|line| line.command) {
        Ok(Command::Check(options)) => options,
        other => panic!("`{words}` is no check: {other:?}"),
    }
}

/// What is said of words that mean nothing.
fn refused(words: &str) -> String {
    plain(&parse(words).unwrap_err().render().to_string())
}

#[test]
fn the_command_line_is_sound() {
    CommandLine::command().debug_assert();
}

#[test]
fn check_is_the_default() {
    for (words, environment) in [("", None), ("prod", Some("prod")), ("check prod", Some("prod"))] {
        assert_eq!(check(words).selection.environment.as_deref(), environment, "{words}");
    }
    let options = check("--limit web1,role:db prod --jobs 3");
    assert_eq!(options.selection.environment.as_deref(), Some("prod"));
    assert_eq!(options.selection.limit, ["web1", "role:db"]);
    assert_eq!(options.reach.jobs, 3);
    // An environment misspelt is looked for, and not found, later.
    assert_eq!(check("pord").selection.environment.as_deref(), Some("pord"));
}

#[test]
fn options_have_their_defaults() {
    let options = check("prod");
    let reach = &options.reach;
    assert_eq!((reach.jobs, reach.persist, reach.connect_timeout, options.lock_wait), (16, 60, 10, 0));
    assert_eq!((options.adopt, options.stale, options.format), (false, false, Format::Text));
    let line = parse("check prod").unwrap();
    assert_eq!((line.color, line.verbose), (Color::Auto, false));
    let line = parse("--color never -v apply prod").unwrap();
    assert_eq!((line.color, line.verbose), (Color::Never, true));
    assert!(matches!(line.command, Command::Apply(_)));
    assert!(matches!(
        parse("plan diff ../old prod").unwrap().command,
        Command::Plan(Plan { command: Some(args::PlanCommand::Diff(PlanDiff { other, environment: Some(_), .. })), .. })
            if other == std::path::Path::new("../old")
    ));
}

#[test]
fn what_is_no_environment_is_no_command() {
    assert_eq!(
        refused("staging"),
        "\
error: unrecognized subcommand 'staging'

Usage: shop [OPTIONS] [COMMAND]

For more information, try '--help'.
"
    );
}

#[test]
fn misspelt_commands_and_options_are_told() {
    assert_eq!(
        refused("aply prod"),
        "\
error: unrecognized subcommand 'aply'

  tip: a similar subcommand exists: 'apply'

Usage: shop [OPTIONS] [COMMAND]

For more information, try '--help'.
"
    );
    assert_eq!(
        refused("check --limt web1"),
        "\
error: unexpected argument '--limt' found

  tip: a similar argument exists: '--limit'

Usage: shop check --limit <HOST,…> [ENV]

For more information, try '--help'.
"
    );
    assert_eq!(
        refused("check --jobs 0"),
        "\
error: invalid value '0' for '--jobs <NUMBER>': 0 is not in 1..=65535

For more information, try '--help'.
"
    );
}

#[test]
fn help_tells_the_commands_and_exit_codes() {
    assert_eq!(
        refused("--help"),
        "\
Deploys this site: compares hosts with their plans, and makes them equal.

Without a command, `check` is meant.

Usage: shop [OPTIONS] [COMMAND]

Commands:
  check    Shows what apply would change, and changes nothing (the default)
  apply    Makes hosts equal to their plans
  plan     Shows the compiled plans; no host is contacted
  hosts    Lists hosts and how they are reached; no host is contacted
  explain  Tells why a task is in a host's plan; no host is contacted
  secrets  Lists secrets with the tasks that see them; no host is contacted
  schema   Writes JSON Schemas of config and inventories for editors into `schema/`; no host is contacted
  help     Print this message or the help of the given subcommand(s)

Options:
      --color <WHEN>
          Whether to write in colours

          Possible values:
          - auto:   On terminals, unless NO_COLOR is set
          - always: Always
          - never:  Never
          
          [default: auto]

  -v, --verbose
          Shows more: whole diffs, contents in plans, how long tasks took

  -h, --help
          Print help (see a summary with '-h')

  -V, --version
          Print version

Exit codes:
  0  nothing to do, or all of it applied
  1  something failed, or the command line was wrong
  2  check: changes are pending
  3  a host was unreachable, and nothing failed
"
    );
    assert_eq!(refused("--version"), "shop of commit 1234abc\n");
}
