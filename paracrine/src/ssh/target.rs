//! A host as the inventory knows it, and how hosts are connected to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use paracrine_model::host::Address;

/// How hosts are connected to, whichever they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// For the connection and the exchange of keys.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept for a later run; zero: not at all, and none is used that was kept.
    pub persist: Duration,
    /// In place of the user's and the system's config of ssh.
    pub config: Option<PathBuf>,
    /// Where the directory of control sockets is to be, in place of the user's run-time directory.
    pub sockets: Option<PathBuf>,
    /// The deploy binary, to relay connections, which makes logins faster; `None`: ssh connects by itself.
    pub relay: Option<PathBuf>,
    /// Environment variables that hold secrets: a kept connection outlives the run, and they must not with it.
    pub secret_variables: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            persist: Duration::from_secs(60),
            config: None,
            sockets: None,
            relay: None,
            secret_variables: Vec::new(),
        }
    }
}

/// Whether to become root on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Elevation {
    /// With `sudo -n`, unless the login is root's.
    Sudo,
    /// Stay who we are; the agent can change what that user can change.
    Never,
}

/// A host, and what is needed to connect to it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// From the inventory.
    pub address: &'a Address,
    /// Relative paths are relative to this.
    pub site: &'a Path,
    /// Where accepted host keys are remembered.
    pub known_hosts: &'a Path,
    /// What is the same for all hosts.
    pub settings: &'a Settings,
}

impl Target<'_> {
    /// Whether to become root on this host.
    pub(crate) fn elevation(&self) -> Elevation {
        if self.address.sudo { Elevation::Sudo } else { Elevation::Never }
    }
}
