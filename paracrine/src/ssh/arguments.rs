//! The command line of ssh.

use std::path::Path;

use super::error::ConnectionError;
use super::jump::Jump;
use super::route::Route;
use crate::known_hosts::Trust;

/// What every ssh that we start is told, whatever the user's config says: no questions, no terminal, no forwarding,
/// errors in words, and `known_hosts` files that people can read and that parallel runs can append to.
const ALWAYS: &[&str] = &[
    "BatchMode=yes",
    "ConnectionAttempts=1",
    "LogLevel=INFO",
    "VisualHostKey=no",
    "AddKeysToAgent=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "Tunnel=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "Compression=no",
    "HashKnownHosts=no",
    // It would rewrite the whole file, and parallel runs would lose each other's lines.
    "UpdateHostKeys=no",
    // A host that starves for half a minute under its own upgrade must not lose the connection.
    "ServerAliveInterval=15",
    "ServerAliveCountMax=4",
];

/// The arguments of the ssh that connects and then serves as master on `socket`.
pub(super) fn master(route: &Route, socket: &Path, jump_log: &Path) -> Result<Vec<String>, ConnectionError> {
    let mut line = Line::default();
    line.word("-f").word("-N").word("-M");
    line.word("-S").word(plain(socket)?.replace('%', "%%"));
    common(&mut line, route)?;
    // The user's config may forward ports, for other purposes than ours. Not for jumps: it would clear their `-W`.
    line.option("ClearAllForwardings=yes");
    line.option(format!("ControlPersist={}s", route.persist.as_secs().max(1)));
    trust(&mut line, &route.trust, route.only_known.as_deref())?;
    if let Some(key) = &route.key {
        line.option("IdentitiesOnly=yes").option(format!("IdentityFile={}", path(key)?));
    }
    if let Some(port) = route.port {
        line.word("-p").word(port.to_string());
    }
    if let Some(user) = &route.user {
        line.word("-l").word(user);
    }
    if let Some(command) = proxy(route, &route.jump, jump_log)? {
        line.option(format!("ProxyCommand={command}"));
    }
    line.word("--").word(&route.host);
    Ok(line.0)
}

/// What both masters and jumps are told.
fn common(line: &mut Line, route: &Route) -> Result<(), ConnectionError> {
    let config = route.relay.as_ref().map(|relay| &relay.config).or(route.config.as_ref());
    if let Some(config) = config {
        line.word("-F").word(plain(config)?);
    }
    for option in ALWAYS {
        line.option(*option);
    }
    line.option(format!("ConnectTimeout={}", route.connect_timeout.as_secs().max(1)));
    Ok(())
}

fn trust(line: &mut Line, trust: &Trust, only_known: Option<&str>) -> Result<(), ConnectionError> {
    if let Some(algorithms) = only_known {
        line.option("StrictHostKeyChecking=yes");
        line.option(format!("HostKeyAlgorithms={algorithms}"));
    }
    match trust {
        Trust::Pinned { file } => {
            line.option("StrictHostKeyChecking=yes");
            line.option(format!("UserKnownHostsFile={}", path(file)?));
            line.option("GlobalKnownHostsFile=/dev/null");
            line.option("VerifyHostKeyDNS=no");
            line.option("CheckHostIP=no");
            line.option("NoHostAuthenticationForLocalhost=no");
        }
        Trust::FirstSeen { file } => {
            line.option("StrictHostKeyChecking=accept-new");
            // It would take any key of what calls itself localhost.
            line.option("NoHostAuthenticationForLocalhost=no");
            // New keys go to the first file; one that the user knows already must not be accepted as another.
            line.option(format!("UserKnownHostsFile={} ~/.ssh/known_hosts ~/.ssh/known_hosts2", path(file)?));
        }
    }
    Ok(())
}

/// The command that connects through `jumps`, outermost first; ssh's own `-J` would forget `BatchMode` and the
/// inventory's `known_hosts` on the way.
fn proxy(route: &Route, jumps: &[Jump], log: &Path) -> Result<Option<String>, ConnectionError> {
    let Some((last, before)) = jumps.split_last() else {
        return Ok(None);
    };
    let mut line = Line::default();
    line.word("-E").word(plain(log)?);
    common(&mut line, route)?;
    line.option("ControlMaster=no").option("ControlPath=none");
    trust(&mut line, &Trust::FirstSeen { file: route.known_hosts.clone() }, route.only_known.as_deref())?;
    if let Some(key) = &route.key {
        // Besides what the user's config offers there.
        line.option(format!("IdentityFile={}", path(key)?));
    }
    if let Some(port) = last.port {
        line.word("-p").word(port.to_string());
    }
    if let Some(user) = &last.user {
        line.word("-l").word(user);
    }
    if let Some(command) = proxy(route, before, log)? {
        line.option(format!("ProxyCommand={command}"));
    }
    // The ssh that runs this command expands percent signs once; `%h` and `%p` are meant for it.
    let words = line.0.iter().map(|word| quoted(&word.replace('%', "%%")));
    let words: Vec<String> = words.chain([format!("-W '[%h]:%p' -- {}", quoted(&last.host))]).collect();
    Ok(Some(format!("ssh {}", words.join(" "))))
}

#[derive(Default)]
struct Line(Vec<String>);

impl Line {
    fn word(&mut self, word: impl Into<String>) -> &mut Self {
        self.0.push(word.into());
        self
    }

    fn option(&mut self, option: impl Into<String>) -> &mut Self {
        self.word("-o").word(option)
    }
}

fn plain(path: &Path) -> Result<&str, ConnectionError> {
    let refuse =
        |why: &str| ConnectionError::local(format!("ssh cannot be told the path {}: {why}", path.display()));
    match path.to_str() {
        None => Err(refuse("it is not UTF-8")),
        Some(text) if text.contains(['\n', '\r', '\0']) => Err(refuse("it has a line break in it")),
        // OpenSSH would put an environment variable in its place, and knows no way to write it literally.
        Some(text) if text.contains("${") => Err(refuse("it has `${` in it")),
        Some(text) => Ok(text),
    }
}

/// A path as the value of an option.
fn path(path: &Path) -> Result<String, ConnectionError> {
    let text = plain(path)?.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    Ok(format!("\"{text}\""))
}

/// A word for the shell that runs a `ProxyCommand`.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_ssh() {
        assert_eq!(path(Path::new("/a b/100%/\"q\"\\")).unwrap(), r#""/a b/100%%/\"q\"\\""#);
        assert!(path(Path::new("/a/${HOME}")).is_err());
        assert!(path(Path::new("/a\nb")).is_err());
    }

    #[test]
    fn percent_signs_survive_every_ssh_on_the_way() {
        let mut route = Route::for_tests();
        route.known_hosts = "/100%/known_hosts".into();
        route.jump = ["one", "two"].iter().filter_map(|jump| Jump::parse(jump)).collect();
        let command = proxy(&route, &route.jump, Path::new("/log")).unwrap().unwrap();
        // As the target's ssh expands it …
        let expanded =
            command.replace("%%", "\0").replace("%h", "HOST").replace("%p", "22").replace('\0', "%");
        assert!(expanded.ends_with("-W '[HOST]:22' -- 'two'"), "{expanded}");
        // … it still holds the inner command as the jump's ssh is to expand it, with paths for a third expansion.
        assert!(expanded.contains("[%h]:%p"), "{expanded}");
        assert!(expanded.contains("\"/100%%/known_hosts\""), "{expanded}");
        assert!(expanded.contains("\"/100%%%%/known_hosts\""), "{expanded}");
    }
}
