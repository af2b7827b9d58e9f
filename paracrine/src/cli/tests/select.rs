//! Which hosts and environment a command is about.

use super::site;
use crate::cli::select;
use crate::site::Site;
use crate::testing::{TestSite, plain};

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
