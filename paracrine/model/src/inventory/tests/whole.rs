use super::*;

#[test]
fn addresses_are_names_or_ip_addresses() {
    expect_of_inventory(&[
        (
            "environment: dev\nservers:\n- name: web1\n  ssh_hostname: '10.0.0.256'\n",
            &[
                "4:17+12 error P0404 `10.0.0.256` is not an address (not an address); help: an IPv4 address has four numbers from 0 to 255",
            ],
        ),
        (
            "environment: dev\nservers:\n- name: web1\n  ssh_hostname: '10.0.0'\n",
            &[
                "4:17+8 error P0404 `10.0.0` is not an address (not an address); help: an IPv4 address has four numbers from 0 to 255",
            ],
        ),
        (
            "environment: dev\nservers:\n- name: web1\n  ssh_hostname: 'root@a'\n",
            &[
                "4:17+8 error P0404 `root@a` is not an address (not an address); help: write `ssh_hostname: a` and `ssh_user: root`",
            ],
        ),
        (
            "environment: dev\nservers:\n- name: web1\n  ssh_hostname: 'a:22'\n",
            &[
                "4:17+6 error P0404 `a:22` is not an address (not an address); help: write `ssh_hostname: a` and `ssh_port: 22`",
            ],
        ),
        (
            "environment: dev\nservers:\n- name: web1\n  ssh_hostname: 'ssh://a'\n",
            &[
                "4:17+9 error P0404 `ssh://a` is not an address (not an address); help: write only the name or address of the host, without `://`",
            ],
        ),
        (
            "environment: dev\nservers:\n- name: web1\n  ssh_hostname: '[::1]'\n",
            &[
                "4:17+7 error P0404 `[::1]` is not an address (not an address); help: write an IPv6 address without brackets: `::1`",
            ],
        ),
        (
            "environment: dev\nservers:\n- name: web1\n  ssh_hostname: 'fe80::1%'\n",
            &[
                "4:17+10 error P0404 `fe80::1%` is not an address (not an address); help: the zone after `%` is the name of a network interface",
            ],
        ),
        (
            "environment: dev\nservers:\n- name: web1\n  ssh_hostname: '::g'\n",
            &[
                "4:17+5 error P0404 `::g` is not an address (not an address); help: this is not a valid IPv6 address",
            ],
        ),
        (
            "environment: dev\nservers:\n- name: web1\n  ssh_hostname: '-oX'\n",
            &[
                "4:17+5 error P0404 `-oX` is not an address (not an address); help: a name has letters, digits, `-`, `_` and `.`, and begins with a letter or digit",
            ],
        ),
        (
            "environment: dev\nservers:\n- name: web1\n  ssh_hostname: 'a b'\n",
            &[
                "4:17+5 error P0404 `a b` is not an address (not an address); help: a name has letters, digits, `-`, `_` and `.`, and begins with a letter or digit",
            ],
        ),
        (
            "environment: dev\nservers:\n- name: web1\n  ssh_hostname: 'a..b'\n",
            &[
                "4:17+6 error P0404 `a..b` is not an address (not an address); help: a name has letters, digits, `-`, `_` and `.`, and begins with a letter or digit",
            ],
        ),
        (
            "environment: dev\nservers:\n- name: web1\n  ssh_hostname: 'web.1'\n",
            &[
                "4:17+7 error P0404 `web.1` is not an address (not an address); help: an IPv4 address has four numbers from 0 to 255; a name does not end in a number",
            ],
        ),
        (
            "environment: dev\nservers:\n- name: web1\n  ssh_hostname: 'a/b'\n",
            &[
                "4:17+5 error P0404 `a/b` is not an address (not an address); help: a name has letters, digits, `-`, `_` and `.`, and begins with a letter or digit",
            ],
        ),
        (
            "environment: dev\nservers:\n- name: web1\n  ssh_hostname: 'ä'\n",
            &[
                "4:17+3 error P0404 `ä` is not an address (not an address); help: a name has letters, digits, `-`, `_` and `.`, and begins with a letter or digit",
            ],
        ),
    ]);
}

#[test]
fn an_inventory_has_its_keys() {
    expect_of_inventory(&[
        (
            "",
            &[
                "1:1+0 error P0112 the inventory is empty (nothing); help: begin it with `environment:` and `servers:`",
            ],
        ),
        (
            "[]",
            &[
                "1:1+2 error P0112 the inventory is not a mapping (a list); help: begin it with `environment:` and `servers:`",
            ],
        ),
        (
            "x",
            &[
                "1:1+1 error P0112 the inventory is not a mapping (text); help: begin it with `environment:` and `servers:`",
            ],
        ),
        (
            "environment: dev\n",
            &[
                "1:1+11 error P0111 the inventory has no `servers` (in this mapping); help: add `servers:` with a list of them",
            ],
        ),
        (
            "servers: [{name: a, ssh_hostname: b}]\n",
            &[
                "1:1+7 error P0111 the inventory has no `environment` (in this mapping); help: add `environment:` with the name of an environment of the config",
            ],
        ),
        (
            "enviroment: dev\nservers: [{name: a, ssh_hostname: b}]\n",
            &[
                "1:1+10 error P0110 unknown key `enviroment` (not a key of an inventory); help: did you mean `environment`?",
            ],
        ),
        (
            "environment: dev\nhosts: 5\nservers: [{name: a, ssh_hostname: b}]\n",
            &[
                "2:1+5 error P0110 unknown key `hosts` (not a key of an inventory); help: the keys are `environment`, `data_path`, `defaults` and `servers`",
            ],
        ),
        (
            "environment: dev\nservers: []\n",
            &[
                "2:10+2 error P0113 there are no servers (empty); help: add one: `- { name: web1, ssh_hostname: web1.example.org }`",
            ],
        ),
        (
            "environment: dev\nservers: {a: 1}\n",
            &[
                "2:10+6 error P0112 `servers` wants a list, not a mapping (a mapping); help: write `servers: [first, second]`",
            ],
        ),
        (
            "environment: dev\nservers: [a, {nmae: b}]\n",
            &[
                "2:11+1 error P0112 a server is a mapping, not text (text); help: write `- name: web1` and its other keys below",
                "2:15+4 error P0110 unknown key `nmae` (not a key of a server); help: did you mean `name`?",
                "2:14+9 error P0111 a server has no `ssh_hostname` (has no `ssh_hostname`); help: add `ssh_hostname:`",
            ],
        ),
        (
            "environment: dev\nservers:\n- ssh_hostname: x\n- name: b\n- name: 'a b'\n  ssh_hostname: c\n",
            &[
                "3:3+12 error P0111 a server has no `name` (has no `name`); help: add `name:`",
                "4:9+1 error P0111 server `b` has no `ssh_hostname` (has no `ssh_hostname`); help: add `ssh_hostname: b`, or the address that ssh connects to",
                "5:9+5 error P0403 `a b` is not a host name (not a host name); help: a name has letters, digits, `-`, `_` and `.`, and begins with a letter or digit",
            ],
        ),
        (
            "environment: dev\ndefaults: {name: x, wireguard_ip: 10.0.0.1, ssh_prt: 1}\nservers: [{name: a, ssh_hostname: b}]\n",
            &[
                "2:12+4 error P0110 `name` cannot be a default (differs from server to server); help: move it to the server that it belongs to",
                "2:21+12 error P0110 `wireguard_ip` cannot be a default (differs from server to server); help: move it to the server that it belongs to",
                "2:45+7 error P0110 unknown key `ssh_prt` (not a key of `defaults`); help: did you mean `ssh_port`?",
            ],
        ),
        (
            "environment: dev\ndata_path: 5\nservers: [{name: a, ssh_hostname: b, ssh_key: k}]\n",
            &[
                "3:47+1 warning P0408 there is no ssh key `k` (not there); help: put it at `inventory/5/configs/k`; on the machine that deploys it has to be there",
            ],
        ),
    ]);
}

#[test]
fn an_inventory_is_of_an_environment_that_exists() {
    expect_of_inventory(&[
        (
            "environment: dve\nservers: [{name: a, ssh_hostname: b}]\n",
            &[
                "1:14+3 error P0206 unknown environment `dve` (not an environment of the config); help: did you mean `dev`?",
            ],
        ),
        (
            "environment: prod\nservers: [{name: a, ssh_hostname: b}]\n",
            &[
                "1:14+4 error P0206 unknown environment `prod` (not an environment of the config); help: the config has `dev`",
            ],
        ),
    ]);
}

#[test]
fn no_two_hosts_claim_one_name_or_address() {
    expect_of_inventory(&[(
        "environment: dev\nservers:\n- {name: a, ssh_hostname: b}\n- {name: a, ssh_hostname: c}\n- {name: d, ssh_hostname: B, ssh_port: 22}\n- {name: e, ssh_hostname: e, wireguard_ip: 10.0.0.1}\n- {name: f, ssh_hostname: f, wireguard_ip: 10.0.0.1}\n- {name: g, ssh_hostname: b, jump: e}\n- {name: h, ssh_hostname: b, ssh_port: 2222}\n",
        &[
            "4:10+1 error P0401 two hosts are named `a` (again here); 3:10 first here; help: rename one of them",
            "5:27+1 error P0402 `a` and `d` are both at `B`, port 22 (`d`); 3:27 `a`; help: two servers are two machines; give one another `ssh_hostname` or `ssh_port`, or remove it",
            "7:44+8 error P0402 `e` and `f` have the same wireguard_ip `10.0.0.1` (`f`); 6:44 `e`; help: give each host an address of its own",
        ],
    )]);
}

#[test]
fn good_values_are_taken_without_a_word() {
    for line in [
        "ssh_port: null",
        "ssh_user: 1000",
        "ssh_user: 'DOMAIN\\user'",
        "ssh_key: key",
        "ssh_key: /root/.ssh/id",
        "count: 0",
        "wireguard_ip: fd00::1",
        "roles: []",
        "roles: [web, db-replica]",
        "arch: arm64",
        "arch: aarch64",
        "os: debian",
        "os: debian-12",
        "jump: root@bastion.example.org:22",
        "jump: bastion.example.org",
        "jump: '[fd00::1]:22'",
        "vars: {a: null, b: []}",
        &format!("host_key: {GOOD_KEY}"),
    ] {
        assert_eq!(problems(&server(line)), "", "{line}");
    }
    for address in ["fe80::1%eth0", "::1", "10.0.0.1", "web_1", "A.example.org", "localhost", "2b"] {
        let inventory = format!("environment: dev\nservers:\n- name: web1\n  ssh_hostname: '{address}'\n");
        assert_eq!(problems(&inventory), "", "{address}");
    }
}

#[test]
fn a_server_takes_what_it_does_not_say_from_the_defaults() {
    let inventory = "
environment: dev
data_path: ../data
defaults: {ssh_user: deploy, ssh_port: 2222, ssh_key: other, roles: [web], vars: {a: 1, b: 2}, arch: arm64, jump: gate}
servers:
- {name: web1, ssh_hostname: a}
- {name: web2, ssh_hostname: b, ssh_user: root, roles: [], vars: {b: 3}, jump: web1, ssh_key: ~/id}
- {name: gate, ssh_hostname: '::1', host_key: 'KEY'}
".replace("KEY", GOOD_KEY);
    let (deployment, diagnostics) = loaded(&inventory);
    let warnings: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["inventory/dev.yaml:7:95: warning[P0408]: there is no ssh key `~/id`"]);
    let deployment = deployment.unwrap();
    let short: Vec<String> = deployment
        .hosts
        .iter()
        .map(|host| {
            let address = &host.address;
            let crate::yaml::Value::Map(vars) = &host.vars.value else { panic!("no mapping") };
            let vars: Vec<String> = vars
                .entries
                .iter()
                .map(|(key, node)| format!("{}={}", key.name, node.spelling.as_deref().unwrap_or_default()))
                .collect();
            let vars = vars.join(" ");
            format!(
                "{} {:?}@{}:{:?} {:?} {:?} {} {:?} {vars} {:?}",
                address.name,
                address.ssh_user,
                address.ssh_hostname,
                address.ssh_port,
                address.ssh_key,
                address.jump,
                address.arch,
                host.roles.iter().map(|role| &role.value).collect::<Vec<_>>(),
                host.os,
            )
        })
        .collect();
    assert_eq!(
        short,
        [
            r#"web1 Some("deploy")@a:Some(2222) ["data/configs/other"] ["deploy@[::1]:2222"] aarch64 ["web"] a=1 b=2 Debian"#,
            r#"web2 Some("root")@b:Some(2222) ["~/id"] ["deploy@[::1]:2222", "deploy@a:2222"] aarch64 [] b=3 a=1 Debian"#,
            r#"gate Some("deploy")@::1:Some(2222) ["data/configs/other"] [] aarch64 ["web"] a=1 b=2 Debian"#,
        ]
    );
    assert_eq!(deployment.hosts[2].address.host_key.as_deref(), GOOD_KEY.strip_suffix(" root@web1"));
}
