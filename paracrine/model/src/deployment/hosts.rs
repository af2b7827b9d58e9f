//! The hosts of all inventories: who claims what twice, and who is reached through whom.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::{Environment, Host, Loader, mapping};
use crate::diagnostic::{Code, Diagnostic, Place, nearest};
use crate::field::Field;
use crate::host::Address;
use crate::inventory::{Inventory, Server, is_jump_address};

/// What hosts of one environment have claimed, and where.
#[derive(Default)]
struct Claims {
    names: HashMap<String, Place>,
    /// Name or address, port, jump: behind different jump hosts an address may be there twice.
    addresses: HashMap<(String, u16, Option<String>), (String, Place)>,
    ips: HashMap<IpAddr, (String, Place)>,
}

impl Loader<'_> {
    /// `complete`: every inventory could be read, so that it is known which environments have none.
    pub(super) fn hosts(
        &mut self,
        inventories: &[(Arc<str>, Option<Inventory>)],
        environments: &mut [Environment],
        mut complete: bool,
    ) -> Vec<Host> {
        let mut hosts = Vec::new();
        let mut jumps: Vec<Option<Field<String>>> = Vec::new();
        let mut claims: HashMap<String, Claims> = HashMap::new();
        let mut broken: HashSet<String> = HashSet::new();
        let mut used: HashSet<usize> = HashSet::new();
        for (path, inventory) in inventories {
            let Some(inventory) = inventory else { continue };
            let environment = self.environment_of(inventory, environments);
            complete &= environment.is_some();
            used.extend(environment);
            let partial = inventory.partial.iter().filter_map(|partial| partial.name.as_ref());
            broken.extend(partial.map(|name| name.value.clone()));
            // Hosts of an environment that nobody knows are checked among themselves, and not kept.
            let named =
                inventory.environment.as_ref().map_or(&**path, |environment| &environment.value).to_owned();
            let claims = claims.entry(named).or_default();
            for server in &inventory.servers {
                if !self.claim(server, claims) {
                    continue;
                }
                let Some(environment) = environment else { continue };
                environments[environment].hosts.push(hosts.len());
                jumps.push(server.jump.clone());
                hosts.push(host(server.clone(), environment, path));
            }
        }
        if complete {
            for (index, environment) in environments.iter().enumerate() {
                if !used.contains(&index) {
                    let message = format!("environment `{}` has no inventory", environment.name);
                    let warning = Diagnostic::warning(Code::ENV_WITHOUT_INVENTORY, message)
                        .at(environment.place.clone(), "nothing is deployed with these values")
                        .help(format!(
                            "write an inventory with `environment: {}` and name it in `site!`",
                            environment.name
                        ));
                    self.diagnostics.push(warning);
                }
            }
        }
        for environment in environments.iter() {
            self.resolve_jumps(&environment.hosts, &mut hosts, &jumps, &broken);
        }
        hosts
    }

    /// Whether a server's name is its own. A shared address is said, but the host is kept.
    fn claim(&mut self, server: &Server, claims: &mut Claims) -> bool {
        let name = &server.name.value;
        if let Some(first) = claims.names.get(name) {
            let error = Diagnostic::error(Code::DUPLICATE_HOST, format!("two hosts are named `{name}`"))
                .at(server.name.place.clone(), "again here")
                .related(first.clone(), "first here")
                .help("rename one of them");
            self.diagnostics.push(error);
            return false;
        }
        claims.names.insert(name.clone(), server.name.place.clone());
        let hostname = &server.ssh_hostname;
        let port = server.ssh_port.as_ref().map_or(22, |port| port.value);
        let jump = server.jump.as_ref().map(|jump| jump.value.clone());
        let address = (hostname.value.to_ascii_lowercase(), port, jump);
        if let Some((other, first)) = claims.addresses.get(&address) {
            let message = format!("`{other}` and `{name}` are both at `{}`, port {port}", hostname.value);
            let error = Diagnostic::error(Code::DUPLICATE_ADDRESS, message)
                .at(hostname.place.clone(), format!("`{name}`"))
                .related(first.clone(), format!("`{other}`"))
                .help("two servers are two machines; give one another `ssh_hostname` or `ssh_port`, or remove it");
            self.diagnostics.push(error);
        } else {
            claims.addresses.insert(address, (name.clone(), hostname.place.clone()));
        }
        if let Some(ip) = &server.wireguard_ip {
            if let Some((other, first)) = claims.ips.get(&ip.value) {
                let message = format!("`{other}` and `{name}` have the same wireguard_ip `{}`", ip.value);
                let error = Diagnostic::error(Code::DUPLICATE_ADDRESS, message)
                    .at(ip.place.clone(), format!("`{name}`"))
                    .related(first.clone(), format!("`{other}`"))
                    .help("give each host an address of its own");
                self.diagnostics.push(error);
            } else {
                claims.ips.insert(ip.value, (name.clone(), ip.place.clone()));
            }
        }
        true
    }

    fn resolve_jumps(
        &mut self,
        members: &[usize],
        hosts: &mut [Host],
        jumps: &[Option<Field<String>>],
        broken: &HashSet<String>,
    ) {
        let by_name: HashMap<String, usize> =
            members.iter().map(|&index| (hosts[index].address.name.clone(), index)).collect();
        let mut next: HashMap<usize, usize> = HashMap::new();
        let mut outer: HashMap<usize, String> = HashMap::new();
        for &index in members {
            let Some(jump) = &jumps[index] else { continue };
            if let Some(&through) = by_name.get(&jump.value) {
                next.insert(index, through);
            } else if let Some(address) = self.jump_address(jump, &by_name, broken) {
                outer.insert(index, address);
            }
        }
        let mut in_circle: HashSet<usize> = HashSet::new();
        for &index in members {
            let mut chain = Vec::new();
            let mut seen = vec![index];
            let mut at = index;
            while let Some(&through) = next.get(&at) {
                if seen.contains(&through) {
                    self.circle(&seen, through, hosts, jumps, &mut in_circle);
                    break;
                }
                chain.push(jump_of(&hosts[through].address));
                seen.push(through);
                at = through;
            }
            chain.extend(outer.get(&at).cloned());
            chain.reverse();
            hosts[index].address.jump = chain;
        }
    }

    /// A jump that names no server: an address, unless it is one mistyped.
    fn jump_address(
        &mut self,
        jump: &Field<String>,
        by_name: &HashMap<String, usize>,
        broken: &HashSet<String>,
    ) -> Option<String> {
        let text = &jump.value;
        if broken.contains(text) {
            return None;
        }
        let near = nearest(text, by_name.keys().map(String::as_str));
        let looks = text.contains(['@', ':']) || (text.contains('.') && near.is_none());
        if looks && is_jump_address(text) {
            return Some(text.clone());
        }
        let error = Diagnostic::error(Code::JUMP, format!("unknown jump host `{text}`"))
            .at(jump.place.clone(), "not a server of this environment");
        self.diagnostics.push(match near {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("name a server of this environment, or write an address: `user@host:22`"),
        });
        None
    }

    fn circle(
        &mut self,
        seen: &[usize],
        back: usize,
        hosts: &[Host],
        jumps: &[Option<Field<String>>],
        in_circle: &mut HashSet<usize>,
    ) {
        let from = seen.iter().position(|&index| index == back).unwrap_or(0);
        let circle = &seen[from..];
        if circle.iter().any(|index| in_circle.contains(index)) {
            return;
        }
        in_circle.extend(circle);
        let names: Vec<String> =
            circle.iter().chain([&back]).map(|&index| format!("`{}`", hosts[index].address.name)).collect();
        let mut places =
            circle.iter().filter_map(|&index| jumps[index].as_ref().map(|jump| jump.place.clone()));
        let Some(first) = places.next() else { return };
        let message = format!("jumps form a circle: {}", names.join(" → "));
        let mut error = Diagnostic::error(Code::JUMP, message).at(first, "leads back to itself");
        for place in places {
            error = error.related(place, "by way of this");
        }
        self.diagnostics.push(error.help("let one of them be reached without a jump"));
    }
}

/// `[user@]host[:port]`
fn jump_of(address: &Address) -> String {
    let mut jump = String::new();
    if let Some(user) = &address.ssh_user {
        jump.push_str(user);
        jump.push('@');
    }
    if address.ssh_hostname.contains(':') {
        jump.push('[');
        jump.push_str(&address.ssh_hostname);
        jump.push(']');
    } else {
        jump.push_str(&address.ssh_hostname);
    }
    if let Some(port) = address.ssh_port {
        jump.push_str(&format!(":{port}"));
    }
    jump
}

fn host(server: Server, environment: usize, inventory: &str) -> Host {
    let place = server.name.place;
    Host {
        address: Address {
            name: server.name.value,
            ssh_hostname: server.ssh_hostname.value,
            ssh_port: server.ssh_port.map(|port| port.value),
            ssh_user: server.ssh_user.map(|user| user.value),
            ssh_key: server.ssh_key.map(|key| key.value).into_iter().collect(),
            jump: Vec::new(),
            host_key: server.host_key.map(|key| key.value),
            sudo: server.sudo,
            arch: server.arch,
            inventory: inventory.to_owned(),
        },
        environment,
        roles: server.roles,
        vars: mapping(server.vars, &place),
        wireguard_ip: server.wireguard_ip.map(|ip| ip.value),
        os: server.os,
        place,
    }
}
