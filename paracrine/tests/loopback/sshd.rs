//! A private sshd on 127.0.0.1, run by whoever runs the tests, with keys of its own; and hosts on it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use paracrine::remote_agent::{AgentBinary, ConnectionError, RemoteAgent, Settings, Target};
use paracrine_model::hash::Hash;
use paracrine_model::host::{Address, Arch};
use paracrine_model::protocol::{self, Deploy, Greeting, Message, Mode, Opening, Request, RunId};

pub(crate) const SSHD: &str = "/usr/sbin/sshd";

pub(crate) struct Sshd {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) port: u16,
    daemon: Child,
}

impl Sshd {
    pub(crate) fn start(more: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("pl").tempdir_in("/tmp").unwrap();
        let path = |name: &str| directory.path().join(name);
        for key in ["host_key", "user_key", "other_key"] {
            let status = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(path(key))
                .status();
            assert!(status.unwrap().success());
        }
        fs::copy(path("user_key.pub"), path("authorized_keys")).unwrap();
        fs::create_dir(path("home")).unwrap();
        fs::write(path("ssh_config"), "").unwrap();
        fs::set_permissions(path("ssh_config"), fs::Permissions::from_mode(0o600)).unwrap();
        // Only root's sshd wants it.
        let _ = fs::create_dir("/run/sshd");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen: String = (1..=12).map(|last| format!("ListenAddress 127.0.0.{last}\n")).collect();
        let config = format!(
            "Port {port}\n{listen}HostKey {0}/host_key\nAuthorizedKeysFile {0}/authorized_keys\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin yes\nMaxSessions 20\nPrintLastLog no\nSetEnv HOME={0}/home\nMaxStartups 100\n{more}\n",
            directory.path().display()
        );
        fs::write(path("sshd_config"), config).unwrap();
        let mut daemon = Command::new(SSHD)
            .args(["-D", "-e", "-f"])
            .arg(path("sshd_config"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(daemon.stderr.take().unwrap());
        let mut said = String::new();
        // One line for each address.
        for _ in 0..12 {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "sshd does not start: {said}");
            assert!(line.contains("Server listening"), "{line}");
            said.push_str(&line);
        }
        let mut file = fs::File::create(path("sshd_log")).unwrap();
        std::thread::spawn(move || std::io::copy(&mut log, &mut file));
        Self { directory, port, daemon }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// An executable script.
    pub(crate) fn program(&self, script: &str) -> PathBuf {
        let path = self.path("program");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    pub(crate) fn host(&self) -> Host<'_> {
        let address = Address {
            name: "web1".into(),
            ssh_hostname: "127.0.0.1".into(),
            ssh_port: Some(self.port),
            ssh_user: None,
            ssh_key: vec!["no such key".into(), "user_key".into()],
            jump: Vec::new(),
            host_key: None,
            sudo: false,
            arch: if cfg!(target_arch = "aarch64") { Arch::Aarch64 } else { Arch::X86_64 },
            inventory: "inventory.yaml".into(),
        };
        let settings = Settings {
            connect_timeout: Duration::from_secs(10),
            persist: Duration::from_secs(5),
            config: Some(self.path("ssh_config")),
            sockets: Some(self.path("s")),
            relay: None,
            secret_variables: Vec::new(),
        };
        Host { sshd: self, address, settings, agent: Agent::new("exec cat >/dev/null") }
    }
}

impl Sshd {
    pub(crate) fn pid(&self) -> String {
        self.daemon.id().to_string()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// An agent that is a shell script.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) hash: Hash,
    pub(crate) gz: Vec<u8>,
}

impl Agent {
    /// Says its first line and `Hello`, then does as `script` says.
    pub(crate) fn new(script: &str) -> Self {
        let hash = Hash::of(script.as_bytes());
        Self::of(hash, &format!("{}\n{script}", say(&hello(hash))))
    }

    /// Says its first line, then does as `script` says.
    pub(crate) fn of(hash: Hash, script: &str) -> Self {
        let script =
            format!("#!/bin/sh\ncase $1 in probe) exit 0;; esac\necho \"PARACRINE $2 agent\"\n{script}\n");
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(script.as_bytes()).unwrap();
        Self { hash, gz: gz.finish().unwrap() }
    }
}

pub(crate) fn hello(hash: Hash) -> Greeting {
    Greeting::Hello { agent: hash, machine: "0123".into() }
}

/// A shell command that says a message.
pub(crate) fn say<M: Message>(message: &M) -> String {
    octal(&protocol::encode(message).unwrap())
}

/// A shell command that writes these bytes.
pub(crate) fn octal(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
    format!("printf '{digits}'")
}

#[derive(Clone)]
pub(crate) struct Host<'a> {
    pub(crate) sshd: &'a Sshd,
    pub(crate) address: Address,
    pub(crate) settings: Settings,
    pub(crate) agent: Agent,
}

impl Host<'_> {
    pub(crate) async fn open(&self) -> Result<RemoteAgent, ConnectionError> {
        self.open_with(&self.opening("test"), &[]).await
    }

    pub(crate) async fn open_with(
        &self,
        opening: &Opening,
        attached: &[u8],
    ) -> Result<RemoteAgent, ConnectionError> {
        let site = self.sshd.directory.path();
        let target = Target {
            address: &self.address,
            site,
            known_hosts: Path::new("known_hosts"),
            settings: &self.settings,
        };
        let agent = AgentBinary { hash: self.agent.hash, gz: &self.agent.gz };
        RemoteAgent::open(&target, &agent, opening, attached).await
    }

    pub(crate) fn opening(&self, holder: &str) -> Opening {
        let deploy = Deploy {
            run: RunId::new(0, 0),
            identity: "site/dev/web1".into(),
            adopt: false,
            mode: Mode::Check,
            lock_wait: 0,
            holder: holder.into(),
            commit: None,
            values: Default::default(),
            plan: 0,
        };
        Opening { agent: self.agent.hash, request: Request::Deploy(Box::new(deploy)) }
    }

    pub(crate) fn cached_agent(&self) -> PathBuf {
        self.sshd.path("home/.cache/paracrine").join(format!("agent-{}", self.agent.hash.short()))
    }

    /// The process of the one kept connection.
    pub(crate) fn master(&self) -> String {
        let check = Command::new("ssh").arg("-S").arg(&self.sockets()[0]).args(["-O", "check", "x"]).output();
        let said = String::from_utf8(check.unwrap().stderr).unwrap();
        said.split_once("pid=").unwrap().1.split(')').next().unwrap().to_owned()
    }

    /// The sockets that are there.
    pub(crate) fn sockets(&self) -> Vec<PathBuf> {
        use std::os::unix::fs::FileTypeExt;
        let Ok(entries) = fs::read_dir(self.sshd.path("s")) else {
            return Vec::new();
        };
        let sockets =
            entries.map(|entry| entry.unwrap()).filter(|entry| entry.file_type().unwrap().is_socket());
        sockets.map(|entry| entry.path()).collect()
    }
}

/// Waits for something that has to come to pass, by looking again and again.
pub(crate) async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
