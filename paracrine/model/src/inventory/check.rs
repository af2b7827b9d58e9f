//! What values of a server may be.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Os, Server};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, nearest};
use crate::field::{Field, listed};
use crate::host::Arch;
use crate::public_key::{Flaw, KeyType};
use crate::source::Sources;

fn refuse(
    code: Code,
    message: String,
    field: &Field<impl Sized>,
    label: &str,
    help: impl Into<String>,
    diagnostics: &mut Diagnostics,
) -> bool {
    diagnostics.push(Diagnostic::error(code, message).at(field.place.clone(), label).help(help));
    false
}

/// Letters, digits, `-`, `_` and dots between them: a name that is also one of a file and of a known host.
pub(super) fn host_name(name: &Field<String>, diagnostics: &mut Diagnostics) -> bool {
    if is_name(&name.value) && name.value.len() <= 253 {
        return true;
    }
    let message = format!("`{}` is not a host name", name.value);
    let help = "a name has letters, digits, `-`, `_` and `.`, and begins with a letter or digit";
    refuse(Code::HOST_NAME, message, name, "not a host name", help, diagnostics)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        })
}

/// A name, one of `~/.ssh/config`, or an IP address.
pub(super) fn address(address: &Field<String>, diagnostics: &mut Diagnostics) -> bool {
    let text = address.value.as_str();
    let Some(why) = address_trouble(text) else {
        return true;
    };
    let message = format!("`{text}` is not an address");
    refuse(Code::BAD_ADDRESS, message, address, "not an address", why, diagnostics)
}

/// Why a text is no address; `None`: it is one.
fn address_trouble(text: &str) -> Option<String> {
    if text.parse::<IpAddr>().is_ok() {
        return None;
    }
    if let Some((ip, zone)) = text.split_once('%')
        && ip.parse::<Ipv6Addr>().is_ok()
    {
        let good = !zone.is_empty()
            && zone.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        return (!good).then(|| "the zone after `%` is the name of a network interface".to_owned());
    }
    if let Some((user, host)) = text.split_once('@') {
        return Some(format!("write `ssh_hostname: {host}` and `ssh_user: {user}`"));
    }
    if let Some(bare) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Some(format!("write an IPv6 address without brackets: `{bare}`"));
    }
    if let Some((host, port)) = text.rsplit_once(':')
        && port.parse::<u16>().is_ok()
        && !host.contains(':')
    {
        return Some(format!("write `ssh_hostname: {host}` and `ssh_port: {port}`"));
    }
    if text.contains("://") {
        return Some("write only the name or address of the host, without `://`".to_owned());
    }
    if text.contains(':') {
        return Some("this is not a valid IPv6 address".to_owned());
    }
    if text.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Some("an IPv4 address has four numbers from 0 to 255".to_owned());
    }
    let last = text.rsplit('.').next().unwrap_or_default();
    if text.contains('.') && last.chars().all(|c| c.is_ascii_digit()) && !last.is_empty() {
        return Some(
            "an IPv4 address has four numbers from 0 to 255; a name does not end in a number".to_owned(),
        );
    }
    let good = is_name(text) && text.len() <= 253;
    (!good)
        .then(|| "a name has letters, digits, `-`, `_` and `.`, and begins with a letter or digit".to_owned())
}

/// `[user@]host[:port]`, as `ssh -J` takes it.
pub(crate) fn is_jump_address(text: &str) -> bool {
    let (user, rest) = match text.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, text),
    };
    let (host, port) = match rest.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, port)) => match port.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None => return false,
            },
            None => return false,
        },
        None => match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        },
    };
    user.is_none_or(is_user)
        && address_trouble(host).is_none()
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0))
}

pub(super) fn port(port: Field<i64>, diagnostics: &mut Diagnostics) -> Option<Field<u16>> {
    match u16::try_from(port.value) {
        Ok(value) if value != 0 => Some(Field { value, place: port.place }),
        _ => {
            let message = format!("{} is not a port", port.value);
            refuse(
                Code::BAD_PORT,
                message,
                &port,
                "not a port",
                "a port is a number from 1 to 65535",
                diagnostics,
            );
            None
        }
    }
}

fn is_user(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 256
        && !text.starts_with('-')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '\\' | '+' | '$'))
}

pub(super) fn user(user: &Field<String>, diagnostics: &mut Diagnostics) -> bool {
    if is_user(&user.value) {
        return true;
    }
    let message = format!("`{}` is not a user name", user.value);
    let help = "a user name has letters, digits, `_`, `-` and `.`, and does not begin with `-`";
    refuse(Code::BAD_USER, message, user, "not a user name", help, diagnostics)
}

/// Users with a host behind an `@`, as one types them: directories of accounts have such names, but none for a host.
pub(super) fn users(servers: &[Server], diagnostics: &mut Diagnostics) {
    let is_host = |name: &str| {
        let named = |server: &Server| server.name.value == name || server.ssh_hostname.value == name;
        name.parse::<IpAddr>().is_ok() || servers.iter().any(named)
    };
    for user in servers.iter().filter_map(|server| server.ssh_user.as_ref()) {
        if let Some((bare, host)) = user.value.rsplit_once('@')
            && is_host(host)
        {
            let message = format!("`{}` names a host besides the user", user.value);
            let help = format!("write `ssh_user: {bare}`; the host is `ssh_hostname`");
            refuse(Code::BAD_USER, message, user, "not a user name", help, diagnostics);
        }
    }
}

pub(super) fn ip(ip: &Field<String>, diagnostics: &mut Diagnostics) -> Option<Field<IpAddr>> {
    let text = ip.value.as_str();
    let help = match text.parse::<IpAddr>() {
        Ok(value) if usable(value) => {
            return Some(Field { value, place: ip.place.clone() });
        }
        Ok(_) => "a host's address is not unspecified, multicast or broadcast".to_owned(),
        Err(_) => match text.split_once('/') {
            Some((bare, _)) => format!("write the address without its prefix: `{bare}`"),
            None => "write one such as `10.0.0.1` or `fd00::1`".to_owned(),
        },
    };
    let message = format!("`{text}` is not an IP address of a host");
    refuse(Code::BAD_ADDRESS, message, ip, "not an IP address", help, diagnostics);
    None
}

fn usable(ip: IpAddr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast() && ip != IpAddr::V4(Ipv4Addr::BROADCAST)
}

pub(super) fn role(role: &Field<String>, diagnostics: &mut Diagnostics) -> bool {
    let mut chars = role.value.chars();
    let good = chars.next().is_some_and(|c| c.is_ascii_lowercase())
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'));
    if good {
        return true;
    }
    let message = format!("`{}` is not the name of a role", role.value);
    let help =
        "a role has lower-case letters, digits, `-` and `_`, and begins with a letter: `[web, db-replica]`";
    refuse(Code::BAD_ROLE, message, role, "not a role", help, diagnostics)
}

pub(super) fn arch(arch: &Field<String>, diagnostics: &mut Diagnostics) -> Option<Arch> {
    let known = ["x86_64", "aarch64", "amd64", "arm64"];
    let parsed = Arch::parse(&arch.value);
    if parsed.is_none() {
        platform("arch", arch, &known, diagnostics);
    }
    parsed
}

pub(super) fn os(os: &Field<String>, diagnostics: &mut Diagnostics) -> Option<Os> {
    let parsed = Os::parse(&os.value);
    if parsed.is_none() {
        platform("os", os, &Os::ALL.map(Os::name), diagnostics);
    }
    parsed
}

fn platform(key: &str, field: &Field<String>, known: &[&str], diagnostics: &mut Diagnostics) {
    let help = match nearest(&field.value, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("Paracrine knows {}", listed(known)),
    };
    let message = format!("unknown {key} `{}`", field.value);
    refuse(Code::PLATFORM, message, field, "not known", help, diagnostics);
}

/// The types of hosts' keys.
const KEY_TYPES: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// `type base64`, without the comment that may follow.
pub(super) fn host_key(key: Field<String>, diagnostics: &mut Diagnostics) -> Option<Field<String>> {
    let mut words = key.value.split_whitespace();
    let (kind, body) = (words.next().unwrap_or_default(), words.next());
    let trouble = match body {
        _ if !KEY_TYPES.contains(&kind) => match nearest(kind, KEY_TYPES) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "write the type before the key, as `ssh-keyscan` prints them: `ssh-ed25519 AAAA…`".to_owned()
            }
        },
        None => format!("write the key after `{kind}`, as `ssh-keyscan` prints it"),
        Some(body) => match KeyType::named(kind).map(|of| of.read(body)) {
            Some(Ok(_)) => return Some(Field { value: format!("{kind} {body}"), place: key.place }),
            Some(Err(Flaw::NotBase64)) => {
                "the key after its type is not base64; copy it again, whole".to_owned()
            }
            _ => format!("the key is cut off, or not of type `{kind}`; copy the line again, whole"),
        },
    };
    refuse(Code::HOST_KEY, "not a public host key".to_owned(), &key, "malformed", trouble, diagnostics);
    None
}

/// A path as it is meant in a folder beside a file; `.` and `..` in the middle are worked out.
pub(super) fn beside(file: &str, path: &str) -> String {
    if path.starts_with('/') || path.starts_with('~') {
        return path.to_owned();
    }
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let joined = format!("{folder}/{path}");
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let root = if folder.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

/// The private keys of one inventory: found once each, warned of once each.
pub(super) struct Keys<'a> {
    data: &'a str,
    found: HashMap<String, String>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(data: &'a str) -> Self {
        Self { data, found: HashMap::new() }
    }

    /// The server with its key's path worked out. That a key is not there is no error: it may be on the machine that
    /// deploys only.
    pub(super) fn locate(
        &mut self,
        mut server: Server,
        sources: &mut Sources<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Server {
        if let Some(key) = &mut server.ssh_key {
            let path = match self.found.get(&key.value) {
                Some(path) => path.clone(),
                None => {
                    let path = self.path(&key.value);
                    self.found.insert(key.value.clone(), path.clone());
                    inspect(key, &path, sources, diagnostics);
                    path
                }
            };
            key.value = path;
        }
        server
    }

    fn path(&self, key: &str) -> String {
        if key.starts_with('/') || key.starts_with("~/") {
            return key.to_owned();
        }
        let configs =
            if self.data.is_empty() { "configs".to_owned() } else { format!("{}/configs", self.data) };
        beside(&format!("{configs}/_"), key)
    }
}

fn inspect(key: &Field<String>, path: &str, sources: &mut Sources<'_>, diagnostics: &mut Diagnostics) {
    let warn = |message: String, label: &str, help: String| {
        Diagnostic::warning(Code::SSH_KEY, message).at(key.place.clone(), label).help(help)
    };
    let name = &key.value;
    let warning = match sources.metadata(path) {
        None => warn(
            format!("there is no ssh key `{name}`"),
            "not there",
            format!("put it at `{path}`; on the machine that deploys it has to be there"),
        ),
        Some(metadata) if !metadata.is_file => {
            warn(format!("ssh key `{name}` is not a file"), "not a file", format!("look at `{path}`"))
        }
        Some(metadata) if metadata.mode.is_some_and(|mode| mode & 0o077 != 0) => {
            let mode = metadata.mode.unwrap_or_default() & 0o7777;
            let message = format!("ssh key `{name}` is open to others (mode {mode:04o})");
            warn(message, "ssh refuses such keys", format!("close it: `chmod 600 {path}`"))
        }
        Some(metadata) if !metadata.readable => warn(
            format!("ssh key `{name}` cannot be read"),
            "unreadable",
            format!("look at the owner and mode of `{path}`"),
        ),
        Some(_) => return,
    };
    diagnostics.push(warning);
}
