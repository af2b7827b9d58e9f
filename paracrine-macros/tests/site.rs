//! What `site!` generates, compiled and used. The test stands in for `paracrine_build`.

extern crate self as paracrine_build;

#[doc(hidden)]
pub mod __private {
    pub use paracrine_model::deployment::Deployment;
    pub use paracrine_model::host::{Arch, by_name};
    pub use paracrine_model::inventory::Os;
    pub use paracrine_model::secret::Secret;
    pub use paracrine_model::text::{Place, Text};
    pub use paracrine_model::value::{Entries, FromValue, Mismatch, Path};
    pub use paracrine_model::yaml::Node;
    pub use serde;
}

#[path = "../../paracrine-build/src/site.rs"]
pub mod site;

use std::sync::Arc;

use paracrine_model::deployment;
use paracrine_model::host::Arch;
use paracrine_model::inventory::Os;
use paracrine_model::source::{Files, Metadata, Sources};
use site::SiteContext;

paracrine_macros::site! {
    config: "site/config.yaml",
    inventories: ["site/dev.yaml", "site/prod.yaml"],
}

struct Disk;

impl Files for Disk {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, String> {
        let package = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        std::fs::read(package.join(path)).map_err(|error| error.to_string())
    }

    fn metadata(&mut self, _: &str) -> Option<Metadata> {
        None
    }
}

fn contexts() -> Vec<(usize, Context)> {
    let mut disk = Disk;
    let (deployment, diagnostics) =
        deployment::load(&mut Sources::new(&mut disk), Context::CONFIG, Context::INVENTORIES);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let deployment = deployment.expect("the files have no errors");
    Context::contexts(&deployment).expect("the files are those that the types were made from")
}

#[test]
fn paths_are_those_of_the_package() {
    assert_eq!(Context::CONFIG, "tests/site/config.yaml");
    assert_eq!(Context::INVENTORIES, ["tests/site/dev.yaml", "tests/site/prod.yaml"]);
}

#[test]
fn values_have_the_types_that_all_environments_agree_on() {
    let contexts = contexts();
    let (_, dev) = &contexts[0];
    let env: &Env = &dev.env;
    let host: &str = &env.app_host;
    let (workers, ratio): (i64, f64) = (env.workers, env.ratio);
    let note: Option<&str> = env.note.as_deref();
    let users: &Vec<EnvUsers> = &env.users;
    let smtp: &EnvSmtp = &env.smtp;
    let tls: &EnvSmtpTls = &smtp.tls;
    let empty: &Vec<String> = &env.empty;
    assert_eq!((host, workers, ratio, note), ("app.dev.example.org", 2, 1.0, None));
    assert_eq!((users[0].name.as_str(), users[0].shell.as_deref()), ("ann", Some("/bin/sh")));
    assert_eq!((users[1].name.as_str(), users[1].shell.as_deref()), ("bob", None));
    assert_eq!((smtp.host.as_str(), smtp.port, tls.on, empty.len()), ("localhost", 25, false, 0));
    assert_eq!(env.acme_email, "ops@example.org");
    assert_eq!(format!("{:?} {:?}", env.db_password, env.tokens), "‹secret DB_PASSWORD› [‹secret TOKENS.0›]");
    let (_, prod) = &contexts[2];
    assert_eq!((prod.env.note.as_deref(), prod.env.ratio), (Some("hello"), 0.5));
    assert_eq!(prod.env.db_password.source().provider.to_string(), "!env PROD_DB_PASSWORD");
}

#[test]
fn every_host_has_its_context_and_shares_what_is_common() {
    let contexts = contexts();
    let indices: Vec<usize> = contexts.iter().map(|(index, _)| *index).collect();
    assert_eq!(indices, [0, 1, 2]);
    let (first, second, third) = (&contexts[0].1, &contexts[1].1, &contexts[2].1);
    assert!(Arc::ptr_eq(&first.env, &second.env) && Arc::ptr_eq(&first.hosts, &second.hosts));
    assert!(Arc::ptr_eq(&first.host, &second.hosts[0]));
    assert_eq!((first.host.environment, third.host.environment), (Environment::Dev, Environment::ProdEu));
    assert_eq!(third.host.environment.to_string(), "prod-eu");
    assert_eq!(first.host.roles, [Role::Web, Role::DbReplica]);
    assert_eq!(Role::ALL, [Role::DbReplica, Role::Web]);
    assert_eq!(Role::DbReplica.name(), "db-replica");
    assert_eq!((first.host.os, first.host.arch), (Os::Debian, Arch::X86_64));
    assert_eq!(first.host.wireguard_ip, Some([10, 1, 0, 1].into()));
    assert_eq!((first.host.vars.weight, second.host.vars.weight), (Some(10), None));
    assert!(third.host.vars.api_token.is_some());
    assert_eq!((third.host.name.as_str(), third.host.ssh_hostname.as_str()), ("web1", "10.0.1.1"));
    let names: Vec<&str> = first.hosts_with(Role::Web).map(|host| host.name.as_str()).collect();
    assert_eq!(names, ["web1", "web2"]);
    assert_eq!(third.hosts_with(Role::Web).count(), 0);
}

#[test]
fn templates_see_names_as_the_files_have_them() {
    let (_, context) = &contexts()[0];
    assert!(serde_json::to_value(&context.env).is_err(), "a secret is serialised for templates only");
    let json = paracrine_model::secret::placing(|| serde_json::to_value(context)).unwrap();
    assert_eq!(json["host"]["environment"], "dev");
    assert_eq!(json["host"]["roles"], serde_json::json!(["web", "db-replica"]));
    assert_eq!((&json["host"]["os"], &json["host"]["arch"]), (&"debian".into(), &"x86_64".into()));
    assert_eq!(json["host"]["wireguard_ip"], "10.1.0.1");
    assert_eq!(
        json["env"]["smtp"],
        serde_json::json!({ "host": "localhost", "port": 25, "tls": { "on": false } })
    );
    assert_eq!(json["hosts"][1]["name"], "web2");
}

#[test]
fn roles_are_matched_exhaustively() {
    let describe = |role: &Role| match role {
        Role::Web => "web",
        Role::DbReplica => "db",
    };
    let (_, context) = &contexts()[0];
    assert_eq!(context.host.roles.iter().map(describe).collect::<Vec<_>>(), ["web", "db"]);
}

#[test]
fn a_file_that_changed_after_the_types_were_made_is_an_error() {
    struct Changed;
    impl Files for Changed {
        fn read(&mut self, path: &str) -> Result<Vec<u8>, String> {
            let text = String::from_utf8(Disk.read(path)?).map_err(|error| error.to_string())?;
            let text = text.replace("WORKERS: 2", "WORKERS: 2.5").replace("[web]", "[cache]");
            Ok(text.into_bytes())
        }
        fn metadata(&mut self, _: &str) -> Option<Metadata> {
            None
        }
    }
    let mut files = Changed;
    let (deployment, _) =
        deployment::load(&mut Sources::new(&mut files), Context::CONFIG, Context::INVENTORIES);
    let mut deployment = deployment.unwrap();
    assert_eq!(
        Context::contexts(&deployment).unwrap_err().to_string(),
        "tests/site/config.yaml:6:14: error[P0112]: `WORKERS` is a decimal number, but was a whole number when `site!` read it"
    );
    deployment.environments[0].values = deployment.environments[1].values.clone();
    assert_eq!(
        Context::contexts(&deployment).unwrap_err().to_string(),
        "tests/site/dev.yaml:10:13: error[P0112]: `cache` is there, but was absent when `site!` read it"
    );
}
