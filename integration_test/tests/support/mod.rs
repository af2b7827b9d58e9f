//! What the end-to-end tests share.

use std::collections::BTreeSet;

use integration_test::lab::Lab;
use integration_test::site::{Run, Site, build, workspace};

/// The value of the example site's only secret in `dev`.
#[allow(dead_code, reason = "not every test binary searches for it")]
pub(crate) const POISON: &str = "lab-only-7f3a91";

/// The example site, built, with a folder of its own in the lab.
pub(crate) fn example(lab: &Lab) -> Site<'_> {
    let binary = build("example-site", false).expect("the example site builds");
    Site::new(lab, "site", &workspace().join("integration_test/site"), binary)
        .expect("the site can be copied")
}

/// What a run said of tasks, as `host kind name`.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Changed, or certainly will.
    pub(crate) changed: BTreeSet<String>,
    /// May change.
    pub(crate) may_change: BTreeSet<String>,
    /// Failed: the task and why.
    #[allow(dead_code, reason = "not every test binary lets something fail")]
    pub(crate) failed: Vec<(String, String)>,
    /// Status by host.
    #[allow(dead_code, reason = "not every test binary asks")]
    pub(crate) status: Vec<(String, String)>,
}

/// Reads the events of a run with `--format json`.
pub(crate) fn facts(run: &Run) -> Facts {
    let mut facts = Facts::default();
    for line in run.stdout.lines() {
        let event: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let host = text(&event["host"]);
        match event["event"].as_str() {
            Some("report") => {
                let task =
                    format!("{host} {} {}", text(&event["task"]["kind"]), text(&event["task"]["name"]));
                match event["outcome"].as_str() {
                    Some("changed") => drop(facts.changed.insert(task)),
                    Some("may_change") => drop(facts.may_change.insert(task)),
                    _ => facts.failed.push((task, text(&event["failure"]["message"]))),
                }
            }
            Some("ended") => facts.status.push((host, text(&event["status"]))),
            _ => {}
        }
    }
    facts
}
