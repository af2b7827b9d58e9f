use super::*;

use std::collections::BTreeMap;

use paracrine_model::artifact::Artifact;
use paracrine_model::content::Blobs;
use paracrine_model::deployment;
use paracrine_model::plan::{Origin, Plan};
use paracrine_model::secret::{Provider, Secret};
use paracrine_model::source::Sources;
use paracrine_model::text::Text;

use crate::input_files::InputFiles;
use crate::site_files::SiteFiles;
use crate::site_plan::SitePlan;

const CONFIG: &str = "\
common:
  SMTP: &smtp { host: mail.example.org, password: !env SMTP_PASSWORD }
base: &base
  GREETING: Hello
environments:
  dev:
    <<: *base
    RELAY: *smtp
    ADMINS: [ann, bob]
    TEXT: |
      first
      second
  prod:
    <<: *base
    RELAY: { host: relay.example.org, password: !file relay }
    ADMINS: []
    TEXT: \"\"
";

const INVENTORY: &str = "\
environment: dev
defaults: { vars: { weight: 1 } }
servers:
  - { name: web1, ssh_hostname: 192.0.2.1, vars: { weight: 2, token: !env TOKEN } }
  - name: web2
    ssh_hostname: 192.0.2.2
";

/// The values that a host's plan gets from a declaration with this secret in it.
fn values(declaration: &str, secret: Option<Secret>) -> BTreeMap<String, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let prod = INVENTORY.replace("dev", "prod").replace("!env TOKEN", "!file token");
    let roles = format!("fn site() {{\n{declaration}\n}}\n");
    let files =
        [("config.yaml", CONFIG), ("dev.yaml", INVENTORY), ("prod.yaml", &prod), ("roles.rs", &roles)];
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut files = InputFiles::new(folder.path());
    let (deployment, problems) =
        deployment::load(&mut Sources::new(&mut files), "config.yaml", &["dev.yaml", "prod.yaml"]);
    let deployment = deployment.unwrap_or_else(|| panic!("{problems:?}"));
    let plan = Plan::new(Blobs::default());
    plan.file("/a", secret.as_ref().map_or_else(Text::default, Text::from)).mode(0o600);
    let (mut plan, _) = plan.finish();
    plan.tasks[0].origin = Origin { file: "roles.rs".into(), line: 2, column: 1 };
    let hosts = (0..deployment.hosts.len()).map(|host| (host, plan.clone())).collect();
    let site =
        SitePlan::new(deployment, hosts, Blobs::default(), Rc::new(SiteFiles::new(Path::new(""), false)));
    let mut writer = Writer::new("site".into(), None, Vec::new());
    let mut all = ValueUses::new(folder.path(), site.deployment());
    for host in site.hosts() {
        let address = site.deployment().hosts[host.index()].address.clone();
        writer.host(host.environment().into(), address, Vec::new(), host.plan()).unwrap();
        let values = all.of(host, &mut writer);
        writer.values_of_host(&values).unwrap();
    }
    let bytes = writer.finish().unwrap();
    let artifact = Artifact::open(&bytes).unwrap();
    let line = |value: &ValueUse| {
        let written = value.written.as_deref().unwrap_or("-");
        format!("{written} {} = {} {}", value.key, value.shown, value.place())
    };
    let host = |host: &paracrine_model::artifact::Host| {
        let values = artifact.values(host).unwrap();
        (
            format!("{} {}", host.environment, host.address.name),
            values[0].iter().map(|value| line(value)).collect(),
        )
    };
    artifact.index.hosts.iter().map(host).collect()
}

#[test]
fn each_environment_and_each_host_has_its_own() {
    let values = values("plan(cx.env.relay.host, cx.host.vars.weight)", None);
    assert_eq!(
        values["dev web1"],
        [
            "cx.env.relay.host RELAY.host = mail.example.org config.yaml:2:17",
            "cx.host.vars.weight weight = 2 dev.yaml:4:52",
        ]
    );
    assert_eq!(values["dev web2"][1], "cx.host.vars.weight weight = 1 dev.yaml:2:21");
    assert_eq!(values["prod web2"][0], "cx.env.relay.host RELAY.host = relay.example.org config.yaml:15:14");
}

#[test]
fn merged_and_common_values_are_shown_where_they_are_written() {
    let values = values("plan(cx.env.greeting, cx.env.smtp.host, cx.env.relay)", None);
    assert_eq!(
        values["dev web1"],
        [
            "cx.env.greeting GREETING = Hello config.yaml:4:3",
            "cx.env.smtp.host SMTP.host = mail.example.org config.yaml:2:17",
            "cx.env.relay RELAY = { host: mail.example.org, password: ‹secret RELAY.password› } config.yaml:2:15",
        ]
    );
    assert_eq!(values["prod web1"][2], values["prod web2"][2]);
}

#[test]
fn what_is_long_or_missing_is_shown_shortly() {
    let values =
        values("plan(cx.env.admins.iter().join(), cx.env.text, cx.host.vars.token, cx.env.nothing)", None);
    assert_eq!(
        values["dev web2"],
        [
            "cx.env.admins ADMINS = [ann, bob] config.yaml:9:5",
            "cx.env.text TEXT = first … config.yaml:10:5",
            "cx.host.vars.token token = (not there) dev.yaml:5:11",
        ]
    );
    assert_eq!(values["dev web1"][2], "cx.host.vars.token token = ‹secret token› dev.yaml:4:63");
    assert_eq!(
        values["prod web1"][..2],
        ["cx.env.admins ADMINS = [] config.yaml:16:5", "cx.env.text TEXT = \"\" config.yaml:17:5"]
    );
}

#[test]
fn a_secret_is_found_however_it_came_into_the_task() {
    let secret =
        |name: &str, provider: Provider| Some(Secret::new(SecretSource { name: name.into(), provider }));
    let passed = values("plan(password)", secret("SMTP.password", Provider::Env("SMTP_PASSWORD".into())));
    assert_eq!(passed["dev web1"], ["- SMTP.password = ‹secret SMTP.password› config.yaml:2:41"]);
    let named =
        values("plan(cx.env.smtp.password)", secret("SMTP.password", Provider::Env("SMTP_PASSWORD".into())));
    assert_eq!(
        named["dev web1"],
        ["cx.env.smtp.password SMTP.password = ‹secret SMTP.password› config.yaml:2:41"]
    );
    let of_host = values("plan(token)", secret("token", Provider::Env("TOKEN".into())));
    assert_eq!(of_host["dev web1"], ["- token = ‹secret token› dev.yaml:4:63"]);
    assert_eq!(of_host["prod web1"], [""; 0], "that host has another one");
}
