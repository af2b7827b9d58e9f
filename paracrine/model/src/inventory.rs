//! An inventory: the hosts of one environment.
//!
//! ```yaml
//! environment: prod
//! data_path: .                 # keys of hosts are in `<data_path>/configs/`, beside the inventory
//! defaults:                    # for all servers
//!   ssh_user: deploy
//! servers:
//!   - name: web1
//!     ssh_hostname: web1.example.org
//!     ssh_port: 22
//!     ssh_key: deploy_key      # or an absolute path, or one that begins with `~/`
//!     wireguard_ip: 10.0.0.1
//!     roles: [web]
//!     vars: { weight: 10 }
//!     sudo: true               # become root where the login is not; `false` stays that user
//!     arch: x86_64
//!     os: debian-12
//!     jump: bastion            # another server, or `[user@]host[:port]`
//!     host_key: ssh-ed25519 AAAA…
//! ```

mod check;
mod server;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

pub(crate) use check::is_jump_address;
pub use server::KEYS as SERVER_KEYS;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use crate::field::{self, Field};
use crate::host::Arch;
use crate::source::{Source, Sources};
use crate::yaml::{self, Key, Map, Node, Value};

/// The keys of an inventory.
pub const KEYS: [&str; 4] = ["environment", "data_path", "defaults", "servers"];

/// What an inventory holds.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// The environment whose hosts these are; absent where it cannot be read.
    pub environment: Option<Field<String>>,
    /// The servers that can be used.
    pub servers: Vec<Server>,
    /// What can be read of the others; what is wrong with them has been said.
    pub partial: Vec<Partial>,
}

/// What else can be checked of a server that lacks something.
#[derive(Clone, Debug)]
pub struct Partial {
    /// Its name.
    pub name: Option<Field<String>>,
    /// The parts it plays.
    pub roles: Vec<Field<String>>,
    /// Its own values.
    pub vars: Map,
    /// Where it stands.
    pub place: Place,
}

/// A server of an inventory, with its defaults.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name.
    pub name: Field<String>,
    /// What ssh connects to.
    pub ssh_hostname: Field<String>,
    /// Its port.
    pub ssh_port: Option<Field<u16>>,
    /// Who logs in.
    pub ssh_user: Option<Field<String>>,
    /// The private key's path: relative to the site, absolute, or beginning with `~/`.
    pub ssh_key: Option<Field<String>>,
    /// Its address among the hosts.
    pub wireguard_ip: Option<Field<IpAddr>>,
    /// The parts it plays.
    pub roles: Vec<Field<String>>,
    /// Its own values.
    pub vars: Map,
    /// Whether to become root there.
    pub sudo: bool,
    /// Its processor.
    pub arch: Arch,
    /// Its system.
    pub os: Os,
    /// The server or address through which it is reached.
    pub jump: Option<Field<String>>,
    /// Its pinned public key, without a comment.
    pub host_key: Option<Field<String>>,
}

/// A system that Paracrine deploys to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Os {
    /// Any Debian that is supported.
    #[default]
    Debian,
    /// Debian 12, bookworm.
    Debian12,
    /// Debian 13, trixie.
    Debian13,
}

impl Os {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Debian, Self::Debian12, Self::Debian13];

    /// As the inventory has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::Debian12 => "debian-12",
            Self::Debian13 => "debian-13",
        }
    }

    /// From the inventory's name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|os| os.name() == name)
    }
}

impl std::fmt::Display for Os {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads an inventory. Without one only if the text is no YAML mapping.
pub fn parse(source: &Source, sources: &mut Sources<'_>) -> (Option<Inventory>, Diagnostics) {
    let (node, mut diagnostics) = yaml::parse(source);
    let inventory = node.and_then(|node| read(source.path(), &node, sources, &mut diagnostics));
    (inventory, diagnostics)
}

fn read(
    path: &str,
    node: &Node,
    sources: &mut Sources<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Inventory> {
    let Value::Map(top) = &node.value else {
        let what =
            if node.is_left_empty() { "the inventory is empty" } else { "the inventory is not a mapping" };
        let error = Diagnostic::error(Code::WRONG_TYPE, what)
            .at(node.place.clone(), node.kind())
            .help("begin it with `environment:` and `servers:`");
        diagnostics.push(error);
        return None;
    };
    for (key, _) in &top.entries {
        if !KEYS.contains(&key.name.as_str()) {
            field::unknown(key, "an inventory", &KEYS, diagnostics);
        }
    }
    let environment = required(top, node, "environment", diagnostics)
        .and_then(|(key, node)| field::text(key, node, diagnostics));
    let data_path = match top.entry("data_path") {
        Some((key, node)) => {
            field::text(key, node, diagnostics).map_or_else(|| ".".to_owned(), |text| text.value)
        }
        None => ".".to_owned(),
    };
    let data = check::beside(path, &data_path);
    let defaults = match top.entry("defaults") {
        Some((key, node)) => field::map(key, node, diagnostics)
            .map(|map| server::settings(map, server::Part::Defaults, diagnostics))
            .unwrap_or_default(),
        None => server::Settings::default(),
    };
    let mut inventory = Inventory { environment, servers: Vec::new(), partial: Vec::new() };
    if let Some((key, node)) = required(top, node, "servers", diagnostics)
        && let Some(items) = field::list(key, node, diagnostics)
    {
        if items.is_empty() {
            let error = Diagnostic::error(Code::EMPTY_VALUE, "there are no servers")
                .at(node.place.clone(), "empty")
                .help("add one: `- { name: web1, ssh_hostname: web1.example.org }`");
            diagnostics.push(error);
        }
        let mut keys = check::Keys::new(&data);
        for item in items {
            match server::read(item, &defaults, diagnostics) {
                Ok(server) => inventory.servers.push(keys.locate(server, sources, diagnostics)),
                Err(partial) => inventory.partial.extend(partial.map(|partial| *partial)),
            }
        }
        check::users(&inventory.servers, diagnostics);
    }
    Some(inventory)
}

fn required<'n>(
    top: &'n Map,
    node: &Node,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Option<&'n (Key, Node)> {
    let entry = top.entry(name);
    let misspelled =
        top.entries.iter().any(|(key, _)| crate::diagnostic::nearest(&key.name, KEYS) == Some(name));
    if entry.is_none() && !misspelled {
        let error = Diagnostic::error(Code::MISSING_KEY, format!("the inventory has no `{name}`"))
            .at(node.place.clone(), "in this mapping")
            .help(match name {
                "environment" => "add `environment:` with the name of an environment of the config",
                _ => "add `servers:` with a list of them",
            });
        diagnostics.push(error);
    }
    entry
}
