//! What `site!` generates, compiled and used. The test stands in for `paracrine_build`.

extern crate self as paracrine_build;

#[doc(hidden)]
pub mod __private {
    pub use paracrine_model::deployment::Deployment;
    pub use paracrine_model::given::{ForTemplate, Given};
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
use paracrine_model::given::{ForTemplate, Given};
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
    let names: Vec<&str> = env.tokens.iter().map(|token| token.source().name.as_str()).collect();
    assert_eq!((env.db_password.source().name.as_str(), names), ("DB_PASSWORD", vec!["TOKENS.0"]));
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
    let given = context.for_template();
    let at = |path: &[&str]| path.iter().fold(given.clone(), |given, key| inside(&given, key));
    let text = |text: &str| Given::Text(text.into());
    assert_eq!(at(&["host", "environment"]), text("dev"));
    assert_eq!(at(&["host", "roles"]), Given::List(vec![text("web"), text("db-replica")]));
    assert_eq!(at(&["host", "os"]), text("debian"));
    assert_eq!(at(&["host", "arch"]), text("x86_64"));
    assert_eq!(at(&["host", "wireguard_ip"]), text("10.1.0.1"));
    assert_eq!(at(&["env", "smtp", "port"]), Given::Integer(25));
    assert_eq!(at(&["env", "smtp", "tls"]), Given::Record(vec![("on", Given::Bool(false))]));
    assert_eq!(at(&["hosts", "1", "name"]), text("web2"));
    assert_eq!(at(&["env", "db_password"]), Given::Text((&context.env.db_password).into()));
}

/// What stands in a list or struct.
fn inside(given: &Given, key: &str) -> Given {
    match given {
        Given::Record(fields) => fields.iter().find(|(name, _)| *name == key).expect(key).1.clone(),
        Given::List(items) => items[key.parse::<usize>().expect(key)].clone(),
        other => panic!("{key} in {other:?}"),
    }
}

#[test]
fn what_holds_no_secret_can_be_serialised_and_shown() {
    let (_, context) = &contexts()[0];
    let smtp = &context.env.smtp;
    assert_eq!(
        serde_json::to_value(smtp).unwrap(),
        serde_json::json!({ "host": "localhost", "port": 25, "tls": { "on": false } })
    );
    assert_eq!(format!("{:?}", smtp.tls), "EnvSmtpTls { on: false }");
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
        Context::contexts(&deployment).err().unwrap().to_string(),
        "tests/site/config.yaml:6:14: error[P0112]: `WORKERS` is a decimal number, but was a whole number when `site!` read it"
    );
    deployment.environments[0].values = deployment.environments[1].values.clone();
    assert_eq!(
        Context::contexts(&deployment).err().unwrap().to_string(),
        "tests/site/dev.yaml:10:13: error[P0112]: `cache` is there, but was absent when `site!` read it"
    );
}
