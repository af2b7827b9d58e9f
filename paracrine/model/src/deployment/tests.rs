use std::collections::BTreeMap;

use super::*;
use crate::diagnostic::draw::{Style, draw_all};
use crate::secret::Provider;
use crate::source::tests::Memory;
use crate::yaml::tests::{Random, mutated};

fn load_files(files: &[(&str, &str)]) -> (Option<Deployment>, Diagnostics) {
    let inventories: Vec<&str> =
        files.iter().map(|(path, _)| *path).filter(|path| path.starts_with("inv")).collect();
    let mut memory = Memory::with(files);
    load(&mut Sources::new(&mut memory), "config.yaml", &inventories)
}

/// All problems drawn.
fn drawn(files: &[(&str, &str)]) -> String {
    let inventories: Vec<&str> =
        files.iter().map(|(path, _)| *path).filter(|path| path.starts_with("inv")).collect();
    let mut memory = Memory::with(files);
    let mut sources = Sources::new(&mut memory);
    let (_, diagnostics) = load(&mut sources, "config.yaml", &inventories);
    draw_all(diagnostics, &mut sources, Style::Plain)
}

/// All problems in short.
fn short(files: &[(&str, &str)]) -> Vec<String> {
    load_files(files).1.into_sorted().iter().map(ToString::to_string).collect()
}

const DEV: (&str, &str) = ("inv-dev", "environment: dev\nservers: [{name: a, ssh_hostname: a}]\n");
const PROD: (&str, &str) = ("inv-prod", "environment: prod\nservers: [{name: a, ssh_hostname: b}]\n");

const PYTHON_CONFIG: &str = "---
environments:
    docker:
        PLEROMA_HOST: pleroma-docker.tevps.net
        PLEROMA_EMAIL: anon@penet.fi
        SECRET_KEY_BASE: some-secret
        SIGNING_SALT: some-salt
        DB_PASSWORD: super-secret-value
        JOKEN_SIGNER: joken-secret
        WEB_PUSH_PUBLIC: web-push-public
        WEB_PUSH_PRIVATE: web-push-private
        REDIS_PASSWORD: foo-bar-baz
    vagrant:
        PLEROMA_HOST: pleroma-docker.tevps.net
        PLEROMA_EMAIL: anon@penet.fi
        SECRET_KEY_BASE: some-secret
        SIGNING_SALT: some-salt
        DB_PASSWORD: super-secret-value
        JOKEN_SIGNER: joken-secret
        WEB_PUSH_PUBLIC: web-push-public
        WEB_PUSH_PRIVATE: web-push-private
        REDIS_PASSWORD: foo-bar-baz


dummy_certs: true # so we don't actually try and get bad certs
";

const PYTHON_INVENTORY: &str = "---
environment: docker
data_path: .
servers:
    - name: default
      count: 0
      ssh_hostname: localhost
      ssh_port: 2000
      ssh_key: test_key
      ssh_user: root
      wireguard_ip: 192.168.1.1
";

#[test]
fn the_files_of_the_python_tool_build_with_warnings_only() {
    let files = [("config.yaml", PYTHON_CONFIG), ("inventory.yaml", PYTHON_INVENTORY)];
    assert_eq!(
        short(&files),
        [
            "config.yaml:6:26: warning[P0301]: `SECRET_KEY_BASE` looks like a secret",
            "config.yaml:7:23: warning[P0301]: `SIGNING_SALT` looks like a secret",
            "config.yaml:8:22: warning[P0301]: `DB_PASSWORD` looks like a secret",
            "config.yaml:9:23: warning[P0301]: `JOKEN_SIGNER` looks like a secret",
            "config.yaml:11:27: warning[P0301]: `WEB_PUSH_PRIVATE` looks like a secret",
            "config.yaml:12:25: warning[P0301]: `REDIS_PASSWORD` looks like a secret",
            "config.yaml:13:5: warning[P0205]: environment `vagrant` has no inventory",
            "inventory.yaml:9:16: warning[P0408]: there is no ssh key `test_key`",
        ]
    );
    let deployment = load_files(&files).0.unwrap();
    let host = &deployment.hosts[0];
    assert_eq!(host.address.ssh_key, ["configs/test_key"]);
    assert_eq!((host.address.ssh_port, host.environment), (Some(2000), 0));
    assert_eq!(host.wireguard_ip, Some("192.168.1.1".parse().unwrap()));
    let names: Vec<&str> = deployment.env.0.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(
        names.join(" "),
        "pleroma_host pleroma_email secret_key_base signing_salt db_password joken_signer \
                                 web_push_public web_push_private redis_password dummy_certs"
    );
}

#[test]
fn a_literal_secret_is_drawn_with_its_tag() {
    let config = "environments:\n  dev:\n    DB_PASSWORD: hunter2\n  prod:\n    DB_PASSWORD: hunter3\n";
    assert_eq!(
        drawn(&[("config.yaml", config), DEV, PROD]),
        "\
warning[P0301]: `DB_PASSWORD` looks like a secret
 --> config.yaml:3:18
  |
3 |     DB_PASSWORD: hunter2
  |                  ^^^^^^^ readable by all who can read this file
4 |   prod:
5 |     DB_PASSWORD: hunter3
  |                  ------- and here
  |
help: tag it: `!env DB_PASSWORD` or `!file secrets/db_password`"
    );
}

#[test]
fn what_only_sounds_like_a_secret_is_left_alone() {
    let config = "environments:
  dev:
    PASSWORD_FILE: /run/x
    TOKEN_TTL: 300
    WEB_PUSH_PUBLIC: abc
    COMPASS: north
    API_URL: https://example.org
    PASSWORD: !env X
    SECRET_NOTE: ''
    KEYBOARD: de
    secretName: x
";
    assert_eq!(short(&[("config.yaml", config), DEV]), [""; 0]);
    let config = "environments:\n  dev:\n    apiKey: x\n    smtp: {pass: y}\n    tls: '-----BEGIN RSA PRIVATE KEY-----'\n    TOKENS: [a, b]\n";
    assert_eq!(
        short(&[("config.yaml", config), DEV]),
        [
            "config.yaml:3:13: warning[P0301]: `apiKey` looks like a secret",
            "config.yaml:4:18: warning[P0301]: `smtp.pass` looks like a secret",
            "config.yaml:5:10: warning[P0301]: `tls` looks like a secret",
            "config.yaml:6:14: warning[P0301]: `TOKENS` looks like a secret",
        ]
    );
}

#[test]
fn a_config_has_environments() {
    for (config, problems) in [
        ("", &["config.yaml:1:1: error[P0112]: the config is empty"][..]),
        ("- a\n", &["config.yaml:1:1: error[P0112]: the config is not a mapping"]),
        ("common: {A: 1}\n", &["config.yaml:1:1: error[P0111]: the config has no `environments`"]),
        ("enviroments: {dev: {A: 1}}\n", &["config.yaml:1:1: error[P0110]: unknown key `enviroments`"]),
        (
            "environments: {dev: {A: 1}}\ncomon: {B: 1}\n",
            &["config.yaml:2:1: error[P0110]: unknown key `comon`"],
        ),
        (
            "environments: [dev]\n",
            &["config.yaml:1:15: error[P0112]: `environments` wants a mapping, not a list"],
        ),
        ("environments:\n", &["config.yaml:1:1: error[P0113]: `environments` is empty"]),
        ("environments: {}\n", &["config.yaml:1:15: error[P0113]: there are no environments"]),
        (
            "environments: {dev: 5}\n",
            &["config.yaml:1:21: error[P0112]: `dev` wants a mapping, not a whole number"],
        ),
        (
            "environments: {dev: {A: 1}, prod: }\n",
            &["config.yaml:1:29: error[P0113]: environment `prod` has no values"],
        ),
        ("environments: {dev: {A: }}\n", &["config.yaml:1:22: error[P0113]: `A` is empty"]),
        (
            "environments: {dev: {A: 1}}\ncommon: 5\n",
            &["config.yaml:2:9: error[P0112]: `common` wants a mapping, not a whole number"],
        ),
        (
            "environments: {dev: {A: 1}}\ncommon: {B: 1}\nB: 2\n",
            &["config.yaml:3:1: error[P0104]: common value `B` stands twice"],
        ),
        (
            "environments: {dev: {}, 2b: {A: 1}}\n",
            &[
                "config.yaml:1:16: error[P0113]: environment `dev` has no values",
                "config.yaml:1:25: error[P0204]: `2b` cannot become a name in Rust",
            ],
        ),
        (
            "environments: {dev: {A: 1}, d-ev: {A: 1}, dev_: {A: 1}}\n",
            &[
                "config.yaml:1:43: error[P0203]: `dev_` and `dev` both become `Dev` in Rust",
                "config.yaml:1:29: warning[P0205]: environment `d-ev` has no inventory",
            ],
        ),
    ] {
        assert_eq!(short(&[("config.yaml", config), DEV]), problems, "{config}");
    }
    assert_eq!(short(&[("config.yaml", "environments: {dev: }\ncommon: {A: 1}\n"), DEV]), [""; 0]);
}

#[test]
fn common_values_are_those_of_all_environments_that_do_not_replace_them() {
    let config = "common: {A: 1, B: 2}\nenvironments: {dev: {A: 5}, prod: {C: 3, A: 7}}\nC: 4\n";
    let deployment = load_files(&[("config.yaml", config), DEV, PROD]).0.unwrap();
    let values: Vec<String> = deployment
        .environments
        .iter()
        .map(|environment| {
            let entries = map_of(&environment.values).entries.iter();
            let shown: Vec<String> = entries
                .map(|(key, node)| {
                    format!("{}={} {}", key.name, node.spelling.as_deref().unwrap(), node.place)
                })
                .collect();
            shown.join(", ")
        })
        .collect();
    assert_eq!(
        values,
        [
            "A=5 config.yaml:2:25, B=2 config.yaml:1:19, C=4 config.yaml:3:4",
            "C=3 config.yaml:2:39, A=7 config.yaml:2:45, B=2 config.yaml:1:19",
        ]
    );
}

#[test]
fn several_inventories_may_share_an_environment_but_no_name_or_address() {
    let config = ("config.yaml", "environments: {dev: {A: 1}}\n");
    let other = ("inv-dev-2", "environment: dev\nservers: [{name: b, ssh_hostname: b, jump: a}]\n");
    let deployment = load_files(&[config, DEV, other]).0.unwrap();
    assert_eq!(deployment.environments[0].hosts, [0, 1]);
    assert_eq!(deployment.hosts[1].address.jump, ["a"]);
    assert_eq!(deployment.hosts[1].address.inventory, "inv-dev-2");
    let same = (
        "inv-dev-2",
        "environment: dev\nservers: [{name: a, ssh_hostname: b}, {name: c, ssh_hostname: a}]\n",
    );
    assert_eq!(
        short(&[config, DEV, same]),
        [
            "inv-dev-2:2:18: error[P0401]: two hosts are named `a`",
            "inv-dev-2:2:63: error[P0402]: `a` and `c` are both at `a`, port 22",
        ]
    );
}

#[test]
fn a_cause_hides_its_effects() {
    // A config that cannot be read: nothing is said of environments that inventories name.
    assert_eq!(
        short(&[("config.yaml", "environments: [\n"), DEV]),
        ["config.yaml:1:15: error[P0103]: `[` is not closed"]
    );
    assert_eq!(short(&[DEV]), ["error[P0101]: cannot read `config.yaml`: no such file"]);
    // An environment that cannot be read: its inventory is none for an unknown one, and it lacks no keys.
    assert_eq!(
        short(&[("config.yaml", "environments: {dev: {A: 1}, prod: 5}\n"), DEV, PROD]),
        ["config.yaml:1:35: error[P0112]: `prod` wants a mapping, not a whole number"]
    );
    // An inventory that cannot be read: its environment may have one.
    assert_eq!(
        short(&[("config.yaml", "environments: {dev: {A: 1}, prod: {A: 1}}\n"), DEV, ("inv-prod", "x: [")]),
        ["inv-prod:1:4: error[P0103]: `[` is not closed"]
    );
    // One misspelled key that is missing everywhere else is one problem for each environment, not two.
    assert_eq!(
        short(&[
            ("config.yaml", "environments: {dev: {A: 1}, prod: {A: 1}, test: {A: 1, B: 1}}\n"),
            DEV,
            PROD
        ])
        .iter()
        .filter(|problem| problem.contains("error"))
        .count(),
        2
    );
}

#[test]
fn a_missing_key_is_drawn_at_the_environment_that_lacks_it() {
    let config = "\
environments:
  dev:
    APP_HOST: app.dev.example.org
    WORKERS: 2
  prod:
    APP_HOST: app.example.org
";
    assert_eq!(
        drawn(&[("config.yaml", config), DEV, PROD]),
        "\
error[P0201]: environment `prod` has no `WORKERS`
 --> config.yaml:5:3
  |
4 |     WORKERS: 2
  |     ------- `dev` has it
5 |   prod:
  |   ^^^^ `WORKERS` is missing here
  |
help: add `WORKERS:` to it, or `WORKERS: null` to make it optional"
    );
}

#[test]
fn a_thousand_hosts_load_in_a_moment() {
    let mut inventory = "environment: dev\ndefaults: &d {ssh_user: x}\nservers:\n".to_owned();
    for host in 0..5_000 {
        let jump = if host == 0 { String::new() } else { format!(", jump: h{}", host % 7) };
        let jump = if host < 7 { String::new() } else { jump };
        inventory.push_str(&format!(
            "- {{name: h{host}, ssh_hostname: h{host}, roles: [web], vars: {{a: {host}, b: x}}{jump}}}\n"
        ));
    }
    let started = std::time::Instant::now();
    let (deployment, _) = load_files(&[("config.yaml", "environments: {dev: {A: 1}}"), ("inv", &inventory)]);
    assert_eq!(deployment.unwrap().hosts.len(), 5_000);
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

#[test]
fn no_files_panic() {
    let config = "common: &c {A: 1}\nenvironments:\n  dev: &dev\n    B: !env X\n    C: [1, {d: e}]\n  prod:\n    <<: *dev\n    B: x\n";
    let inventory = "environment: dev\ndata_path: .\ndefaults: {ssh_user: u, vars: {a: 1}}\nservers:\n- name: a\n  ssh_hostname: h\n  ssh_port: 22\n  ssh_key: k\n  wireguard_ip: 10.0.0.1\n  roles: [web, db]\n  vars: {a: 2, b: null}\n  arch: arm64\n  os: debian\n  jump: b\n- {name: b, ssh_hostname: i}\n";
    let mut random = Random(7);
    for round in 0..3_000 {
        let mut files = Memory::default();
        let (mut one, mut two) = (config.as_bytes().to_vec(), inventory.as_bytes().to_vec());
        if round % 3 != 0 {
            one = mutated(config, &mut random);
        }
        if round % 3 != 1 {
            two = mutated(inventory, &mut random);
        }
        files.0 = BTreeMap::from([("config.yaml".to_owned(), one), ("inv".to_owned(), two)]);
        let mut sources = Sources::new(&mut files);
        let (deployment, diagnostics) = load(&mut sources, "config.yaml", &["inv"]);
        assert_eq!(deployment.is_none(), diagnostics.has_errors());
        let _drawn = draw_all(diagnostics, &mut sources, Style::Coloured);
    }
}

struct Machine;

impl Resolver for Machine {
    fn env(&mut self, name: &str) -> Presence {
        match name {
            "GOOD" => Presence::There(b"value".to_vec()),
            "EMPTY" => Presence::There(b" ".to_vec()),
            "TODO" => Presence::There(b"change-me\n".to_vec()),
            _ => Presence::Absent,
        }
    }

    fn file(&mut self, path: &str) -> Presence {
        match path {
            "good" | "plain.age" => Presence::There(b"value\n".to_vec()),
            "secret.age" => Presence::There(b"age-encryption.org/v1\n-> X25519 x\n".to_vec()),
            "armoured.age" => Presence::There(b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n".to_vec()),
            "angle" => Presence::There(b"<password>\n".to_vec()),
            "yours" => Presence::There(b"your-secret-token-here\n".to_vec()),
            "variable" => Presence::There(b"${DB_PASSWORD}\n".to_vec()),
            "about" => Presence::There(b"<b>your life</b>".to_vec()),
            "empty" => Presence::There(b"\n".to_vec()),
            "xxx" => Presence::There(b"xxxx".to_vec()),
            "bytes" => Presence::There(b"\xff\xfe".to_vec()),
            "closed" => Presence::Unreadable("permission denied.".to_owned()),
            "plain.yaml" => Presence::There(b"db: {password: x}\n".to_vec()),
            "broken.yaml" => Presence::There(b"[".to_vec()),
            "s.yaml" => {
                let sops = "db:\n  password: ENC[AES256_GCM,data:abc,iv:x,tag:y,type:str]\nlist: []\nsops:\n  mac: x\n";
                Presence::There(sops.as_bytes().to_vec())
            }
            "s.env" => Presence::There(b"A=ENC[x]".to_vec()),
            _ => Presence::Absent,
        }
    }

    fn program(&mut self, name: &str) -> bool {
        matches!(name, "pass" | "sops" | "age")
    }

    fn malformed(&mut self, command: &str) -> Option<String> {
        (command.matches('\'').count() % 2 == 1).then(|| "unterminated quoted string".to_owned())
    }

    fn run(&mut self, provider: &Provider) -> Result<Vec<u8>, String> {
        match provider {
            Provider::Command(command) if command == "pass empty" => Ok(b"\n".to_vec()),
            Provider::Command(command) if command == "pass todo" => Ok(b"TODO\n".to_vec()),
            Provider::Command(command) if command == "pass none" => Err("failed with exit code 1".to_owned()),
            _ => Ok(b"value".to_vec()),
        }
    }
}

fn secret(tagged: &str) -> String {
    secret_when(Secrets::Look, tagged)
}

fn secret_when(secrets: Secrets, tagged: &str) -> String {
    let config = format!("environments:\n  dev:\n    DB: {tagged}\n");
    let deployment = load_files(&[("config.yaml", &config), DEV]).0.unwrap();
    let diagnostics = check_secrets(&deployment, &mut Machine, secrets);
    let shown: Vec<String> = diagnostics
        .iter()
        .map(|diagnostic| format!("{diagnostic}; {}", diagnostic.help.join("; ")))
        .collect();
    shown.join("\n")
}

#[test]
fn secrets_resolve_or_are_refused() {
    for good in [
        "!env GOOD",
        "!file good",
        "!command pass show x",
        "!command 'cd x && y'",
        "!command 'X=1 nosuch'",
        "!sops s.yaml#db.password",
        "!sops s.env#A",
        "!age secret.age",
        "!age armoured.age",
        "!file about",
        "!command pass none",
        "!command pass show x | pass show y",
        "!command \"pass show x | 'no such'\"",
    ] {
        assert_eq!(secret(good), "", "{good}");
    }
    for (bad, problem) in [
        (
            "!env NONE",
            "error[P0302]: secret `DB`: environment variable `NONE` is not set; set it: `export NONE=…`; `PARACRINE_SECRETS=defer` builds without",
        ),
        (
            "!env EMPTY",
            "error[P0303]: secret `DB`: environment variable `EMPTY` is empty; give it its value; an empty secret is none",
        ),
        (
            "!env TODO",
            "error[P0304]: secret `DB`: environment variable `TODO` holds a placeholder; give it its value",
        ),
        (
            "!file none",
            "error[P0302]: secret `DB`: file `none` is not there; write the secret to `none`; `PARACRINE_SECRETS=defer` builds without",
        ),
        (
            "!file empty",
            "error[P0303]: secret `DB`: file `empty` is empty; give it its value; an empty secret is none",
        ),
        ("!file xxx", "error[P0304]: secret `DB`: file `xxx` holds a placeholder; give it its value"),
        (
            "!file bytes",
            "error[P0302]: secret `DB`: file `bytes` is not UTF-8; a secret is text; encode bytes, with base64 for example",
        ),
        (
            "!file closed",
            "error[P0302]: secret `DB`: file `closed` cannot be read: permission denied; let whoever builds read it",
        ),
        (
            "!command nosuch x",
            "error[P0302]: secret `DB`: there is no program `nosuch`; install `nosuch`; `PARACRINE_SECRETS=defer` builds without",
        ),
        (
            "!sops none.yaml#a",
            "error[P0302]: secret `DB`: file `none.yaml` is not there; write the secret to `none.yaml`; `PARACRINE_SECRETS=defer` builds without",
        ),
        (
            "!sops s.yaml#db.pasword",
            "error[P0302]: secret `DB`: `s.yaml` has no key `db.pasword`; did you mean `password`?",
        ),
        (
            "!sops s.yaml#nothing",
            "error[P0302]: secret `DB`: `s.yaml` has no key `nothing`; add it: `sops edit s.yaml`",
        ),
        (
            "!sops s.yaml#db",
            "error[P0302]: secret `DB`: `db` in `s.yaml` is not one value; name the key of one text in it",
        ),
        (
            "!sops plain.yaml#db.password",
            "error[P0302]: secret `DB`: `plain.yaml` is not encrypted; encrypt it: `sops encrypt --in-place plain.yaml`",
        ),
        (
            "!sops broken.yaml#a",
            "error[P0302]: secret `DB`: `broken.yaml` cannot be read; encrypt it again with `sops`",
        ),
        ("!file angle", "error[P0304]: secret `DB`: file `angle` holds a placeholder; give it its value"),
        ("!file yours", "error[P0304]: secret `DB`: file `yours` holds a placeholder; give it its value"),
        (
            "!file variable",
            "error[P0304]: secret `DB`: file `variable` holds a placeholder; give it its value",
        ),
        (
            "!command \"pass 'x\"",
            "error[P0302]: secret `DB`: its command is no shell command: unterminated quoted string; see that the shell takes it: `sh -n -c '…'`",
        ),
        (
            "!command pass show x | nosuch",
            "error[P0302]: secret `DB`: there is no program `nosuch`; install `nosuch`; `PARACRINE_SECRETS=defer` builds without",
        ),
        (
            "!age plain.age",
            "error[P0302]: secret `DB`: `plain.age` is not encrypted; encrypt it: `age --encrypt --recipient … --output plain.age FILE`",
        ),
        (
            "!age none",
            "error[P0302]: secret `DB`: file `none` is not there; write the secret to `none`; `PARACRINE_SECRETS=defer` builds without",
        ),
    ] {
        assert_eq!(secret(bad), format!("config.yaml:3:9: {problem}"), "{bad}");
    }
}

#[test]
fn deferred_secrets_are_warnings_and_unused_ones_are_not_checked() {
    let config = "common: {A: !env NONE}\nenvironments:\n  dev: {B: !env NO}\n  prod: {B: !env NIX}\n  other: {B: !env UNUSED}\n";
    let vars =
        ("inv-prod", "environment: prod\nservers: [{name: a, ssh_hostname: b, vars: {t: [!env VAR]}}]\n");
    let deployment = load_files(&[("config.yaml", config), DEV, vars]).0.unwrap();
    let shown = |secrets| {
        let diagnostics = check_secrets(&deployment, &mut Machine, secrets);
        diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        shown(Secrets::Look),
        [
            "config.yaml:3:12: error[P0302]: secret `B`: environment variable `NO` is not set",
            "config.yaml:1:13: error[P0302]: secret `A`: environment variable `NONE` is not set",
            "config.yaml:4:13: error[P0302]: secret `B`: environment variable `NIX` is not set",
            "inv-prod:2:49: error[P0302]: secret `t.0`: environment variable `VAR` is not set",
        ]
    );
    assert!(shown(Secrets::Defer).iter().all(|problem| problem.contains("warning")));
    assert_eq!(shown(Secrets::Defer).len(), 4);
}

#[test]
fn providers_are_run_where_that_is_asked_for() {
    let resolved = |tagged| secret_when(Secrets::Resolve, tagged);
    for good in ["!command pass show x", "!age secret.age", "!sops s.yaml#db.password"] {
        assert_eq!(resolved(good), "", "{good}");
    }
    for (bad, problem) in [
        (
            "!command pass none",
            "error[P0302]: secret `DB`: the command failed with exit code 1; run it by hand to see; `PARACRINE_SECRETS=defer` builds without",
        ),
        (
            "!command pass empty",
            "error[P0303]: secret `DB`: what the command says is empty; give it its value; an empty secret is none",
        ),
        (
            "!command pass todo",
            "error[P0304]: secret `DB`: what the command says holds a placeholder; give it its value",
        ),
    ] {
        assert_eq!(resolved(bad), format!("config.yaml:3:9: {problem}"), "{bad}");
    }
}

#[test]
fn what_a_program_wrote_many_times_is_said_once() {
    let mut inventory = "environment: dev\nservers:\n".to_owned();
    for host in 0..200 {
        inventory.push_str(&format!(
            "- {{name: web{host}, ssh_hostname: h{host}, ssh_port: \"2222\", sudo: \"true\", private_ip: 10.0.0.{host}}}\n"
        ));
    }
    let config = "environments: {dev: {A: 1}}\n";
    let (_, diagnostics) = load_files(&[("config.yaml", config), ("inv", &inventory)]);
    let shown: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["inv:3:66: error[P0110]: unknown key `private_ip`"]);
    let only = diagnostics.iter().next().unwrap();
    assert_eq!(only.related.len(), 3);
    assert_eq!(only.help.last().unwrap(), "the same is wrong at 199 more places of this file");
    // Nor is an address a secret where it is a value, and JSON is not told of tags.
    let json = r#"{"environment": "dev", "servers": [{"name": "a", "ssh_hostname": "b", "vars": {"private_ip": "10.0.0.1", "token": "x"}}]}"#;
    let (_, diagnostics) = load_files(&[("config.yaml", config), ("inv.json", json)]);
    let shown: Vec<String> =
        diagnostics.iter().map(|found| format!("{found}; {}", found.help.join("; "))).collect();
    assert_eq!(
        shown,
        [
            "inv.json:1:115: warning[P0301]: `token` looks like a secret; keep it out of this file: a YAML file has tags for it, `!env TOKEN`"
        ]
    );
}

#[test]
fn values_that_are_not_what_they_look_like_are_told() {
    let said = |value: &str| {
        let config = format!("environments:\n  dev:\n    V: {value}\n");
        let (_, diagnostics) = load_files(&[("config.yaml", &config), DEV]);
        diagnostics
            .iter()
            .map(|found| format!("{found}; {}", found.help.join("; ")))
            .collect::<Vec<_>>()
            .join("\n")
    };
    for plain in [
        "1.3",
        "31",
        "0o644",
        "0o0755",
        "1.0",
        "12.0",
        "-5",
        "0",
        "0644",
        "\"1.30\"",
        "'yes'",
        "!!str yes",
        "1.2.3",
        "10.0.0.1",
        "2026-01-01",
        "true",
        "null",
        "a_b",
        "1e",
        "host:80x",
        "::1",
        ".inf",
        "todo",
        "<a href=x>",
        "a < b",
    ] {
        assert_eq!(said(plain), "", "{plain}");
    }
    for (odd, told) in [
        (
            "1.30",
            "P0114]: `V` is written as `1.30`, and is the number 1.3; if it is text, quote it: `\"1.30\"`; if it is a number, write `1.3`",
        ),
        (
            "6063e25",
            "P0114]: `V` is written as `6063e25`, and is the number 6.063e28; if it is text, quote it: `\"6063e25\"`; if it is a number, write `6.063e28`",
        ),
        (
            "0x1F",
            "P0114]: `V` is written as `0x1F`, and is the number 31; if it is text, quote it: `\"0x1F\"`; if it is a number, write `31`",
        ),
        (
            "+49123",
            "P0114]: `V` is written as `+49123`, and is the number 49123; if it is text, quote it: `\"+49123\"`; if it is a number, write `49123`",
        ),
        (
            "0o17",
            "P0114]: `V` is written as `0o17`, and is the number 15; if it is text, quote it: `\"0o17\"`; if it is a number, write `15`",
        ),
        (
            ".5",
            "P0114]: `V` is written as `.5`, and is the number 0.5; if it is text, quote it: `\".5\"`; if it is a number, write `0.5`",
        ),
        (
            "1_000",
            "P0114]: `V` is the text `1_000`, which older tools read otherwise; quote it: `\"1_000\"`, or write `1000`",
        ),
        (
            "12:30:00",
            "P0114]: `V` is the text `12:30:00`, which older tools read otherwise; quote it: `\"12:30:00\"`",
        ),
        (
            "yes",
            "P0114]: `V` is the text `yes`, which older tools read otherwise; quote it: `\"yes\"`, or write `true`",
        ),
        (
            "Off",
            "P0114]: `V` is the text `Off`, which older tools read otherwise; quote it: `\"Off\"`, or write `false`",
        ),
        ("<password>", "P0304]: `V` is a placeholder; give it its value"),
        ("CHANGEME", "P0304]: `V` is a placeholder; give it its value"),
    ] {
        assert_eq!(said(odd), format!("config.yaml:3:8: warning[{told}"), "{odd}");
    }
    let (_, diagnostics) =
        load_files(&[("config.yaml", "environments: {dev: {DB_PASSWORD: <password>}}\n"), DEV]);
    let shown: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["config.yaml:1:35: error[P0304]: `DB_PASSWORD` is a placeholder"]);
}
