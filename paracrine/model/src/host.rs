//! Hosts as the inventory names them and as the controller reaches them.

use serde::{Deserialize, Serialize};

/// How a host is reached: everything that ssh is told. Checked before one can exist in a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The host's name in the inventory, unique in its environment.
    pub name: String,
    /// What ssh connects to: a name (also one of `~/.ssh/config`) or an address.
    pub ssh_hostname: String,
    /// `None`: what ssh's own config says.
    pub ssh_port: Option<u16>,
    /// `None`: what ssh's own config says.
    pub ssh_user: Option<String>,
    /// Candidates for the private key's path, in order, the first that exists is used; relative to the site. Empty:
    /// ssh's own choice.
    pub ssh_key: Vec<String>,
    /// Jump hosts, outermost first, as `-J` takes them: `[user@]host[:port]`.
    pub jump: Vec<String>,
    /// The pinned public host key (`ssh-ed25519 AAAA…`); `None`: accepted when first seen, then remembered.
    pub host_key: Option<String>,
    /// Whether to become root there (with `sudo -n`) where the login is not root's. Without, the agent can change what
    /// that user can change.
    pub sudo: bool,
    /// The architecture whose agent runs there.
    pub arch: Arch,
    /// Where the inventory stands (for `known_hosts` beside it), relative to the site.
    pub inventory: String,
}

/// A processor architecture that agents are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Arch {
    /// 64-bit x86; Debian's `amd64`.
    X86_64,
    /// 64-bit ARM; Debian's `arm64`.
    Aarch64,
}

impl Arch {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Aarch64];

    /// As `uname -m` and Rust's target names have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// From `uname -m`'s or Debian's name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "x86_64" | "amd64" => Some(Self::X86_64),
            "aarch64" | "arm64" => Some(Self::Aarch64),
            _ => None,
        }
    }
}

impl std::fmt::Display for Arch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Serialises by the name that is shown, for templates.
///
/// # Errors
/// Those of the serializer.
pub fn by_name<T: std::fmt::Display, S: serde::Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}
