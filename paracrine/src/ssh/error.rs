//! Why there is no connection, or none any more.

use std::fmt;
use std::path::PathBuf;

use paracrine_model::host::{Address, Arch};
use paracrine_model::protocol::{Failure, FrameError};

use crate::kept_connections::SocketDirectory;
use crate::known_hosts::{self, Offending};
use crate::relay;

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
    /// Something answers that is no SSH.
    NotSsh {
        /// `deploy@web1.example.org port 2222`
        host: String,
        /// What it sent first, where that is known.
        sent: Option<String>,
        /// The inventory with the host's address.
        inventory: String,
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
    /// The login's own start-up files keep an agent from starting.
    Login {
        /// In what way.
        message: String,
        /// What the login printed.
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

    /// Whether there was no host at the other end, or no network that leads to it, as against: somebody answered, and then
    /// something went wrong. Pipelines tolerate the first, as it passes; a refused login or another host key does not.
    pub fn unreachable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::AuthFailed { .. }
            | Self::HostKeyChanged { .. }
            | Self::NotSsh { .. }
            | Self::Ssh { .. }
            | Self::Local { .. }
            | Self::Sudo { .. }
            | Self::Architecture { .. }
            | Self::NoPlace { .. }
            | Self::NotOurs { .. }
            | Self::Login { .. }
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
            Meaning::HostKey => {
                let known = known_hosts::offending(&said);
                // Keys of jump hosts are never pinned.
                let of_pin = known.as_ref().is_none_or(|known| SocketDirectory::is_file_of_ours(&known.file));
                let pinned = address.host_key.is_some() && of_pin;
                let pinned = pinned.then(|| address.inventory.clone());
                Self::HostKeyChanged { known, pinned, host, said }
            }
            Meaning::Auth => Self::AuthFailed { host, key, said },
            Meaning::NotSsh => {
                Self::NotSsh { host, sent: relay::first_bytes(&said), inventory: address.inventory.clone() }
            }
            Meaning::Unreachable => Self::Unreachable { host, said },
            Meaning::Other => Self::Ssh { host, said },
        }
    }

    /// Whether it is about the host's key.
    pub(super) fn is_of_host_key(&self) -> bool {
        matches!(self, Self::HostKeyChanged { .. })
    }

    /// As reports show it: a line, what was said, what to do next.
    pub fn failure(&self) -> Failure {
        let failure = Failure::new(self.to_string());
        match self {
            Self::Unreachable { said, .. } | Self::Ssh { said, .. } => failure.output(told(said)),
            Self::AuthFailed { key, said, .. } => {
                failure.output(told(said)).help(auth_help(key.as_ref(), said))
            }
            Self::HostKeyChanged { known, pinned, said, .. } => {
                // What ssh says of a pin is how to change a file that we have made for it.
                let output = if pinned.is_some() { String::new() } else { told(said) };
                failure.output(output).help(host_key_help(known.as_ref(), pinned.as_deref()))
            }
            Self::NotSsh { inventory, .. } => {
                failure.help(format!("see whether `ssh_hostname` and `ssh_port` in {inventory} are right"))
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
            Self::Login { said, .. } => failure.output(said.as_str()).help(
                "where there is no terminal, the login shell has to run what it is given: neither ask nor wait in its \
                 start-up files (`case $- in *i*) ;; *) return ;; esac` ends them early)",
            ),
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
            Self::NotSsh { host, sent: Some(sent), .. } => {
                write!(f, "{host} does not speak SSH: it sent {sent}")
            }
            Self::NotSsh { host, sent: None, .. } => write!(f, "{host} does not speak SSH"),
            Self::Ssh { host, said } => write!(f, "ssh cannot connect to {host}: {}", gist(said)),
            Self::Local { message, .. } => f.write_str(message),
            Self::Sudo { host, said } if said.is_empty() => {
                write!(f, "{host} is not root there, and there is no sudo")
            }
            Self::Sudo { host, said } if wants_terminal(said) => {
                write!(f, "sudo wants a terminal for {host} (`requiretty`), and there is none in a run")
            }
            Self::Sudo { host, said } if wants_password(said) => {
                write!(f, "sudo needs a password for {host}")
            }
            Self::Sudo { host, said } => write!(f, "sudo does not let {host} become root: {}", gist(said)),
            Self::Architecture { found, expected, inventory, .. } => {
                write!(f, "the host is {found}, but its `arch` in {inventory} is {expected}")
            }
            Self::NoPlace { reasons } => write!(f, "the host has no place for the agent: {reasons}"),
            Self::NotOurs { message, .. } | Self::Login { message, .. } | Self::Lost { message, .. } => {
                f.write_str(message)
            }
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
    } else if wants_terminal(said) {
        "take `requiretty` back for that user (`Defaults:USER !requiretty` in /etc/sudoers.d), or log in as root \
         (`ssh_user: root` in the inventory)"
    } else {
        "let that user run everything without a password (`USER ALL=(ALL) NOPASSWD: ALL` in /etc/sudoers.d), or log \
         in as root (`ssh_user: root` in the inventory)"
    }
}

/// Whether these are words of sudo, which says no in several ways.
pub(crate) fn is_of_sudo(said: &str) -> bool {
    said.lines().any(|line| {
        line.starts_with("sudo: ")
            || line.starts_with("Sorry, user ")
            || line.contains("is not in the sudoers file")
            || line.contains("may not run sudo on")
    })
}

fn wants_terminal(said: &str) -> bool {
    said.contains("must have a tty")
}

fn wants_password(said: &str) -> bool {
    said.contains("password is required") || said.contains("a terminal is required to read the password")
}

/// What ssh calls the other end where a relay, a jump or a proxy of the user's stands in between.
const BEYOND_PROXY: &str = "UNKNOWN port 65535";

/// ssh's words as people can read them.
fn told(said: &str) -> String {
    let lines = said.lines().filter(|line| !line.starts_with(relay::FIRST_BYTES));
    lines.map(|line| line.replace(BEYOND_PROXY, "the host")).collect::<Vec<_>>().join("\n")
}

/// The line of ssh's words that says most: the last one that is not mere politeness. Where there is only what the end of a
/// relay or jump looks like from here, what that means.
fn gist(said: &str) -> String {
    // Which has told its reasons before.
    const AFTERMATH: [&str; 2] = ["kex_exchange_identification: ", "stdio forwarding failed"];
    let on_the_way = said.contains(BEYOND_PROXY);
    let idle = |line: &str| {
        line.is_empty()
            || line.starts_with("Warning: Permanently added")
            || line.starts_with(relay::FIRST_BYTES)
            || (on_the_way && AFTERMATH.iter().any(|text| line.starts_with(text)))
    };
    let lines = || said.lines().map(str::trim);
    let line = lines().rfind(|line| !idle(line) && !line.contains(BEYOND_PROXY));
    let Some(line) = line.filter(|line| !(on_the_way && line.ends_with("during banner exchange"))) else {
        return match lines().rfind(|line| !idle(line)) {
            Some(line) => beyond(said, line),
            None => lines().rfind(|line| !line.is_empty()).unwrap_or("it says nothing").to_owned(),
        };
    };
    line.strip_prefix("ssh: ").or_else(|| line.strip_prefix("sudo: ")).unwrap_or(line).to_owned()
}

/// What a line of ssh's means that knows no name for the other end.
fn beyond(said: &str, line: &str) -> String {
    let during = if said.contains("kex_exchange_identification") || said.contains("banner exchange") {
        "during the key exchange"
    } else {
        "before the login was done"
    };
    if said.contains("timed out during banner exchange") {
        "it does not answer: no SSH greeting came in time".to_owned()
    } else if line.contains("timed out") || line.contains("not responding") {
        format!("it stopped answering {during}")
    } else if line.starts_with("Connection closed by") {
        format!("it closed the connection {during}")
    } else if line.starts_with("Connection reset by") || line.ends_with("Broken pipe") {
        format!("it broke the connection off {during}")
    } else {
        line.replace(BEYOND_PROXY, "the host")
    }
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
    if let Some(sent) = relay::first_bytes(said) {
        return is_turned_away(&sent);
    }
    said.lines().any(|line| match line.strip_prefix("kex_exchange_identification: ") {
        Some(why) => turned_away.iter().any(|text| why.contains(text)),
        // Whatever stands in between has ended before it read anything.
        None => line.contains(BEYOND_PROXY) && line.ends_with("Broken pipe"),
    })
}

/// Whether this is what sshd sends in place of a greeting to those whom it has no time for.
fn is_turned_away(sent: &str) -> bool {
    ["Exceeded MaxStartups", "Not allowed at this time"].iter().any(|text| sent.contains(text))
}

/// What ssh's English amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    HostKey,
    Auth,
    NotSsh,
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
        const NOT_SSH: &[&str] = &["banner line contains invalid characters", ": invalid format"];
        // Somebody is there and says no, or what is to lead there does not work here.
        const OTHER: &[&str] = &["administratively prohibited", ": not found\n"];
        const UNREACHABLE: &[&str] = &[
            "Could not resolve hostname",
            "connect to host",
            "connect to address",
            "kex_exchange_identification",
            "ssh_exchange_identification",
            "banner exchange",
            "Connection refused",
            "Connection reset by",
            "Connection reset",
            "Broken pipe",
            "No route to host",
            "Network is unreachable",
            "timed out",
            "not responding",
            "open failed: connect failed",
            "stdio forwarding failed",
            "no answer",
        ];
        let says = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
        let sent = relay::first_bytes(said);
        // In this order: a connection that ends for one of the first reasons is "closed" as well.
        if says(HOST_KEY) {
            Self::HostKey
        } else if says(AUTH) {
            Self::Auth
        } else if says(NOT_SSH) || sent.is_some_and(|sent| !is_turned_away(&sent)) {
            Self::NotSsh
        } else if says(OTHER) {
            Self::Other
        } else if says(UNREACHABLE) {
            Self::Unreachable
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests;
