//! What is typed, what it means, and what is said where it means nothing.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use clap::CommandFactory;
use paracrine_model::secret::{Provider, SecretSource};
use paracrine_model::text::{Place, Text};

use super::args::{Color, CommandLine, Deploy, Explain, Format, Hosts, Plan, PlanDiff, Secrets, Selection};
use super::*;
use crate::event::{Status, Totals};
use crate::secrets::Missing;
use crate::testing::{TestSite, plain, secret};

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
    assert_eq!(options.jobs, 3);
    // Not the name of any environment: the environment is looked for, and not found, later.
    assert_eq!(check("staging").selection.environment.as_deref(), Some("staging"));
}

#[test]
fn options_have_their_defaults() {
    let options = check("prod");
    assert_eq!((options.jobs, options.persist, options.connect_timeout, options.lock_wait), (16, 60, 10, 0));
    assert_eq!((options.adopt, options.stale, options.format), (false, false, Format::Text));
    let line = parse("check prod").unwrap();
    assert_eq!((line.color, line.verbose), (Color::Auto, false));
    let line = parse("--color never -v apply prod").unwrap();
    assert_eq!((line.color, line.verbose), (Color::Never, true));
    assert!(matches!(line.command, Command::Apply(_)));
    assert!(matches!(
        parse("plan diff ../old prod").unwrap().command,
        Command::Plan(Plan { command: Some(args::PlanCommand::Diff(PlanDiff { other, environment: Some(_) })), .. })
            if other == std::path::Path::new("../old")
    ));
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

fn site() -> Site {
    let embedded = TestSite::new()
        .host("dev", "box", &[], |plan| {
            plan.package("curl");
        })
        .host("prod", "web1", &["web", "edge"], |plan| {
            plan.package("nginx");
            let conf = plan.file("/etc/nginx/app.conf", "server {}\n").mode(0o600);
            plan.service("nginx").enabled().running().reload_on(&conf);
        })
        .host("prod", "web2", &["web"], |plan| {
            let mut text = Text::from("PASSWORD=");
            secret("DB_PASSWORD").place(&mut text);
            text.push_str("\n");
            plan.file("/etc/app.env", text);
        })
        .host("prod", "db1", &["db"], |_| {})
        .embedded();
    Site::open(embedded, None).unwrap()
}

fn selection(environment: Option<&str>, limit: &[&str]) -> Selection {
    Selection {
        environment: environment.map(Into::into),
        limit: limit.iter().map(ToString::to_string).collect(),
    }
}

fn picked(environment: &str, limit: &[&str]) -> Result<Vec<String>, String> {
    let limit: Vec<_> = limit.iter().map(ToString::to_string).collect();
    match select::hosts(site().index(), environment, &limit) {
        Ok(hosts) => Ok(hosts.into_iter().map(|host| host.address.name.clone()).collect()),
        Err(problem) => Err(plain(&problem.draw())),
    }
}

#[test]
fn hosts_are_picked_by_name_pattern_and_role_in_the_order_of_the_inventory() {
    assert_eq!(picked("prod", &[]).unwrap(), ["web1", "web2", "db1"]);
    assert_eq!(picked("prod", &["db1", "web1"]).unwrap(), ["web1", "db1"]);
    assert_eq!(picked("prod", &["web*"]).unwrap(), ["web1", "web2"]);
    assert_eq!(picked("prod", &["role:web", "web1"]).unwrap(), ["web1", "web2"]);
    assert_eq!(picked("prod", &["role:e*"]).unwrap(), ["web1"]);
}

#[test]
fn what_picks_no_host_is_told_with_the_nearest() {
    assert_eq!(
        picked("prod", &["web1", "wbe2"]).unwrap_err(),
        "error: unknown host `wbe2` in `prod`\n  help: did you mean `web2`?\n"
    );
    assert_eq!(
        picked("prod", &["mail"]).unwrap_err(),
        "error: unknown host `mail` in `prod`\n  help: hosts: `web1`, `web2`, `db1`\n"
    );
    assert_eq!(
        picked("prod", &["edge"]).unwrap_err(),
        "error: unknown host `edge` in `prod`\n  help: for a role write `role:edge`\n"
    );
    assert_eq!(
        picked("prod", &["role:wbe"]).unwrap_err(),
        "error: no host of `prod` has a role `wbe`\n  help: did you mean `web`?\n"
    );
    assert_eq!(
        picked("dev", &["role:web"]).unwrap_err(),
        "error: no host of `dev` has a role `web`\n  help: there are no roles\n"
    );
    assert_eq!(
        picked("prod", &["mail*"]).unwrap_err(),
        "error: no host of `prod` is named like `mail*`\n  help: hosts: `web1`, `web2`, `db1`\n"
    );
}

fn environment(named: Option<&str>, environments: &[&str]) -> Result<String, String> {
    let embedded = TestSite::with_environments(environments).embedded();
    let site = Site::open(embedded, None).unwrap();
    let found = select::environment(site.index(), named).map(ToOwned::to_owned);
    found.map_err(|problem| plain(&problem.draw()))
}

#[test]
fn the_environment_has_to_be_clear() {
    assert_eq!(environment(Some("dev"), &["dev", "prod"]).unwrap(), "dev");
    assert_eq!(environment(None, &["dev"]).unwrap(), "dev");
    assert_eq!(
        environment(None, &["dev", "prod"]).unwrap_err(),
        "error: which environment?\n  help: name one of `dev`, `prod`\n"
    );
    assert_eq!(
        environment(Some("pord"), &["dev", "prod"]).unwrap_err(),
        "error: unknown environment `pord`\n  help: did you mean `prod`?\n"
    );
    assert_eq!(
        environment(None, &[]).unwrap_err(),
        "error: the site has no environment\n  help: add one to config.yaml\n"
    );
    let site = Site::open(TestSite::new().embedded(), None).unwrap();
    assert_eq!(
        plain(&select::hosts(site.index(), "dev", &[]).unwrap_err().draw()),
        "error: environment `dev` has no hosts\n  help: add an inventory with `environment: dev`\n"
    );
}

/// Without the numbers of lines, which change with this file.
fn without_lines(text: &str) -> String {
    let mut plain_text = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("paracrine/src/cli/tests.rs:") {
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(after.len());
        plain_text += before;
        plain_text += "ROLES";
        rest = &after[end..];
    }
    plain_text + rest
}

#[test]
fn plans_are_shown_without_any_host() {
    let options = |verbose: bool| {
        let options =
            Plan { command: None, selection: selection(Some("prod"), &[]), host: Vec::new(), format: Format::Text };
        without_lines(&plain(&show::plan(&site(), &options, verbose).unwrap()))
    };
    assert_eq!(
        options(false),
        "\
web1 (prod, 3 tasks)
  package nginx  (ROLES)
      state present
  file /etc/nginx/app.conf  (ROLES)
      content 10 bytes, HASH; owner root; group root; mode 0600
  service nginx  (ROLES)
      enabled yes; running yes
      reload when file /etc/nginx/app.conf changes
web2 (prod, 1 task)
  file /etc/app.env  (ROLES)
      content text with ‹secret DB_PASSWORD›; owner root; group root; mode 0600
db1 (prod, 0 tasks)
"
        .replace("HASH", &paracrine_model::hash::Hash::of(b"server {}\n").short())
    );
    assert!(options(true).contains("; mode 0600\n      │ PASSWORD=‹secret DB_PASSWORD›\n"));
}

#[test]
fn plans_are_json_too() {
    let options = Plan {
        command: None,
        selection: selection(Some("prod"), &[]),
        host: vec!["web2".into()],
        format: Format::Json,
    };
    let text = show::plan(&site(), &options, false).unwrap();
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    let line = plan["tasks"][0]["line"].clone();
    assert_eq!(
        plan,
        serde_json::json!({
            "site": "shop",
            "commit": "1234abc",
            "environment": "prod",
            "host": "web2",
            "roles": ["web"],
            "arch": "x86_64",
            "tasks": [{
                "kind": "file",
                "name": "/etc/app.env",
                "attributes": {
                    "content": "text with ‹secret DB_PASSWORD›",
                    "owner": "root",
                    "group": "root",
                    "mode": "0600",
                },
                "triggers": [],
                "secrets": ["DB_PASSWORD"],
                "file": "paracrine/src/cli/tests.rs",
                "line": line,
                "column": 18,
                "source": null,
                "content": "PASSWORD=‹secret DB_PASSWORD›\n",
            }],
        })
    );
}

#[test]
fn hosts_are_listed_with_how_they_are_reached() {
    let options = Hosts { selection: selection(None, &[]) };
    assert_eq!(
        show::hosts(&site(), &options).unwrap(),
        "\
dev   box   root@box.example.org   -         x86_64  1 task
prod  web1  root@web1.example.org  web,edge  x86_64  3 tasks
prod  web2  root@web2.example.org  web       x86_64  1 task
prod  db1   root@db1.example.org   db        x86_64  0 tasks
"
    );
    let options = Hosts { selection: selection(None, &["web1"]) };
    let problem = show::hosts(&site(), &options).unwrap_err();
    assert_eq!(plain(&problem.draw()), "error: which environment?\n  help: name one of `dev`, `prod`\n");
}

fn explained(host: &str, what: &str) -> Result<String, String> {
    let options = Explain { environment: "prod".into(), host: host.into(), what: what.into() };
    match explain::explain(&site(), &options) {
        Ok(text) => Ok(without_lines(&plain(&text))),
        Err(problem) => Err(plain(&problem.draw())),
    }
}

#[test]
fn a_task_is_explained() {
    assert_eq!(
        explained("web1", "/etc/nginx/app.conf").unwrap(),
        "\
file /etc/nginx/app.conf  (task 2 of 3)
  host      web1 of prod (web, edge)
  declared  ROLES
  content   10 bytes, HASH
  owner     root
  group     root
  mode      0600
  triggers  reload of service nginx  (ROLES)
  │ server {}
"
        .replace("HASH", &paracrine_model::hash::Hash::of(b"server {}\n").short())
    );
    assert_eq!(
        explained("web2", "file /etc/app.env").unwrap(),
        "\
file /etc/app.env  (task 1 of 1)
  host      web2 of prod (web)
  declared  ROLES
  content   text with ‹secret DB_PASSWORD›
  owner     root
  group     root
  mode      0600
  secret    DB_PASSWORD (!env DB_PASSWORD)
  │ PASSWORD=‹secret DB_PASSWORD›
"
    );
    // A package and a service of one name: both.
    let both = explained("web1", "nginx").unwrap();
    assert!(both.contains("package nginx  (task 1 of 3)") && both.contains("\n\nservice nginx  (task 3 of 3)"), "{both}");
    assert!(both.contains("  reload    when file /etc/nginx/app.conf changes\n"));
}

#[test]
fn what_is_in_no_plan_is_told_with_the_nearest() {
    assert_eq!(
        explained("web1", "/etc/nginx/ap.conf").unwrap_err(),
        "error: the plan of `web1` has no task `/etc/nginx/ap.conf`\n  help: did you mean `/etc/nginx/app.conf`?\n"
    );
    assert_eq!(
        explained("web1", "app.conf").unwrap_err(),
        "error: the plan of `web1` has no task `app.conf`\n  help: did you mean `file /etc/nginx/app.conf`?\n"
    );
    assert_eq!(
        explained("web1", "postgresql").unwrap_err(),
        "error: the plan of `web1` has no task `postgresql`\n  help: `plan prod --host web1` shows all\n"
    );
    assert_eq!(
        explained("web*", "nginx").unwrap_err(),
        "error: `web*` stands for several hosts\n  help: name one host\n"
    );
}

#[test]
fn secrets_are_listed_with_who_sees_them() {
    let options = Secrets { selection: selection(Some("prod"), &[]) };
    assert_eq!(
        without_lines(&plain(&secret_list::secrets(&site(), &options).unwrap())),
        "\
prod DB_PASSWORD  !env DB_PASSWORD
  web2  file /etc/app.env  (ROLES)
"
    );
    let options = Secrets { selection: selection(Some("dev"), &[]) };
    assert_eq!(secret_list::secrets(&site(), &options).unwrap(), "no host uses a secret\n");
}

/// A deploy binary that tells the plans of `site`, as an older build would.
fn other_binary(directory: &tempfile::TempDir, site: &Site) -> PathBuf {
    let options = Plan { command: None, selection: selection(None, &[]), host: Vec::new(), format: Format::Json };
    let plans = show::plan(site, &options, false).unwrap();
    script(directory, &format!("[ \"$*\" = 'plan --format json --color never' ] || exit 9\ncat <<'END'\n{plans}END\n"))
}

fn script(directory: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = directory.path().join("other");
    std::fs::write(&path, format!("#!/bin/sh\n{text}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn plans_of_two_builds_are_compared() {
    let old = TestSite::new()
        .host("prod", "web1", &["web"], |plan| {
            plan.package("curl");
            plan.package("vim");
            let conf = plan.file("/etc/app.conf", "a\nb\nc\n");
            plan.service("app").running().restart_on(&conf);
            plan.command("echo one\necho two").named("both").creates("/x");
            plan.file("/same", "same");
        })
        .host("prod", "web2", &["web"], |_| {})
        .host("prod", "same", &["web"], |plan| {
            plan.package("curl");
        })
        .embedded();
    let new = TestSite::new()
        .host("prod", "web1", &["web", "edge"], |plan| {
            plan.package("vim").at_least("2");
            plan.package("curl");
            let conf = plan.file("/etc/app.conf", "a\nB\nc\n").mode(0o600);
            plan.service("app").running().reload_on(&conf);
            plan.command("echo one\necho three").named("both").creates("/x");
            plan.package("jq");
        })
        .host("dev", "web3", &["web"], |plan| {
            plan.package("curl");
        })
        .host("prod", "same", &["web"], |plan| {
            plan.package("curl");
        })
        .embedded();
    let (old, new) = (Site::open(old, None).unwrap(), Site::open(new, None).unwrap());
    let directory = tempfile::tempdir().unwrap();
    let other = other_binary(&directory, &old);
    let options = |environment: Option<&str>| PlanDiff { other: other.clone(), environment: environment.map(Into::into) };
    let shown = without_lines(&plain(&plan_diff::plan_diff(&new, &options(None), false).unwrap()));
    assert_eq!(
        shown,
        "\
web3 (dev)
  + the host is new, 1 task
web1 (prod)
  ~ roles web → web, edge
  ~ package vim  (ROLES)
      is first now
      state present → at least 2
  ~ file /etc/app.conf  (ROLES)
      mode 0644 → 0600
      @@ -1,3 +1,3 @@
       a
      -b
      +B
       c
  ~ service app  (ROLES)
      no longer: restart when file /etc/app.conf changes
      reload when file /etc/app.conf changes
  ~ command both  (ROLES)
      script
      @@ -1,2 +1,2 @@
       echo one
      -echo two
      \\ no newline at end of file
      +echo three
      \\ no newline at end of file
  - file /same  (ROLES)
      leaves the plan; what is on the host stays as it is
  + package jq  (ROLES)
      state present
web2 (prod)
  - the host is gone; nothing on it is touched
"
    );
    let shown = plan_diff::plan_diff(&new, &options(Some("dev")), false).unwrap();
    assert_eq!(plain(&shown), "web3 (dev)\n  + the host is new, 1 task\n");
    assert_eq!(plan_diff::plan_diff(&old, &options(None), false).unwrap(), "no plan differs\n");
    assert_eq!(
        plain(&plan_diff::plan_diff(&new, &options(Some("pord")), false).unwrap_err().draw()),
        "error: unknown environment `pord`\n  help: did you mean `prod`?\n"
    );
}

#[test]
fn another_binary_that_tells_no_plans_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |other: PathBuf| {
        let options = PlanDiff { other, environment: None };
        plain(&plan_diff::plan_diff(&site(), &options, false).unwrap_err().draw())
            .replace(&directory.path().display().to_string(), "DIR")
    };
    assert_eq!(
        refused(directory.path().join("nope")),
        "error: `DIR/nope` cannot be run: No such file or directory (os error 2)\n  help: name another build's binary\n"
    );
    assert_eq!(
        refused(script(&directory, "echo hello\n")),
        "error: `DIR/other` tells something that is no plan\n  help: name another build's binary\n"
    );
    assert_eq!(
        refused(script(&directory, "echo no such option >&2; exit 1\n")),
        "error: `DIR/other` does not tell its plans\n  no such option\n"
    );
}

#[test]
fn exit_codes_tell_what_came_of_a_run() {
    let code = |statuses: &[Status]| {
        deploy::code(&Totals { hosts: statuses.iter().map(|status| (*status, 1)).collect(), ..Totals::default() })
    };
    assert_eq!(code(&[]), 0);
    assert_eq!(code(&[Status::AsPlanned, Status::Applied]), 0);
    assert_eq!(code(&[Status::AsPlanned, Status::Pending]), 2);
    assert_eq!(code(&[Status::Pending, Status::Unreachable]), 3);
    assert_eq!(code(&[Status::Unreachable, Status::Failed]), 1);
    assert_eq!(code(&[Status::Applied, Status::Stopped]), 1);
    assert_eq!(code(&[Status::Held]), 1);
}

#[test]
fn missing_secrets_are_told_all_at_once() {
    let missing = |name: &str| Missing {
        source: SecretSource { name: name.into(), provider: Provider::Env(name.into()) },
        why: "the environment variable is not set".into(),
        help: format!("set {name}"),
    };
    assert_eq!(
        plain(&deploy::lacking(&[missing("A"), missing("B")]).draw()),
        "\
error: 2 secrets have no value; no host was contacted
  secret A (!env A): the environment variable is not set
    set A
  secret B (!env B): the environment variable is not set
    set B
"
    );
}

#[test]
fn a_binary_that_is_older_than_its_site_refuses_to_apply() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("Cargo.toml", "[package]\nname = \"shop\"\n");
    write("config.yaml", "a: 2\n");
    write("roles.rs", "same");
    let site = TestSite::with_environments(&["dev"])
        .host("dev", "web1", &[], |_| {})
        .input("config.yaml", b"a: 1\n")
        .input("roles.rs", b"same")
        .input("templates/gone.j2", b"")
        .built_in(&directory.path().display().to_string());
    let opened = Site::open(site, None).unwrap();
    assert_eq!(opened.directory.as_deref(), Some(directory.path()));
    let Command::Apply(options) = parse("apply dev").unwrap().command else { panic!("not an apply") };
    let problem = deploy::apply(site, opened, options, false).unwrap_err();
    assert_eq!(
        plain(&problem.draw()),
        "\
error: this binary was built from other files than are here: config.yaml changed, templates/gone.j2 is gone
  help: build again, or apply what was built with `--stale`
"
    );
    let many: Vec<_> =
        (0..5).map(|n| Stale { path: format!("f{n}"), what: "changed".into() }).collect();
    assert_eq!(
        told(&many),
        "this binary was built from other files than are here: f0 changed, f1 changed, f2 changed and 2 more"
    );
}
