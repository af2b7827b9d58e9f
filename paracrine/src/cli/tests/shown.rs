//! What is shown without any host.

use super::{selection, site, without_lines};
use crate::cli::args::{Explain, Format, Hosts, Plan, Secrets};
use crate::cli::{explain, hosts, plan, secrets};
use crate::testing::plain;

#[test]
fn plans_are_shown_without_any_host() {
    let options = |verbose: bool| {
        let options = Plan {
            command: None,
            selection: selection(Some("prod"), &[]),
            host: Vec::new(),
            format: Format::Text,
        };
        without_lines(&plain(&plan::plan(&site(), &options, verbose).unwrap()))
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
    let text = plan::plan(&site(), &options, false).unwrap();
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
                "values": [{
                    "written": "cx.env.admins",
                    "key": "ADMINS",
                    "value": "[ann, bob]",
                    "around": true,
                    "file": "config.yaml",
                    "line": 3,
                    "column": 3,
                }, {
                    "written": null,
                    "key": "DB_PASSWORD",
                    "value": "‹secret DB_PASSWORD›",
                    "around": false,
                    "file": "config.yaml",
                    "line": 14,
                    "column": 5,
                }],
                "content": "PASSWORD=‹secret DB_PASSWORD›\n",
            }],
        })
    );
}

#[test]
fn hosts_are_listed_with_how_they_are_reached() {
    let options = Hosts { selection: selection(None, &[]), format: Format::Text };
    assert_eq!(
        hosts::hosts(&site(), &options).unwrap(),
        "\
dev   box   root@box.example.org   -         x86_64  1 task
prod  web1  root@web1.example.org  web,edge  x86_64  3 tasks
prod  web2  root@web2.example.org  web       x86_64  1 task
prod  db1   root@db1.example.org   db        x86_64  0 tasks
"
    );
    let options = Hosts { selection: selection(Some("prod"), &["web1"]), format: Format::Json };
    let shown: serde_json::Value = serde_json::from_str(&hosts::hosts(&site(), &options).unwrap()).unwrap();
    assert_eq!(
        shown,
        serde_json::json!({
            "environment": "prod", "host": "web1", "ssh_hostname": "web1.example.org", "ssh_port": null,
            "ssh_user": "root", "ssh_key": [], "jump": [], "host_key": null, "sudo": true, "arch": "x86_64",
            "roles": ["web", "edge"], "inventory": "inventory/dev.yaml", "tasks": 3,
        })
    );
    let options = Hosts { selection: selection(None, &["web1"]), format: Format::Text };
    let problem = hosts::hosts(&site(), &options).unwrap_err();
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
  value     cx.env.app_host = app.example.org  config.yaml:12:5
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
  because   cx.env.admins = [ann, bob]  config.yaml:3:3
  secret    DB_PASSWORD (!env DB_PASSWORD)  config.yaml:14:5
  │ PASSWORD=‹secret DB_PASSWORD›
"
    );
    // A package and a service of one name: both.
    let both = explained("web1", "nginx").unwrap();
    assert!(
        both.contains("package nginx  (task 1 of 3)") && both.contains("\n\nservice nginx  (task 3 of 3)"),
        "{both}"
    );
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
        without_lines(&plain(&secrets::secrets(&site(), &options).unwrap())),
        "\
prod DB_PASSWORD  !env DB_PASSWORD  config.yaml:14:5
  web2  file /etc/app.env  (ROLES)
"
    );
    let options = Secrets { selection: selection(Some("dev"), &[]) };
    assert_eq!(secrets::secrets(&site(), &options).unwrap(), "no host uses a secret\n");
}
