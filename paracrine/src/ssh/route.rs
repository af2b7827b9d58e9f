//! The way to a host, worked out before anything is started.

use std::path::{Path, PathBuf};
use std::time::Duration;

use paracrine_model::host::Address;

use super::error::ConnectionError;
use super::jump::Jump;
use super::target::Target;
use crate::kept_connections::{Key, SocketDirectory};
use crate::known_hosts::{self, Trust};
use crate::relay;

/// What a connection may take on top of the time to connect: authentication, which asks other machines at times.
const LOGIN: Duration = Duration::from_secs(30);

/// All that decides how ssh is started.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) user: Option<String>,
    pub(super) key: Option<PathBuf>,
    pub(super) jump: Vec<Jump>,
    pub(super) trust: Trust,
    /// The algorithms by which a host is to show one of the keys that are known, and no other is taken; else ssh decides.
    pub(super) only_known: Option<String>,
    pub(super) known_hosts: PathBuf,
    pub(super) config: Option<PathBuf>,
    pub(super) relay: Option<Relay>,
    pub(super) connect_timeout: Duration,
    pub(super) persist: Duration,
}

/// A relay that ssh may connect through.
#[derive(Clone, Debug)]
pub(super) struct Relay {
    pub(super) program: PathBuf,
    /// Takes the place of the route's own config, and includes it.
    pub(super) config: PathBuf,
}

impl Route {
    /// Resolves paths, picks the key, writes a pinned host key where ssh can read it.
    pub(super) fn plan(target: &Target<'_>, sockets: &SocketDirectory) -> Result<Self, ConnectionError> {
        let Target { address, site, known_hosts, settings } = *target;
        let jump = address
            .jump
            .iter()
            .map(|text| Jump::parse(text).ok_or_else(|| not_a_jump(address, text)))
            .collect::<Result<_, _>>()?;
        let known_hosts = std::path::absolute(site.join(known_hosts))
            .map_err(|error| ConnectionError::local(format!("the current directory is gone: {error}")))?;
        let write = |content: &str| {
            let place = sockets.path().display();
            sockets
                .file(content)
                .map_err(|error| ConnectionError::local(format!("cannot write into {place}: {error}")))
        };
        let trust = match &address.host_key {
            None => Trust::FirstSeen { file: known_hosts.clone() },
            Some(key) => {
                let line = known_hosts::pinned_line(key).ok_or_else(|| not_a_key(address))?;
                Trust::Pinned { file: write(&line)? }
            }
        };
        Ok(Self {
            host: address.ssh_hostname.clone(),
            port: address.ssh_port,
            user: address.ssh_user.clone(),
            key: key(address, site)?,
            jump,
            trust,
            only_known: None,
            known_hosts,
            relay: match &settings.relay {
                Some(program) => match relay::config(settings.config.as_deref()) {
                    Some(config) => Some(Relay { program: program.clone(), config: write(&config)? }),
                    None => None,
                },
                None => None,
            },
            config: settings.config.clone(),
            connect_timeout: settings.connect_timeout,
            persist: settings.persist,
        })
    }

    /// How long a connection may take in all.
    pub(super) fn limit(&self) -> Duration {
        let hops = u32::try_from(1 + self.jump.len()).unwrap_or(u32::MAX);
        self.connect_timeout.saturating_mul(hops) + LOGIN
    }

    /// The name of a connection that goes this way. Time limits and relays do not decide where it leads.
    pub(super) fn connection(&self) -> Key {
        let Self {
            host,
            port,
            user,
            key,
            jump,
            trust,
            known_hosts,
            config,
            connect_timeout: _,
            persist: _,
            relay: _,
            only_known: _,
        } = self;
        let parts = [
            host.clone(),
            format!("{port:?} {user:?} {key:?} {jump:?} {trust:?} {known_hosts:?} {config:?}"),
        ];
        Key::of(parts.iter().map(String::as_str))
    }

    /// How people name it: `deploy@web1.example.org port 2222`.
    pub(super) fn name(&self) -> String {
        let user = self.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let port = self.port.map(|port| format!(" port {port}")).unwrap_or_default();
        format!("{user}{}{port}", self.host)
    }

    #[cfg(test)]
    pub(super) fn for_tests() -> Self {
        Self {
            host: "web1.example.org".into(),
            port: Some(2222),
            user: Some("deploy".into()),
            key: Some("/site/key".into()),
            jump: Vec::new(),
            trust: Trust::FirstSeen { file: "/site/inventory/known_hosts".into() },
            only_known: None,
            known_hosts: "/site/inventory/known_hosts".into(),
            config: None,
            relay: None,
            connect_timeout: Duration::from_secs(10),
            persist: Duration::from_secs(60),
        }
    }
}

fn not_a_jump(address: &Address, text: &str) -> ConnectionError {
    ConnectionError::local_with_help(
        format!("`jump` of {} in {} names {text:?}, which is no host", address.name, address.inventory),
        "write it as `[user@]host[:port]`",
    )
}

fn not_a_key(address: &Address) -> ConnectionError {
    ConnectionError::local_with_help(
        format!("`host_key` of {} in {} is no public key", address.name, address.inventory),
        "write type and key, `ssh-ed25519 AAAA…`, as `ssh-keyscan` shows them",
    )
}

/// The first candidate that exists.
fn key(address: &Address, site: &Path) -> Result<Option<PathBuf>, ConnectionError> {
    if address.ssh_key.is_empty() {
        return Ok(None);
    }
    let candidates: Vec<PathBuf> =
        address.ssh_key.iter().map(|candidate| resolved(candidate, site)).collect();
    match candidates.iter().find(|candidate| candidate.is_file()) {
        Some(found) => std::path::absolute(found)
            .map(Some)
            .map_err(|error| ConnectionError::local(format!("the current directory is gone: {error}"))),
        None => {
            let tried: Vec<String> = candidates.iter().map(|path| path.display().to_string()).collect();
            Err(ConnectionError::local_with_help(
                format!("the key of {} is not there: {}", address.name, tried.join(", ")),
                format!("`ssh_key` in {} names it", address.inventory),
            ))
        }
    }
}

fn resolved(path: &str, site: &Path) -> PathBuf {
    match path.strip_prefix("~/").and_then(|rest| Some(std::env::home_dir()?.join(rest))) {
        Some(path) => path,
        None => site.join(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_lead_elsewhere_have_other_names() {
        let route = Route::for_tests();
        let mut names = vec![route.connection()];
        let mut other = |change: &dyn Fn(&mut Route)| {
            let mut route = route.clone();
            change(&mut route);
            names.push(route.connection());
        };
        other(&|route| route.host = "web2".into());
        other(&|route| route.port = None);
        other(&|route| route.user = Some("root".into()));
        other(&|route| route.key = None);
        other(&|route| route.jump = Jump::parse("bastion").into_iter().collect());
        other(&|route| route.trust = Trust::Pinned { file: "/pin-1".into() });
        other(&|route| route.known_hosts = "/other/known_hosts".into());
        other(&|route| route.config = Some("/dev/null".into()));
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "change {index} does not count");
        }
        let same = Route { persist: Duration::from_secs(5), ..route.clone() };
        assert_eq!(same.connection(), route.connection());
    }
}
