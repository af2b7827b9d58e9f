//! The host's name: in a file of its own, live, and as a line among others' in `/etc/hosts`.

#[cfg(test)]
mod tests;

use paracrine_model::hash::Hash;
use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::Failure;
use paracrine_model::resource::hostname::{HOSTS, Hostname, STATIC};

use crate::manage::{Comparison, Manage, Turn};
use crate::world::World;
use crate::world::paths::{Attributes, PathKind, PathState};

/// The address that Debian gives a host's own name, unlike 127.0.0.1, which is `localhost`.
const OWN: &str = "127.0.1.1";

/// More than anybody's list of hosts.
const LIMIT: u64 = 16 * 1024 * 1024;

/// What is known of the host's name.
#[derive(Debug)]
pub struct State {
    /// The file that names it when it starts.
    named: Seen,
    /// What the running system calls itself; `None` where nothing runs.
    live: Option<String>,
    hosts: Seen,
}

/// A file that is there, or nothing.
#[derive(Debug)]
struct Seen {
    path: AbsolutePath,
    at: PathState,
    /// `None` for what this check has predicted: only tasks of this resource can decide about these files.
    content: Option<Vec<u8>>,
    /// To replacing it.
    obstacle: Option<Failure>,
}

impl Manage for Hostname {
    type State = State;

    fn observe(&self, _turn: &Turn<'_>, world: &mut World) -> Result<State, Failure> {
        Ok(State { named: see(STATIC, world)?, live: world.live_hostname(), hosts: see(HOSTS, world)? })
    }

    fn compare(&self, state: &State, _turn: &Turn<'_>, _world: &World) -> Result<Comparison, Failure> {
        let mut comparison = Comparison::equal();
        let name = self.as_str();
        if let Some(content) = &state.named.content {
            comparison.attribute("at boot", named(content).as_deref(), name);
        }
        let mut obstacle = state.named.obstacle.as_ref().filter(|_| !comparison.is_equal());
        if let Some(live) = &state.live {
            comparison.attribute("live", Some(live), name);
        }
        if new_hosts(self, state).is_some() {
            let old = state.hosts.content.as_deref().unwrap_or_default();
            let own: Vec<_> = own_lines(old).map(|line| words(line).join(" ")).collect();
            let before = Some(own.join(", ")).filter(|own| !own.is_empty());
            comparison.attribute(HOSTS, before.as_deref(), &own_line(self).replace('\t', " "));
            obstacle = obstacle.or(state.hosts.obstacle.as_ref());
        }
        obstacle.cloned().map_or(Ok(comparison), Err)
    }

    fn apply(&self, state: &State, _turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
        // First, so that the new name has an address from the moment on at which anybody asks for it.
        if let Some(hosts) = new_hosts(self, state) {
            replace(&state.hosts, &hosts, world)?;
        }
        let name = self.as_str();
        let content = state.named.content.as_ref();
        if content.is_some_and(|content| named(content).as_deref() != Some(name)) {
            replace(&state.named, format!("{name}\n").as_bytes(), world)?;
        }
        match &state.live {
            Some(live) if live != name => world.set_live_hostname(name),
            _ => Ok(()),
        }
    }

    fn predict(&self, state: &State, world: &mut World) {
        let hosts = new_hosts(self, state).or_else(|| state.hosts.content.clone()).unwrap_or_default();
        for (seen, content) in
            [(&state.hosts, hosts), (&state.named, format!("{}\n", self.as_str()).into_bytes())]
        {
            let kind = PathKind::File { length: content.len() as u64, predicted: Some(Hash::of(&content)) };
            let made = match seen.at.kind {
                PathKind::Missing => PathState::made(kind, "root", "root", 0o644),
                _ => PathState::made(kind, &seen.at.owner, &seen.at.group, seen.at.mode),
            };
            world.predict_path(&seen.path, made);
        }
    }
}

/// The line of the host's own address.
fn own_line(hostname: &Hostname) -> String {
    format!("{OWN}\t{}", hostname.names().collect::<Vec<_>>().join(" "))
}

/// What should be in `/etc/hosts`; `None` if it is.
fn new_hosts(hostname: &Hostname, state: &State) -> Option<Vec<u8>> {
    let old = state.hosts.content.as_ref()?;
    let line = own_line(hostname);
    let is: Vec<_> = own_lines(old).collect();
    match is.as_slice() {
        [one] if words(one) == words(line.as_bytes()) => None,
        _ => Some(with_own_line(old, line.as_bytes())),
    }
}

fn see(path: &str, world: &mut World) -> Result<Seen, Failure> {
    let path = AbsolutePath::parse(path).map_err(|why| Failure::new(format!("{path} {why}")))?;
    let at = world.path_state(&path)?;
    let content = match &at.kind {
        PathKind::Missing => Some(Vec::new()),
        PathKind::File { length, .. } if *length > LIMIT => {
            return Err(Failure::new(format!("{path} is too long to be changed: {length} bytes"))
                .help("shorten it by hand"));
        }
        PathKind::File { .. } => world.paths.read(&path, LIMIT)?,
        other => {
            let message = format!("{path} is a {}, not a file", other.describe());
            return Err(Failure::new(message).help("put a file there by hand, and declare the name again"));
        }
    };
    let obstacle = world.paths.obstacle(&path)?;
    Ok(Seen { path, at, content, obstacle })
}

/// Puts another content in its place, with the owner and mode that the old one has.
fn replace(seen: &Seen, content: &[u8], world: &mut World) -> Result<(), Failure> {
    let (uid, gid) = seen.at.ids.unwrap_or_default();
    let mode = if seen.at.kind == PathKind::Missing { 0o644 } else { seen.at.mode };
    let extended = world.paths.extended(&seen.path)?;
    let staged = world.paths.stage_file(&seen.path, content, Attributes { uid, gid, mode }, &extended)?;
    world.put(staged)
}

/// The name in `/etc/hostname`: its first line that is no comment (hostname(5)).
fn named(content: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(content);
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned)
}

/// The words of a line of `/etc/hosts` before a comment.
fn words(line: &[u8]) -> Vec<String> {
    let said = line.split(|byte| *byte == b'#').next().unwrap_or_default();
    String::from_utf8_lossy(said).split_whitespace().map(str::to_owned).collect()
}

fn is_own(line: &[u8]) -> bool {
    words(line).first().is_some_and(|address| address == OWN)
}

/// The lines of the host's own address: one, unless somebody wrote more.
fn own_lines(hosts: &[u8]) -> impl Iterator<Item = &[u8]> {
    hosts.split(|byte| *byte == b'\n').filter(|line| is_own(line))
}

/// The same hosts, byte by byte, but with this line for the own address: where the first of that was, or behind that of
/// `localhost`, or else at the end.
fn with_own_line(hosts: &[u8], own: &[u8]) -> Vec<u8> {
    if hosts.is_empty() {
        return [b"127.0.0.1\tlocalhost\n", own, b"\n"].concat();
    }
    let mut lines: Vec<&[u8]> = hosts.split_inclusive(|byte| *byte == b'\n').collect();
    let has_own = lines.iter().any(|line| is_own(line));
    let localhost =
        lines.iter().rposition(|line| words(line).first().is_some_and(|word| word == "127.0.0.1"));
    let line = [own, b"\n"].concat();
    let at = if has_own {
        lines.iter().position(|line| is_own(line)).unwrap_or_default()
    } else {
        localhost.map_or(lines.len(), |at| at + 1)
    };
    let rest = lines.split_off(at);
    let mut new: Vec<u8> = lines.concat();
    if !new.is_empty() && !new.ends_with(b"\n") {
        new.push(b'\n');
    }
    new.extend(line);
    new.extend(rest.into_iter().filter(|line| !is_own(line)).flatten());
    new
}
