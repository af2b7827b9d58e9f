//! Why there is no connection, or none any more.

use std::fmt;
use std::path::PathBuf;

use paracrine_model::host::{Address, Arch};
use paracrine_model::protocol::{Failure, FrameError};

use crate::known_hosts::{self, Offending};

/// Why a host cannot be talked to. What ssh or the host said is always kept.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectionError {
    /// No connection: refused, timed out, no route, no such name, broken off before the login.
    Unreachable {
        /// `deploy@web1.example.org port 2222`
        host: String,
        /// ssh's words.
        said: String,
    },
    /// The host is there and lets nobody in with what was offered.
    AuthFailed {
        /// `deploy@web1.example.org port 2222`
        host: String,
        /// The key of the inventory that was offered.
        key: Option<PathBuf>,
        /// ssh's words.
        said: String,
    },
    /// The host shows another key than the one that was accepted before, or than the one that is pinned.
    HostKeyChanged {
        /// `deploy@web1.example.org port 2222`
        host: String,
        /// The key's line, where ssh says it.
        known: Option<Offending>,
        /// The inventory that pins the key, if one does.
        pinned: Option<String>,
        /// ssh's words.
        said: String,
    },
    /// ssh could not do its work for a reason of its own: its config, no common algorithm, not installed.
    Ssh {
        /// `deploy@web1.example.org port 2222`
        host: String,
        /// ssh's words.
        said: String,
    },
    /// Something on this machine keeps us from even trying.
    Local {
        /// What.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// The login works, but becoming root does not.
    Sudo {
        /// `deploy@web1.example.org port 2222`
        host: String,
        /// sudo's words; empty where there is no sudo.
        said: String,
    },
    /// The host is of another architecture than the inventory says.
    Architecture {
        /// What `uname -m` says.
        found: String,
        /// What the inventory says.
        expected: Arch,
        /// The inventory.
        inventory: String,
        /// The host's name there.
        name: String,
    },
    /// No directory on the host can hold the agent.
    NoPlace {
        /// Each directory and why not.
        reasons: String,
    },
    /// Whatever answered is not the agent of this build.
    NotOurs {
        /// What is wrong with it.
        message: String,
        /// The end of its standard error.
        said: String,
    },
    /// The conversation broke off.
    Lost {
        /// In what way.
        message: String,
        /// The end of the host's standard error.
        said: String,
    },
}

impl ConnectionError {
    /// Something on this machine.
    pub(crate) fn local(message: impl Into<String>) -> Self {
        Self::Local { message: message.into(), help: None }
    }

    /// Something on this machine that we know what to do about.
    pub(crate) fn local_with_help(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Local { message: message.into(), help: Some(help.into()) }
    }

    /// A broken stream.
    pub(crate) fn frame(error: &FrameError, said: String) -> Self {
        Self::Lost { message: error.to_string(), said }
    }

    /// Whether the host was not reached at all, as against: it was reached, and then something went wrong.
    pub fn unreachable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::AuthFailed { .. } | Self::HostKeyChanged { .. } => true,
            Self::Ssh { .. }
            | Self::Local { .. }
            | Self::Sudo { .. }
            | Self::Architecture { .. }
            | Self::NoPlace { .. }
            | Self::NotOurs { .. }
            | Self::Lost { .. } => false,
        }
    }

    /// What ssh's words mean.
    pub(super) fn from_ssh(said: String, host: String, key: Option<PathBuf>, address: &Address) -> Self {
        // With jumps on the way, it may be one of them that is meant.
        let host = match culprit(&said) {
            Some(culprit) if !address.jump.is_empty() => format!("{culprit} (on the way to {host})"),
            _ => host,
        };
        match Meaning::of(&said) {
            Meaning::HostKey => Self::HostKeyChanged {
                known: known_hosts::offending(&said),
                pinned: address.host_key.is_some().then(|| address.inventory.clone()),
                host,
                said,
            },
            Meaning::Auth => Self::AuthFailed { host, key, said },
            Meaning::Unreachable => Self::Unreachable { host, said },
            Meaning::Other => Self::Ssh { host, said },
        }
    }

    /// As reports show it: a line, what was said, what to do next.
    pub fn failure(&self) -> Failure {
        let failure = Failure::new(self.to_string());
        match self {
            Self::Unreachable { said, .. } | Self::Ssh { said, .. } => failure.output(said.as_str()),
            Self::AuthFailed { key, said, .. } => {
                failure.output(said.as_str()).help(auth_help(key.as_ref(), said))
            }
            Self::HostKeyChanged { known, pinned, said, .. } => {
                failure.output(said.as_str()).help(host_key_help(known.as_ref(), pinned.as_deref()))
            }
            Self::Local { help, .. } => match help {
                Some(help) => failure.help(help.as_str()),
                None => failure,
            },
            Self::Sudo { said, .. } => failure.output(said.as_str()).help(sudo_help(said)),
            Self::Architecture { found, expected, inventory, name } => {
                failure.help(match Arch::parse(found) {
                    Some(arch) => format!("set `arch: {arch}` for {name} in {inventory} and build again"),
                    None => {
                        format!(
                            "there is no agent for {found}; `arch` of {name} in {inventory} is {expected}"
                        )
                    }
                })
            }
            Self::NoPlace { .. } => {
                failure.help("make room in one of them, or mount one of them without noexec".to_owned())
            }
            Self::NotOurs { said, .. } | Self::Lost { said, .. } => failure.output(said.as_str()),
        }
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { host, said } => write!(f, "cannot reach {host}: {}", gist(said)),
            Self::AuthFailed { host, .. } => write!(f, "{host} does not let us log in"),
            Self::HostKeyChanged { host, known, pinned, said } => {
                match (pinned, known) {
                    (Some(inventory), _) => {
                        write!(f, "the host key of {host} is not the `host_key` that {inventory} pins")?;
                    }
                    (None, Some(Offending { file, line })) => {
                        write!(
                            f,
                            "the host key of {host} is not the one in {}, line {line}",
                            file.display()
                        )?;
                    }
                    (None, None) => write!(f, "the host key of {host} is not trusted")?,
                }
                match known_hosts::fingerprint(said) {
                    Some(fingerprint) => write!(f, ": it shows {fingerprint}"),
                    None => Ok(()),
                }
            }
            Self::Ssh { host, said } => write!(f, "ssh cannot connect to {host}: {}", gist(said)),
            Self::Local { message, .. } => f.write_str(message),
            Self::Sudo { host, said } if said.is_empty() => {
                write!(f, "{host} is not root there, and there is no sudo")
            }
            Self::Sudo { host, said } if wants_password(said) => {
                write!(f, "sudo needs a password for {host}")
            }
            Self::Sudo { host, said } => write!(f, "sudo does not let {host} become root: {}", gist(said)),
            Self::Architecture { found, expected, inventory, .. } => {
                write!(f, "the host is {found}, but its `arch` in {inventory} is {expected}")
            }
            Self::NoPlace { reasons } => write!(f, "the host has no place for the agent: {reasons}"),
            Self::NotOurs { message, .. } | Self::Lost { message, .. } => f.write_str(message),
        }
    }
}

impl std::error::Error for ConnectionError {}

fn auth_help(key: Option<&PathBuf>, said: &str) -> String {
    match key {
        Some(key) if said.contains("UNPROTECTED PRIVATE KEY FILE") => {
            format!("ssh ignores keys that others can read: chmod 600 {}", key.display())
        }
        Some(key) => format!(
            "the key offered was {} (`ssh_key` in the inventory); it must be in that user's authorized_keys and have \
             no passphrase, or be in your ssh agent",
            key.display()
        ),
        None => "the same `ssh` command must work without asking anything: load the key into your ssh agent, or name \
                 it as `ssh_key` in the inventory"
            .to_owned(),
    }
}

fn host_key_help(known: Option<&Offending>, pinned: Option<&str>) -> String {
    let then = match (pinned, known) {
        (Some(inventory), _) => format!("put its new key as `host_key` into {inventory}"),
        (None, Some(Offending { file, line })) => {
            format!("remove line {line} of {} and run again", file.display())
        }
        (None, None) => "see what ssh says above".to_owned(),
    };
    format!(
        "if you know that the host was installed anew, {then}; if you do not, somebody may be listening in between"
    )
}

fn sudo_help(said: &str) -> &'static str {
    if said.is_empty() {
        "log in as root (`ssh_user: root` in the inventory), or install sudo on the host"
    } else {
        "let that user run everything without a password (`USER ALL=(ALL) NOPASSWD: ALL` in /etc/sudoers.d), or log \
         in as root (`ssh_user: root` in the inventory)"
    }
}

fn wants_password(said: &str) -> bool {
    said.contains("password is required") || said.contains("a terminal is required to read the password")
}

/// What ssh calls the other end where a relay, a jump or a proxy of the user's stands in between.
const BEYOND_PROXY: &str = "UNKNOWN port 65535";

/// The line of ssh's words that says most: the last one that is not mere politeness.
fn gist(said: &str) -> &str {
    // How the end of a relay or jump looks from here, which has told its reasons before.
    const AFTERMATH: [&str; 2] = ["kex_exchange_identification: ", "stdio forwarding failed"];
    let on_the_way = said.contains(BEYOND_PROXY);
    let idle = |line: &str| {
        line.is_empty()
            || line.starts_with("Warning: Permanently added")
            || line.contains(BEYOND_PROXY)
            || (on_the_way && AFTERMATH.iter().any(|text| line.starts_with(text)))
    };
    let last = || said.lines().map(str::trim).rfind(|line| !line.is_empty());
    let line =
        said.lines().map(str::trim).rfind(|line| !idle(line)).or_else(last).unwrap_or("it says nothing");
    line.strip_prefix("ssh: ").or_else(|| line.strip_prefix("sudo: ")).unwrap_or(line)
}

/// The name in those of ssh's words that have one, where they are about a login or a host key.
fn culprit(said: &str) -> Option<&str> {
    said.lines().find_map(|line| {
        let name = line
            .split_once(": Permission denied (")
            .or_else(|| line.strip_prefix("Host key for ")?.split_once(" has changed"))
            .or_else(|| line.split_once(" host key is known for ")?.1.split_once(" and you"));
        name.map(|(name, _)| name.trim())
    })
}

/// Whether a host that is busy with the logins of others has turned this one away (`MaxStartups` of sshd), so that it
/// is worth trying again.
pub(super) fn is_busy(said: &str) -> bool {
    let turned_away = ["Connection closed by remote host", "Connection reset by peer"];
    let on_the_way = ["connect to host", "Could not resolve hostname", "open failed"];
    if on_the_way.iter().any(|text| said.contains(text)) {
        // The same words, because there was no connection on to the host.
        return false;
    }
    said.lines().any(|line| match line.strip_prefix("kex_exchange_identification: ") {
        Some(why) => turned_away.iter().any(|text| why.contains(text)),
        // Whatever stands in between has ended before it read anything.
        None => line.contains(BEYOND_PROXY) && line.ends_with("Broken pipe"),
    })
}

/// What ssh's English amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    HostKey,
    Auth,
    Unreachable,
    Other,
}

impl Meaning {
    /// From the texts of OpenSSH's `sshconnect.c`, `sshconnect2.c`, `packet.c`, `kex.c` and `misc.c`.
    fn of(said: &str) -> Self {
        const HOST_KEY: &[&str] = &[
            "REMOTE HOST IDENTIFICATION HAS CHANGED",
            "Host key verification failed",
            "REVOKED HOST KEY",
            "host key is known for",
        ];
        const AUTH: &[&str] = &[
            "Permission denied (",
            "Too many authentication failures",
            "No supported authentication methods available",
            "no more authentication methods",
        ];
        const UNREACHABLE: &[&str] = &[
            "Could not resolve hostname",
            "connect to host",
            "connect to address",
            "kex_exchange_identification",
            "ssh_exchange_identification",
            "banner exchange",
            "Connection refused",
            "Connection timed out",
            "Connection closed by",
            "Connection reset by",
            "Connection to",
            "Connection closed",
            "Connection reset",
            "Connection corrupted",
            "Broken pipe",
            "No route to host",
            "Network is unreachable",
            "not responding",
            "Received disconnect from",
            "Disconnected from",
            "open failed: connect failed",
            "stdio forwarding failed",
            "Not allowed at this time",
            "no answer",
        ];
        let says = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
        // In this order: a connection that ends for one of the first reasons is "closed" as well.
        if says(HOST_KEY) {
            Self::HostKey
        } else if says(AUTH) {
            Self::Auth
        } else if says(UNREACHABLE) {
            Self::Unreachable
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests;
