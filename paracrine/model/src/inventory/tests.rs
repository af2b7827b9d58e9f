mod whole;

use std::fmt::Write;

use crate::deployment::{Deployment, load};
use crate::diagnostic::Diagnostics;
use crate::source::Sources;
use crate::source::tests::Memory;

const CONFIG: &str = "environments:\n  dev:\n    A: 1\n";
const GOOD_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ4f1m1v2dD0Yv5hXl7r0eQm9oX9WJ4nUu3c1a2b3c4 root@web1";

fn loaded(inventory: &str) -> (Option<Deployment>, Diagnostics) {
    let mut files = Memory::with(&[
        ("config.yaml", CONFIG),
        ("inventory/dev.yaml", inventory),
        ("inventory/configs/key", ""),
        ("inventory/configs/open_key", ""),
        ("data/configs/other", ""),
        ("/root/.ssh/id", ""),
    ]);
    load(&mut Sources::new(&mut files), "config.yaml", &["inventory/dev.yaml"])
}

/// All problems in short: place, severity, code, message, label, related, help.
fn problems(inventory: &str) -> String {
    let mut all = String::new();
    for diagnostic in loaded(inventory).1.iter() {
        let place = diagnostic.primary.as_ref().map_or(String::new(), |note| {
            format!("{}:{}+{} ", note.place.line, note.place.column, note.place.length)
        });
        let label = diagnostic.primary.as_ref().map_or("", |note| &note.label);
        let kind = diagnostic.to_string();
        let kind = if kind.contains("warning[") { "warning" } else { "error" };
        write!(all, "{place}{kind} {} {} ({label})", diagnostic.code, diagnostic.message).unwrap();
        for related in &diagnostic.related {
            write!(all, "; {}:{} {}", related.place.line, related.place.column, related.label).unwrap();
        }
        for help in &diagnostic.help {
            write!(all, "; help: {help}").unwrap();
        }
        all.push('\n');
    }
    all
}

/// Expects of each inventory exactly these problems.
fn expect_of_inventory(cases: &[(&str, &[&str])]) {
    for (inventory, expected) in cases {
        assert_eq!(problems(inventory).lines().collect::<Vec<_>>(), *expected, "{inventory}");
    }
}

/// Expects of a server with one more line exactly these problems.
fn expect_of_server(cases: &[(&str, &[&str])]) {
    for (line, expected) in cases {
        let inventory = server(line);
        assert_eq!(problems(&inventory).lines().collect::<Vec<_>>(), *expected, "{line}");
    }
}

/// A server with one more line.
fn server(line: &str) -> String {
    format!("environment: dev\nservers:\n- name: web1\n  ssh_hostname: web1.example.org\n  {line}\n")
}

#[test]
fn keys_are_known_and_have_values_of_their_type() {
    expect_of_server(&[
        (
            "ssh_prot: 22",
            &[
                "5:3+8 error P0110 unknown key `ssh_prot` (not a key of a server); help: did you mean `ssh_port`?",
            ],
        ),
        (
            "colour: red",
            &[
                "5:3+6 error P0110 unknown key `colour` (not a key of a server); help: the keys are `name`, `count`, `ssh_hostname`, `ssh_port`, `ssh_user`, `ssh_key`, `wireguard_ip`, `roles`, `vars`, `sudo`, `arch`, `os`, `jump` and `host_key`",
            ],
        ),
        (
            "data_path: .",
            &[
                "5:3+9 error P0110 unknown key `data_path` (not a key of a server); help: the keys are `name`, `count`, `ssh_hostname`, `ssh_port`, `ssh_user`, `ssh_key`, `wireguard_ip`, `roles`, `vars`, `sudo`, `arch`, `os`, `jump` and `host_key`",
            ],
        ),
        ("count: x", &["5:10+1 error P0112 `count` wants a whole number, not text (text)"]),
        ("ssh_port: '22'", &[]),
        ("sudo: \"false\"", &[]),
        ("ssh_port: '22x'", &["5:13+5 error P0112 `ssh_port` wants a whole number, not text (text)"]),
        ("sudo: 'yes'", &["5:9+5 error P0112 `sudo` wants `true` or `false`, not text (text)"]),
        ("ssh_port: x", &["5:13+1 error P0112 `ssh_port` wants a whole number, not text (text)"]),
        (
            "ssh_port: 22.5",
            &["5:13+4 error P0112 `ssh_port` wants a whole number, not a decimal number (a decimal number)"],
        ),
        (
            "ssh_port:",
            &["5:3+8 error P0113 `ssh_port` is empty (no value); help: write the value, or remove the key"],
        ),
        (
            "ssh_user: ''",
            &["5:13+2 error P0113 `ssh_user` is empty (no value); help: write the value, or remove the key"],
        ),
        ("ssh_user: [a]", &["5:13+3 error P0112 `ssh_user` wants text, not a list (a list)"]),
        (
            "ssh_user: true",
            &[
                "5:13+4 error P0112 `ssh_user` wants text, not a truth value (a truth value); help: quote it if it is text",
            ],
        ),
        (
            "ssh_user: !env X",
            &[
                "5:13+4 error P0105 `ssh_user` cannot be a secret (this tag); help: secrets are values of the config and of `vars`",
            ],
        ),
        ("vars: 5", &["5:9+1 error P0112 `vars` wants a mapping, not a whole number (a whole number)"]),
        (
            "vars: {a: }",
            &[
                "5:10+1 error P0113 `a` is empty (no value); help: write the value, `a: null` if there is none, or `a: \"\"` for empty text",
            ],
        ),
    ]);
}

#[test]
fn ports_users_and_keys_are_ones() {
    expect_of_server(&[
        (
            "ssh_port: 0",
            &["5:13+1 error P0405 0 is not a port (not a port); help: a port is a number from 1 to 65535"],
        ),
        (
            "ssh_port: 65536",
            &[
                "5:13+5 error P0405 65536 is not a port (not a port); help: a port is a number from 1 to 65535",
            ],
        ),
        (
            "ssh_port: -1",
            &["5:13+2 error P0405 -1 is not a port (not a port); help: a port is a number from 1 to 65535"],
        ),
        (
            "ssh_user: -oProxyCommand=x",
            &[
                "5:13+16 error P0406 `-oProxyCommand=x` is not a user name (not a user name); help: a user name has letters, digits, `_`, `-` and `.`, and does not begin with `-`",
            ],
        ),
        (
            "ssh_user: a b",
            &[
                "5:13+3 error P0406 `a b` is not a user name (not a user name); help: a user name has letters, digits, `_`, `-` and `.`, and does not begin with `-`",
            ],
        ),
        (
            "ssh_key: nope",
            &[
                "5:12+4 warning P0408 there is no ssh key `nope` (not there); help: put it at `inventory/configs/nope`; on the machine that deploys it has to be there",
            ],
        ),
        (
            "ssh_key: open_key",
            &[
                "5:12+8 warning P0408 ssh key `open_key` is open to others (mode 0644) (ssh refuses such keys); help: close it: `chmod 600 inventory/configs/open_key`",
            ],
        ),
        (
            "ssh_key: ~/.ssh/id",
            &[
                "5:12+9 warning P0408 there is no ssh key `~/.ssh/id` (not there); help: put it at `~/.ssh/id`; on the machine that deploys it has to be there",
            ],
        ),
    ]);
}

#[test]
fn an_address_among_the_hosts_is_an_ip_address() {
    expect_of_server(&[
        (
            "wireguard_ip: 10.0.0.1/24",
            &[
                "5:17+11 error P0404 `10.0.0.1/24` is not an IP address of a host (not an IP address); help: write the address without its prefix: `10.0.0.1`",
            ],
        ),
        (
            "wireguard_ip: 10.0.0",
            &[
                "5:17+6 error P0404 `10.0.0` is not an IP address of a host (not an IP address); help: write one such as `10.0.0.1` or `fd00::1`",
            ],
        ),
        (
            "wireguard_ip: 0.0.0.0",
            &[
                "5:17+7 error P0404 `0.0.0.0` is not an IP address of a host (not an IP address); help: a host's address is not unspecified, multicast or broadcast",
            ],
        ),
        (
            "wireguard_ip: 224.0.0.1",
            &[
                "5:17+9 error P0404 `224.0.0.1` is not an IP address of a host (not an IP address); help: a host's address is not unspecified, multicast or broadcast",
            ],
        ),
    ]);
}

#[test]
fn roles_are_a_list_of_names() {
    expect_of_server(&[
        (
            "roles: web",
            &[
                "5:10+3 error P0112 `roles` wants a list, not text (text); help: write `roles: [first, second]`",
            ],
        ),
        (
            "roles: [web, web]",
            &[
                "5:16+3 error P0407 role `web` stands twice (again here); 5:11 first here; help: remove one of them",
            ],
        ),
        (
            "roles: [Web]",
            &[
                "5:11+3 error P0407 `Web` is not the name of a role (not a role); help: a role has lower-case letters, digits, `-` and `_`, and begins with a letter: `[web, db-replica]`",
            ],
        ),
        (
            "roles: [1]",
            &[
                "5:11+1 error P0407 `1` is not the name of a role (not a role); help: a role has lower-case letters, digits, `-` and `_`, and begins with a letter: `[web, db-replica]`",
            ],
        ),
        (
            "roles: [self]",
            &[
                "5:11+4 error P0204 `self` cannot become a name in Rust (`Self` is a word of Rust's own); help: give it a longer name, such as `self_value`",
            ],
        ),
        (
            "roles: [a-b, a_b]",
            &[
                "5:16+3 error P0203 `a_b` and `a-b` both become `AB` in Rust (becomes `AB`); 5:11 becomes `AB`, too; help: rename one of them",
            ],
        ),
        (
            "roles: ['']",
            &["5:11+2 error P0113 `roles` is empty (no value); help: write the value, or remove the key"],
        ),
        ("roles: [[web]]", &["5:11+5 error P0112 `roles` wants text, not a list (a list)"]),
    ]);
}

#[test]
fn platforms_are_known() {
    expect_of_server(&[
        (
            "arch: x86-64",
            &["5:9+6 error P0410 unknown arch `x86-64` (not known); help: did you mean `x86_64`?"],
        ),
        (
            "arch: riscv",
            &[
                "5:9+5 error P0410 unknown arch `riscv` (not known); help: Paracrine knows `x86_64`, `aarch64`, `amd64` and `arm64`",
            ],
        ),
        ("os: debain", &["5:7+6 error P0410 unknown os `debain` (not known); help: did you mean `debian`?"]),
        (
            "os: ubuntu",
            &[
                "5:7+6 error P0410 unknown os `ubuntu` (not known); help: Paracrine knows `debian`, `debian-12` and `debian-13`",
            ],
        ),
    ]);
}

#[test]
fn jumps_lead_somewhere() {
    expect_of_server(&[
        (
            "jump: web1",
            &[
                "5:9+4 error P0409 jumps form a circle: `web1` → `web1` (leads back to itself); help: let one of them be reached without a jump",
            ],
        ),
        (
            "jump: wbe1",
            &[
                "5:9+4 error P0409 unknown jump host `wbe1` (not a server of this environment); help: did you mean `web1`?",
            ],
        ),
        (
            "jump: bastion",
            &[
                "5:9+7 error P0409 unknown jump host `bastion` (not a server of this environment); help: name a server of this environment, or write an address: `user@host:22`",
            ],
        ),
        (
            "jump: 'a b@c'",
            &[
                "5:9+7 error P0409 unknown jump host `a b@c` (not a server of this environment); help: name a server of this environment, or write an address: `user@host:22`",
            ],
        ),
    ]);
    expect_of_inventory(&[(
        "environment: dev\nservers:\n- {name: a, ssh_hostname: a, jump: b}\n- {name: b, ssh_hostname: b, jump: c}\n- {name: c, ssh_hostname: c, jump: b}\n- {name: d, ssh_hostname: d, jump: d}\n- {name: x}\n- {name: e, ssh_hostname: e, jump: x}\n- {name: f, ssh_hostname: f, jump: dx}\n",
        &[
            "7:10+1 error P0111 server `x` has no `ssh_hostname` (has no `ssh_hostname`); help: add `ssh_hostname: x`, or the address that ssh connects to",
            "9:36+2 error P0409 unknown jump host `dx` (not a server of this environment); help: did you mean `d`?",
            "4:36+1 error P0409 jumps form a circle: `b` → `c` → `b` (leads back to itself); 5:36 by way of this; help: let one of them be reached without a jump",
            "6:36+1 error P0409 jumps form a circle: `d` → `d` (leads back to itself); help: let one of them be reached without a jump",
        ],
    )]);
}

#[test]
fn host_keys_are_whole() {
    expect_of_server(&[
        (
            "host_key: ssh-ed25519",
            &[
                "5:13+11 error P0411 not a public host key (malformed); help: write the key after `ssh-ed25519`, as `ssh-keyscan` prints it",
            ],
        ),
        (
            "host_key: ssh-ed25591 AAAA",
            &["5:13+16 error P0411 not a public host key (malformed); help: did you mean `ssh-ed25519`?"],
        ),
        (
            "host_key: AAAA",
            &[
                "5:13+4 error P0411 not a public host key (malformed); help: write the type before the key, as `ssh-keyscan` prints them: `ssh-ed25519 AAAA…`",
            ],
        ),
        (
            "host_key: ssh-ed25519 AAA",
            &[
                "5:13+15 error P0411 not a public host key (malformed); help: the key after its type is not base64; copy it again, whole",
            ],
        ),
        (
            "host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ4",
            &[
                "5:13+40 error P0411 not a public host key (malformed); help: the key is cut off, or not of type `ssh-ed25519`; copy the line again, whole",
            ],
        ),
        (
            "host_key: ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIGJ4f1m1v2dD0Yv5hXl7r0eQm9oX9WJ4nUu3c1a2b3c4",
            &[
                "5:13+76 error P0411 not a public host key (malformed); help: the key is cut off, or not of type `ssh-rsa`; copy the line again, whole",
            ],
        ),
    ]);
}

#[test]
fn vars_become_types() {
    expect_of_server(&[
        (
            "vars: {type: 1}",
            &[
                "5:10+4 error P0204 `type` cannot become a name in Rust (`type` is a word of Rust's own); help: give it a longer name, such as `type_value`",
            ],
        ),
        (
            "vars: {a: !env X, b: [1, x]}",
            &[
                "5:28+1 error P0202 items of `b` are both a whole number and text (text); 5:25 a whole number; help: remove the quotes, or quote the other",
            ],
        ),
        (
            "vars: {API_TOKEN: abc}",
            &[
                "5:21+3 warning P0301 `API_TOKEN` looks like a secret (readable by all who can read this file); help: tag it: `!env API_TOKEN` or `!file secrets/api_token`",
            ],
        ),
    ]);
    expect_of_inventory(&[(
        "environment: dev\nservers:\n- {name: a, ssh_hostname: a, vars: {x: 1}}\n- {name: b, ssh_hostname: b, vars: {x: a}}\n- {name: c, ssh_hostname: c, vars: {x: b}}\n",
        &[
            "3:40+1 error P0202 `x` is a whole number in `a`, but text in `b` (a whole number); 4:40 text; help: quote it if it is text",
        ],
    )]);
}
