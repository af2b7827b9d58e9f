//! Connections over SSH, as the controller wants them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use paracrine_model::artifact::Host;
use paracrine_model::host::Address;
use paracrine_model::protocol::{Failure, Message, Opening};

use super::connection::{AgentBinary, Connection, Connector, OpenError};
use crate::known_hosts;
use crate::remote_agent::{self, ConnectionError, RemoteAgent, Settings, Target};

/// Connects to the hosts of one site.
pub(crate) struct OverSsh {
    name: String,
    site: Option<PathBuf>,
    settings: Settings,
}

impl OverSsh {
    /// For the site of that name, whose files are there.
    pub(crate) fn new(name: &str, site: Option<PathBuf>, settings: Settings) -> Self {
        Self { name: name.to_owned(), site, settings }
    }

    /// Sees that the keys of these hosts can be remembered, before any of them is contacted.
    ///
    /// # Errors
    /// A file that keys cannot be written to, or read from.
    pub(crate) fn remembers(&self, hosts: &[Host]) -> Result<(), Failure> {
        let taken =
            hosts.iter().map(|host| &host.address).filter(|address| remote_agent::takes_new_keys(address));
        let mut files = BTreeSet::new();
        for address in taken {
            files.insert(self.known_hosts(&address.inventory)?);
        }
        files.iter().try_for_each(|file| remote_agent::remembers(file).map_err(|error| error.failure()))
    }

    /// Where accepted host keys are remembered: beside the inventory, so that they are committed with it.
    fn known_hosts(&self, inventory: &str) -> Result<PathBuf, Failure> {
        let file = match &self.site {
            Some(site) => match site.join(inventory).parent() {
                Some(directory) => directory.join("known_hosts"),
                None => site.join("known_hosts"),
            },
            None => {
                let directory = state_directory()
                    .ok_or_else(|| {
                        Failure::new("there is no place to remember host keys")
                            .help("run this in the site's directory, or set HOME")
                    })?
                    .join("paracrine")
                    .join(&self.name);
                std::fs::create_dir_all(&directory)
                    .map_err(|error| Failure::new(format!("cannot make {}: {error}", directory.display())))?;
                directory.join("known_hosts")
            }
        };
        Ok(file)
    }
}

/// Where programs of this user keep what they remember.
fn state_directory() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))
}

impl Connector for OverSsh {
    type Connection = SshConnection;

    async fn open(
        &self,
        address: &Address,
        agent: AgentBinary,
        opening: &Opening,
        attached: &[u8],
    ) -> Result<SshConnection, OpenError> {
        let known_hosts = self
            .known_hosts(&address.inventory)
            .map_err(|failure| OpenError { unreachable: false, failure })?;
        let target = Target {
            address,
            site: self.site.as_deref().unwrap_or(Path::new(".")),
            known_hosts: &known_hosts,
            settings: &self.settings,
        };
        let opened = RemoteAgent::open(&target, &agent, opening, attached).await;
        opened
            .map(SshConnection)
            .map_err(|error| OpenError { unreachable: error.unreachable(), failure: error.failure() })
    }
}

/// A [`RemoteAgent`] as a [`Connection`].
pub(crate) struct SshConnection(RemoteAgent);

impl Connection for SshConnection {
    fn notes(&self) -> Vec<String> {
        // Banners are for people who log in; that a host key was accepted is for those who deploy.
        self.0.notes().iter().filter_map(|note| accepted(note)).collect()
    }

    fn received(&self) -> u64 {
        self.0.received()
    }

    async fn recv<M: Message>(&mut self) -> Result<M, Failure> {
        self.0.recv().await.map_err(|error: ConnectionError| error.failure())
    }

    async fn send<M: Message>(&mut self, message: &M) -> Result<(), Failure> {
        self.0.send(message).await.map_err(|error: ConnectionError| error.failure())
    }

    async fn close(self) {
        self.0.close().await;
    }
}

/// `Warning: Permanently added '[127.0.0.1]:2222' (ED25519) to the list of known hosts.` in our words.
fn accepted(note: &str) -> Option<String> {
    let (host, kind) = known_hosts::first_seen(note)?;
    Some(format!("host key of {host} ({kind}) seen for the first time, and remembered"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accepted_host_key_is_told_and_banners_are_not() {
        let note = "Warning: Permanently added '[127.0.0.1]:2222' (ED25519) to the list of known hosts.\r";
        let told = "host key of [127.0.0.1]:2222 (ED25519) seen for the first time, and remembered";
        assert_eq!(accepted(note).as_deref(), Some(told));
        assert_eq!(accepted("Welcome to the machine"), None);
    }

    #[test]
    fn host_keys_are_remembered_beside_the_inventory() {
        let connector = OverSsh::new("shop", Some("/site".into()), Settings::default());
        assert_eq!(
            connector.known_hosts("inventory/dev.yaml").unwrap(),
            Path::new("/site/inventory/known_hosts")
        );
        assert_eq!(connector.known_hosts("inventory.yaml").unwrap(), Path::new("/site/known_hosts"));
    }
}
