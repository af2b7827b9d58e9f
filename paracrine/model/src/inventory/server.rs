//! The keys of one server, and of `defaults`.

use std::net::IpAddr;

use super::{Os, Partial, Server, check};
use crate::config;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, nearest};
use crate::field::{self, Field};
use crate::host::Arch;
use crate::yaml::{Key, Map, Node, Value};

/// The keys of a server; `defaults` has those that can hold for several.
pub const KEYS: [&str; 14] = [
    "name",
    "count",
    "ssh_hostname",
    "ssh_port",
    "ssh_user",
    "ssh_key",
    "wireguard_ip",
    "roles",
    "vars",
    "sudo",
    "arch",
    "os",
    "jump",
    "host_key",
];

/// Where settings stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// In `defaults`.
    Defaults,
    /// In a server.
    Server,
}

/// What a server or `defaults` says; a server's word wins, `vars` by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    name: Option<Field<String>>,
    ssh_hostname: Option<Field<String>>,
    ssh_port: Option<Field<u16>>,
    ssh_user: Option<Field<String>>,
    ssh_key: Option<Field<String>>,
    wireguard_ip: Option<Field<IpAddr>>,
    roles: Option<Vec<Field<String>>>,
    vars: Map,
    sudo: Option<bool>,
    arch: Option<Arch>,
    os: Option<Os>,
    jump: Option<Field<String>>,
    host_key: Option<Field<String>>,
    /// Keys that are there, whether or not they are right.
    present: Vec<String>,
}

/// A server; what there is of one that lacks what it needs, which has been said then.
pub(super) fn read(
    node: &Node,
    defaults: &Settings,
    diagnostics: &mut Diagnostics,
) -> Result<Server, Option<Box<Partial>>> {
    let Value::Map(map) = &node.value else {
        let error =
            Diagnostic::error(Code::WRONG_TYPE, format!("a server is a mapping, not {}", node.kind()))
                .at(node.place.clone(), node.kind())
                .help("write `- name: web1` and its other keys below");
        diagnostics.push(field::used(error, node));
        return Err(None);
    };
    let own = settings(map, Part::Server, diagnostics);
    for key in ["name", "ssh_hostname"] {
        if !own.present.iter().chain(&defaults.present).any(|have| have == key) {
            missing(key, map, node, own.name.as_ref(), diagnostics);
        }
    }
    let mut vars = own.vars;
    for (key, node) in &defaults.vars.entries {
        if vars.get(&key.name).is_none() {
            vars.entries.push((key.clone(), node.clone()));
        }
    }
    let roles = own.roles.or_else(|| defaults.roles.clone()).unwrap_or_default();
    let or = |own: Option<Field<String>>, default: &Option<Field<String>>| own.or_else(|| default.clone());
    let (name, ssh_hostname) = match (own.name, or(own.ssh_hostname, &defaults.ssh_hostname)) {
        (Some(name), Some(ssh_hostname)) => (name, ssh_hostname),
        (name, _) => {
            return Err(Some(Box::new(Partial { name, roles, vars, place: node.place.clone() })));
        }
    };
    // The jump host that all others are reached through needs none itself.
    let default_jump = defaults.jump.clone().filter(|jump| jump.value != name.value);
    Ok(Server {
        name,
        ssh_hostname,
        ssh_port: own.ssh_port.or_else(|| defaults.ssh_port.clone()),
        ssh_user: or(own.ssh_user, &defaults.ssh_user),
        ssh_key: or(own.ssh_key, &defaults.ssh_key),
        wireguard_ip: own.wireguard_ip,
        roles,
        vars,
        sudo: own.sudo.or(defaults.sudo).unwrap_or(true),
        arch: own.arch.or(defaults.arch).unwrap_or(Arch::X86_64),
        os: own.os.or(defaults.os).unwrap_or_default(),
        jump: own.jump.or(default_jump),
        host_key: own.host_key,
    })
}

fn missing(key: &str, map: &Map, node: &Node, name: Option<&Field<String>>, diagnostics: &mut Diagnostics) {
    // A misspelled key has been refused as such.
    if map.entries.iter().any(|(found, _)| nearest(&found.name, KEYS) == Some(key)) {
        return;
    }
    let (message, help) = match name {
        Some(name) => {
            let name = &name.value;
            (
                format!("server `{name}` has no `{key}`"),
                format!("add `{key}: {name}`, or the address that ssh connects to"),
            )
        }
        None => (format!("a server has no `{key}`"), format!("add `{key}:`")),
    };
    let place = name.map_or(&node.place, |name| &name.place).clone();
    let error = Diagnostic::error(Code::MISSING_KEY, message).at(place, format!("has no `{key}`")).help(help);
    diagnostics.push(error);
}

/// Reads the keys of a server or of `defaults`.
pub(super) fn settings(map: &Map, part: Part, diagnostics: &mut Diagnostics) -> Settings {
    let mut settings = Settings::default();
    for (key, node) in &map.entries {
        settings.present.push(key.name.clone());
        if part == Part::Defaults && matches!(key.name.as_str(), "name" | "wireguard_ip" | "host_key") {
            let message = format!("`{}` cannot be a default", key.name);
            let error = Diagnostic::error(Code::UNKNOWN_KEY, message)
                .at(key.place.clone(), "differs from server to server")
                .help("move it to the server that it belongs to");
            diagnostics.push(error);
            continue;
        }
        // `null` (a `terraform output` has such) is as if the key were not there.
        if node.value == Value::Null && !node.is_left_empty() && KEYS.contains(&key.name.as_str()) {
            settings.present.pop();
            continue;
        }
        setting(key, node, part, &mut settings, diagnostics);
    }
    settings
}

fn setting(key: &Key, node: &Node, part: Part, settings: &mut Settings, diagnostics: &mut Diagnostics) {
    match key.name.as_str() {
        "name" => {
            settings.name =
                field::text(key, node, diagnostics).filter(|name| check::host_name(name, diagnostics))
        }
        "count" => {
            let _ignored = field::int(key, node, diagnostics);
        }
        "ssh_hostname" => {
            settings.ssh_hostname =
                field::text(key, node, diagnostics).filter(|address| check::address(address, diagnostics));
        }
        "ssh_port" => {
            settings.ssh_port =
                field::int(key, node, diagnostics).and_then(|port| check::port(port, diagnostics))
        }
        "ssh_user" => {
            settings.ssh_user =
                field::text(key, node, diagnostics).filter(|user| check::user(user, diagnostics));
        }
        "ssh_key" => settings.ssh_key = field::text(key, node, diagnostics),
        "wireguard_ip" => {
            settings.wireguard_ip =
                field::text(key, node, diagnostics).and_then(|ip| check::ip(&ip, diagnostics));
        }
        "roles" => settings.roles = roles(key, node, diagnostics),
        "vars" => {
            if let Some(map) = field::map(key, node, diagnostics) {
                config::values(map, diagnostics);
                settings.vars = map.clone();
            }
        }
        "sudo" => settings.sudo = field::boolean(key, node, diagnostics),
        "arch" => {
            settings.arch =
                field::text(key, node, diagnostics).and_then(|arch| check::arch(&arch, diagnostics))
        }
        "os" => settings.os = field::text(key, node, diagnostics).and_then(|os| check::os(&os, diagnostics)),
        "jump" => settings.jump = field::text(key, node, diagnostics),
        "host_key" => {
            settings.host_key =
                field::text(key, node, diagnostics).and_then(|text| check::host_key(text, diagnostics));
        }
        _ => {
            let of = if part == Part::Defaults { "`defaults`" } else { "a server" };
            field::unknown(key, of, &KEYS, diagnostics);
        }
    }
}

fn roles(key: &Key, node: &Node, diagnostics: &mut Diagnostics) -> Option<Vec<Field<String>>> {
    let mut roles: Vec<Field<String>> = Vec::new();
    for item in field::list(key, node, diagnostics)? {
        let Some(role) = field::text(key, item, diagnostics).filter(|role| check::role(role, diagnostics))
        else {
            continue;
        };
        match roles.iter().find(|known| known.value == role.value) {
            Some(first) => {
                let error = Diagnostic::error(Code::BAD_ROLE, format!("role `{}` stands twice", role.value))
                    .at(role.place.clone(), "again here")
                    .related(first.place.clone(), "first here")
                    .help("remove one of them");
                diagnostics.push(error);
            }
            None => roles.push(role),
        }
    }
    Some(roles)
}
