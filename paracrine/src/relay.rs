//! The deploy binary as its own relay: between `ssh` and the network, acknowledging at once.
//!
//! Half the time of a login on a near network is spent waiting for acknowledgements: `ssh` and `sshd` leave Nagle's
//! algorithm on while they agree on keys, and the other end delays each acknowledgement by 40 ms. A process in between
//! can do what `ssh` cannot be told to do: send small packets at once (`TCP_NODELAY`) and acknowledge what arrives at
//! once (`TCP_QUICKACK`, which lasts until the next read).
//!
//! It stands at the end of a config that first includes the user's own. The first value of an option counts, so hosts
//! with a `ProxyCommand` or `ProxyJump` of the user's keep theirs.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::account;

/// The first argument of a deploy binary that is to relay.
const WORD: &str = "paracrine-relay";
/// In the environment: the deploy binary.
pub(crate) const PROGRAM: &str = "PARACRINE_RELAY";
/// In the environment: where errors are written, because ssh lets nobody see what a `ProxyCommand` says.
pub(crate) const LOG: &str = "PARACRINE_RELAY_LOG";
/// In the environment: how many milliseconds connecting may take.
pub(crate) const LIMIT: &str = "PARACRINE_RELAY_LIMIT";

/// How the line of the log begins that shows what came from a host in place of SSH's greeting.
pub(crate) const FIRST_BYTES: &str = "paracrine-relay: the host sent ";
/// The line that takes it back: a greeting came after all.
const GREETING: &str = "paracrine-relay: the host greets";
/// So much of what came first is looked at, and so much shown.
const LOOKED_AT: usize = 8 * 1024;
const SHOWN: usize = 80;

/// What came from the host in place of SSH's greeting, out of what the relay and ssh have said.
pub(crate) fn first_bytes(said: &str) -> Option<String> {
    let sent = said.lines().rev().find_map(|line| line.strip_prefix(FIRST_BYTES))?;
    (!said.lines().any(|line| line == GREETING)).then(|| sent.to_owned())
}

/// A config that has the relay at its end, after the one that is wanted, or the user's and the system's; `None` if one
/// of them binds connections to an address or a family of addresses, which a relay would not know of.
pub(crate) fn config(wanted: Option<&Path>) -> Option<String> {
    let home = account::home()?.join(".ssh");
    let included = match wanted {
        Some(file) => vec![file.to_owned()],
        None => vec![home.join("config"), PathBuf::from("/etc/ssh/ssh_config")],
    };
    let mut config = String::new();
    for file in included {
        let plain = file.to_str().filter(|path| !is_special(path) && !path.contains(['"', '\n']))?;
        // ssh takes a config from everybody, but includes only what nobody else can write to.
        let writable = |file: &Path| fs::metadata(file).is_ok_and(|found| found.mode() & 0o022 != 0);
        if writable(&file) || !is_free(&file, &home, 0) {
            return None;
        }
        config.push_str(&format!("Include \"{plain}\"\n"));
    }
    Some(config + &format!("Host *\nProxyCommand \"${PROGRAM}\" {WORD} '%h' %p\n"))
}

/// This process as a program that can be started again; for root also when its file has been replaced since. Others may not
/// look into a process that leaves no core.
pub fn this_program() -> Option<PathBuf> {
    let program = env::current_exe().ok()?;
    if program.is_file() {
        return Some(program);
    }
    let running = || PathBuf::from(format!("/proc/{}/exe", std::process::id()));
    (account::uid() == 0).then(running).filter(|running| running.exists())
}

/// Relays, if that is what this process was started for, and returns when the connection is over.
pub fn if_asked_for(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()? != WORD {
        return None;
    }
    let (host, port) = (arguments.next()?.into_string().ok()?, arguments.next()?.into_string().ok()?);
    let limit = env::var(LIMIT).ok().and_then(|limit| limit.parse().ok()).unwrap_or(10_000);
    let socket = match connect(&host, &port, Duration::from_millis(limit)) {
        Ok(socket) => socket,
        Err(said) => {
            note(&said);
            return Some(ExitCode::FAILURE);
        }
    };
    let from_ssh = io::stdin().as_fd().try_clone_to_owned().map(File::from);
    let to_ssh = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let relayed = from_ssh.and_then(|from_ssh| relay(socket, from_ssh, to_ssh?));
    Some(if relayed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes a line where the run finds it.
fn note(line: &str) {
    if let Some(log) = env::var_os(LOG) {
        let log = OpenOptions::new().append(true).create(true).open(log);
        let _ = log.and_then(|mut log| writeln!(log, "{line}"));
    }
}

/// Looks whether what a host sends begins with SSH's greeting. Told at once, as ssh ends the relay without a word.
#[derive(Default)]
struct Beginning {
    bytes: Vec<u8>,
    told: bool,
    over: bool,
}

impl Beginning {
    /// Something came; a line for the log where there is something to tell.
    fn heard(&mut self, piece: &[u8]) -> Option<String> {
        if self.over {
            return None;
        }
        let room = LOOKED_AT - self.bytes.len();
        self.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        let greets = self.bytes.starts_with(b"SSH-") || self.bytes.windows(5).any(|five| five == b"\nSSH-");
        self.over = greets || self.bytes.len() >= LOOKED_AT;
        if greets {
            return self.told.then(|| GREETING.to_owned());
        }
        if self.told || (self.bytes.len() < 4 && b"SSH-".starts_with(&self.bytes)) {
            return None;
        }
        self.told = true;
        let shown = self.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let shown = String::from_utf8_lossy(&shown[..shown.len().min(SHOWN)]).trim_end().to_owned();
        Some(format!("{FIRST_BYTES}{shown:?}"))
    }
}

/// Tries all addresses of the host in turn, as ssh does; errors are in its words.
fn connect(host: &str, port: &str, limit: Duration) -> Result<TcpStream, String> {
    let until = Instant::now() + limit;
    let number = port.parse::<u16>().map_err(|error| format!("ssh: bad port {port}: {error}"))?;
    let addresses = (host, number)
        .to_socket_addrs()
        .map_err(|error| format!("ssh: Could not resolve hostname {host}: {error}"))?;
    let mut last = format!("ssh: Could not resolve hostname {host}: no address");
    for address in addresses {
        let left = until.saturating_duration_since(Instant::now());
        // Zero would be refused as a time limit.
        match TcpStream::connect_timeout(&address, left.max(Duration::from_millis(1))) {
            Ok(socket) => return Ok(socket),
            Err(error) => {
                let why = if error.kind() == io::ErrorKind::TimedOut {
                    "Connection timed out".to_owned()
                } else {
                    // Without Rust's ` (os error 111)`.
                    let why = error.to_string();
                    why.split(" (os error").next().unwrap_or_default().to_owned()
                };
                last = format!("ssh: connect to host {host} port {port}: {why}");
            }
        }
    }
    Err(last)
}

/// Until either end closes.
fn relay(socket: TcpStream, mut from_ssh: File, mut to_ssh: File) -> io::Result<()> {
    socket.set_nodelay(true)?;
    acknowledge_at_once(&socket);
    let mut to_host = socket.try_clone()?;
    let mut from_host = socket;
    std::thread::spawn(move || {
        let _ = copy(&mut from_ssh, &mut to_host, |_| {});
        // ssh has said all it had to say; it does not wait for an answer.
        let _ = to_host.shutdown(Shutdown::Both);
    });
    let socket = from_host.try_clone()?;
    let mut beginning = Beginning::default();
    copy(&mut from_host, &mut to_ssh, |piece| {
        acknowledge_at_once(&socket);
        if let Some(line) = beginning.heard(piece) {
            note(&line);
        }
    })
}

fn copy(from: &mut impl Read, to: &mut impl Write, mut on_each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        on_each(&piece[..length]);
        to.write_all(&piece[..length])?;
    }
}

/// Only a matter of speed: where it cannot be had, nothing is lost but that.
fn acknowledge_at_once(socket: &TcpStream) {
    #[cfg(target_os = "linux")]
    let _ = std::os::linux::net::TcpStreamExt::set_quickack(socket, true);
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
}

/// Whether a config, with all that it includes, leaves the choice of the connection's own end to the system.
fn is_free(file: &Path, home: &Path, depth: u8) -> bool {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return error.kind() == io::ErrorKind::NotFound,
    };
    text.lines().all(|line| {
        let (keyword, value) = line.trim().split_once([' ', '\t', '=']).unwrap_or((line.trim(), ""));
        match keyword.to_ascii_lowercase().as_str() {
            "bindaddress" | "bindinterface" | "addressfamily" => false,
            "include" if depth < 16 => value
                .split_whitespace()
                .map(|pattern| matching(pattern.trim_matches(['"', '=']), home))
                .all(|files| {
                    files.is_some_and(|files| files.iter().all(|file| is_free(file, home, depth + 1)))
                }),
            "include" => false,
            _ => true,
        }
    })
}

/// The files that an `Include` means; `None` for patterns that are beyond us.
fn matching(pattern: &str, home: &Path) -> Option<Vec<PathBuf>> {
    let path = match pattern.strip_prefix("~/") {
        Some(rest) => home.parent()?.join(rest),
        None => home.join(pattern),
    };
    let (directory, name) = (path.parent()?, path.file_name()?.to_str()?);
    if is_special(directory.to_str()?) {
        return None;
    }
    let Some((before, after)) = name.split_once('*') else {
        return (!is_special(name)).then(|| vec![path.clone()]);
    };
    if is_special(before) || is_special(after) {
        return None;
    }
    let Ok(entries) = fs::read_dir(directory) else {
        return Some(Vec::new());
    };
    let matches = |name: &str| {
        name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
    };
    let files = entries.flatten().filter(|entry| entry.file_name().to_str().is_none_or(matches));
    Some(files.map(|entry| entry.path()).collect())
}

fn is_special(text: &str) -> bool {
    text.contains(['*', '?', '[', '$', '%', '~', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::os::unix::net::UnixStream;

    #[test]
    fn both_directions_are_relayed_until_one_ends() {
        let host = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = host.local_addr().unwrap().port().to_string();
        let socket = connect("127.0.0.1", &port, Duration::from_secs(5)).unwrap();
        let (mut host, _) = host.accept().unwrap();
        let (mut ssh, end) = UnixStream::pair().unwrap();
        let end = std::os::fd::OwnedFd::from(end);
        let other = File::from(end.try_clone().unwrap());
        let relaying = std::thread::spawn(move || relay(socket, File::from(end), other));
        let large = vec![7; 1_000_000];
        let sent = large.clone();
        let mut writer = ssh.try_clone().unwrap();
        let writing = std::thread::spawn(move || writer.write_all(&sent).unwrap());
        let mut received = vec![0; large.len()];
        host.read_exact(&mut received).unwrap();
        writing.join().unwrap();
        assert!(received == large);
        host.write_all(b"answer").unwrap();
        let mut answer = [0; 6];
        ssh.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"answer");
        // ssh ends: so does the relay, though the host says nothing.
        ssh.shutdown(Shutdown::Write).unwrap();
        relaying.join().unwrap().unwrap();
        assert_eq!(host.read(&mut answer).unwrap(), 0);
    }

    #[test]
    fn what_goes_wrong_is_told_in_the_words_of_ssh() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let refused = connect("127.0.0.1", &free, Duration::from_secs(5)).unwrap_err();
        assert!(
            refused.starts_with(&format!("ssh: connect to host 127.0.0.1 port {free}: Connection refused")),
            "{refused}"
        );
        let unknown = connect("no such host", "22", Duration::from_secs(5)).unwrap_err();
        assert!(unknown.starts_with("ssh: Could not resolve hostname no such host: "), "{unknown}");
    }

    #[test]
    fn what_comes_in_place_of_a_greeting_is_noted() {
        let heard = |pieces: &[&str]| {
            let mut beginning = Beginning::default();
            pieces.iter().filter_map(|piece| beginning.heard(piece.as_bytes())).collect::<Vec<_>>().join("\n")
        };
        for greeting in [&["SSH-2.0-x\r\n"][..], &["S", "SH", "-2.0", "more"], &[]] {
            assert_eq!(heard(greeting), "", "{greeting:?}");
        }
        let http = heard(&["HTTP/1.1 400 Bad Request\r\nServer: x\r\n", "\r\n"]);
        assert_eq!(http, "paracrine-relay: the host sent \"HTTP/1.1 400 Bad Request\"");
        assert_eq!(first_bytes(&http).as_deref(), Some("\"HTTP/1.1 400 Bad Request\""));
        // Some hosts say something before they greet.
        let polite = heard(&["Welcome\r\n", "SSH-2.0-x\r\n"]);
        assert_eq!(first_bytes(&polite), None);
        let binary = heard(&["\u{1}\u{0}\u{1b}[2J\u{7f}"]);
        assert_eq!(first_bytes(&binary).as_deref(), Some(r#""\u{1}\0\u{1b}[2J\u{7f}""#));
        assert!(heard(&[&"x".repeat(9000)]).len() < 200);
    }

    #[test]
    fn only_the_word_makes_a_relay() {
        for arguments in [&["site"][..], &["site", "apply", "prod"], &["site", WORD], &["site", WORD, "host"]]
        {
            assert!(if_asked_for(arguments.iter().map(OsString::from)).is_none(), "{arguments:?}");
        }
    }

    #[test]
    fn the_relay_stands_behind_the_users_config() {
        let config = config(Some(Path::new("/etc/passwd"))).unwrap();
        assert_eq!(
            config,
            "Include \"/etc/passwd\"\nHost *\nProxyCommand \"$PARACRINE_RELAY\" paracrine-relay '%h' %p\n"
        );
        assert_eq!(super::config(Some(Path::new("/dev/null"))), None);
        assert_eq!(super::config(Some(Path::new("/a*"))), None);
    }

    #[test]
    fn configs_that_bind_connections_are_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(home.path().join(name), text).unwrap();
        let free = |text: &str| {
            write("config", text);
            is_free(&home.path().join("config"), home.path(), 0)
        };
        write("plain.conf", "Host a\n  User b\n");
        write("bound.conf", "Host a\n\tBindAddress=10.0.0.1\n");
        write("round.conf", "Include round.conf\n");
        assert!(is_free(&home.path().join("nothing there"), home.path(), 0));
        assert!(free("Host a\n  User b\n# AddressFamily inet6\n"));
        assert!(free("Include plain.conf\nInclude nothing*.there\nInclude nothing\n"));
        assert!(free(&format!("Include \"{}/p*.conf\"\n", home.path().display())));
        for bound in [
            "AddressFamily inet6",
            " bindinterface=eth0",
            "Include bound.conf",
            "Include plain.conf *.conf",
            "include *",
            "Include round.conf",
            "Include */x",
            "Include $HOME/x",
            "Include = bound.conf",
        ] {
            assert!(!free(bound), "{bound}");
        }
    }
}
