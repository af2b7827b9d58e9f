//! What comes of a run, and what keeps one from beginning.

use std::ffi::OsString;

use paracrine_model::secret::{Provider, SecretSource};

use crate::cli::stale::told;
use crate::cli::{Command, args, deploy, exit, online};
use crate::event::{Status, Totals};
use crate::secrets::Missing;
use crate::site::{Site, Stale};
use crate::testing::{TestSite, plain, secret};

#[test]
fn exit_codes_tell_what_came_of_a_run() {
    let code = |statuses: &[Status]| {
        exit::code(&Totals {
            hosts: statuses.iter().map(|status| (*status, 1)).collect(),
            ..Totals::default()
        })
    };
    assert_eq!(code(&[]), 0);
    assert_eq!(code(&[Status::AsPlanned, Status::Applied]), 0);
    assert_eq!(code(&[Status::AsPlanned, Status::Pending]), 2);
    assert_eq!(code(&[Status::Pending, Status::Unreachable]), 3);
    assert_eq!(code(&[Status::Unreachable, Status::Failed]), 1);
    assert_eq!(code(&[Status::Applied, Status::Stopped]), 1);
    assert_eq!(code(&[Status::Held]), 1);
    assert_eq!(code(&[Status::Applied, Status::NotBegun]), 1);
}

#[test]
fn missing_secrets_are_told_all_at_once() {
    let missing = |name: &str| Missing {
        source: SecretSource { name: name.into(), provider: Provider::Env(name.into()) },
        why: "the environment variable is not set".into(),
        help: format!("set {name}"),
    };
    assert_eq!(
        plain(&online::lacking(&[missing("A"), missing("B")]).draw()),
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
fn where_host_keys_cannot_be_remembered_no_host_is_contacted() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("Cargo.toml"), "[package]\nname = \"shop\"\n").unwrap();
    let site = TestSite::with_environments(&["dev"])
        .host("dev", "web1", &[], |_| {})
        .built_in(&directory.path().display().to_string());
    let refused = |command: &str| {
        let opened = Site::open(site, None).unwrap();
        let words = ["shop", command, "dev"].map(OsString::from).to_vec();
        let problem = match args::parse("shop", "", &["dev".to_owned()], words).unwrap().command {
            Command::Apply(options) => deploy::apply(site, opened, &options, false).unwrap_err(),
            Command::Check(options) => deploy::check(site, opened, &options, false).unwrap_err(),
            other => panic!("{other:?}"),
        };
        plain(&problem.draw()).replace(&directory.path().display().to_string(), "DIR")
    };
    let help = "  help: make it a file that you can read and write, run this where the site's inventory is yours, or pin \
                `host_key` of every host in the inventory\n";
    for command in ["check", "apply"] {
        let why = "there is no such directory";
        assert_eq!(
            refused(command),
            format!(
                "error: host keys cannot be remembered in DIR/inventory/known_hosts: {why}; no host was contacted\n{help}"
            )
        );
    }
    std::fs::create_dir_all(directory.path().join("inventory/known_hosts")).unwrap();
    assert_eq!(
        refused("apply"),
        format!(
            "error: host keys cannot be remembered in DIR/inventory/known_hosts: is a directory; no host was contacted\n{help}"
        )
    );
}

#[test]
fn kept_connections_hold_no_secret_of_any_environment() {
    let site = TestSite::new()
        .host("dev", "box", &[], |plan| {
            plan.file("/etc/a", secret("DEV_PASSWORD"));
        })
        .host("prod", "web1", &[], |plan| {
            plan.file("/etc/a", secret("PROD_PASSWORD"));
        })
        .embedded();
    let variables = online::secret_variables(&Site::open(site, None).unwrap()).unwrap();
    assert_eq!(variables, ["DEV_PASSWORD", "PROD_PASSWORD", "SOPS_AGE_KEY"]);
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
    let words = ["shop", "apply", "dev"].map(OsString::from).to_vec();
    let line = args::parse("shop", "", &["dev".to_owned()], words).unwrap();
    let Command::Apply(options) = line.command else { panic!("not an apply") };
    let problem = deploy::apply(site, opened, &options, false).unwrap_err();
    assert_eq!(
        plain(&problem.draw()),
        "\
error: this binary was built from other files than are here: config.yaml changed, templates/gone.j2 is gone
  help: build again, or apply what was built with `--stale`
"
    );
    let many: Vec<_> = (0..5).map(|n| Stale { path: format!("f{n}"), what: "changed".into() }).collect();
    assert_eq!(
        told(&many),
        "this binary was built from other files than are here: f0 changed, f1 changed, f2 changed and 2 more"
    );
}
