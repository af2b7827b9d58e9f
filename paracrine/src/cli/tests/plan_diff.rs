//! What changes between two builds.

use std::path::PathBuf;

use super::{selection, site, without_lines};
use crate::cli::args::{Format, Plan, PlanDiff};
use crate::cli::{plan, plan_diff};
use crate::site::Site;
use crate::testing::{TestSite, plain, program};

/// A deploy binary that tells the plans of `site`, as an older build would.
fn other_binary(directory: &tempfile::TempDir, site: &Site) -> PathBuf {
    let options =
        Plan { command: None, selection: selection(None, &[]), host: Vec::new(), format: Format::Json };
    let plans = plan::plan(site, &options, false).unwrap();
    script(
        directory,
        &format!("[ \"$*\" = 'plan --format json --color never' ] || exit 9\ncat <<'END'\n{plans}END\n"),
    )
}

fn script(directory: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = directory.path().join("other");
    program(&path, text);
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
            plan.file("/new", "new\n");
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
    let options = |environment: Option<&str>| PlanDiff {
        other: other.clone(),
        environment: environment.map(Into::into),
        limit: Vec::new(),
        format: Format::Text,
    };
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
  + file /new  (ROLES)
      group root; mode 0644; owner root
      +new
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

    let limited = |environment: Option<&str>, limit: &[&str], format| {
        let limit = limit.iter().map(ToString::to_string).collect();
        let options = PlanDiff { limit, format, ..options(environment) };
        plan_diff::plan_diff(&new, &options, false)
            .map(|shown| plain(&shown))
            .map_err(|problem| plain(&problem.draw()))
    };
    // Hosts and roles that are in either build.
    let gone = "web2 (prod)\n  - the host is gone; nothing on it is touched\n";
    assert_eq!(limited(Some("prod"), &["web2"], Format::Text).unwrap(), gone);
    assert!(limited(Some("prod"), &["role:edge"], Format::Text).unwrap().starts_with("web1 (prod)\n"));
    assert_eq!(limited(Some("prod"), &["same"], Format::Text).unwrap(), "no plan differs\n");
    assert_eq!(
        limited(Some("prod"), &["wbe1"], Format::Text).unwrap_err(),
        "error: unknown host `wbe1` in `prod`\n  help: did you mean `web1`?\n"
    );
    assert_eq!(
        limited(None, &["web1"], Format::Text).unwrap_err(),
        "error: which environment?\n  help: name one of `dev`, `prod`\n"
    );
    assert_eq!(limited(Some("prod"), &["same"], Format::Json).unwrap(), "");
    let json = limited(None, &[], Format::Json).unwrap();
    let hosts: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of =
        |host: &serde_json::Value| format!("{} {} {}", host["environment"], host["host"], host["change"]);
    let all: Vec<String> = hosts.iter().map(of).collect();
    assert_eq!(all, [r#""dev" "web3" "new""#, r#""prod" "web1" "changed""#, r#""prod" "web2" "gone""#]);
    assert_eq!(hosts[1]["roles"], serde_json::json!({ "before": ["web"], "after": ["web", "edge"] }));
    let tasks: Vec<String> = hosts[1]["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| format!("{} {} {}", task["change"], task["name"], task["moved"]).replace('"', ""))
        .collect();
    assert_eq!(
        tasks,
        [
            "changes vim true",
            "changes /etc/app.conf false",
            "changes app false",
            "changes both false",
            "leaves /same false",
            "comes jq false",
            "comes /new false",
        ]
    );
    assert_eq!(hosts[1]["tasks"][1]["before"]["content"], "a\nb\nc\n");
    assert_eq!(hosts[1]["tasks"][1]["after"]["attributes"]["mode"], "0600");
}

#[test]
fn another_binary_that_tells_no_plans_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |other: PathBuf| {
        let options = PlanDiff { other, environment: None, limit: Vec::new(), format: Format::Text };
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
        refused(script(&directory, "echo '{\"site\":\"blog\"}'\n")),
        "error: `DIR/other` is of the site `blog`, this is `shop`\n  help: name another build of this site\n"
    );
    assert_eq!(
        refused(script(&directory, "echo no such option >&2; exit 1\n")),
        "error: `DIR/other` does not tell its plans\n  no such option\n"
    );
}
