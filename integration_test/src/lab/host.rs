//! One Debian host: its files, its processes, and what can befall it.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::error::{Context as _, Error, Result};
use super::image::Image;
use super::network::Network;
use super::process::{checked, last_lines, run};
use super::setup::PATH;
use super::state::State;
use super::{cgroup, mounts};

/// How long a host may take to boot.
const BOOT_TIME: Duration = Duration::from_secs(90);

/// Enters the cgroups, then runs nspawn, again whenever the host reboots itself.
const BOOT: &str = "
for cgroup in $CGROUPS; do echo $$ >\"$cgroup/cgroup.procs\" || exit 1; done
unset CGROUPS
while :; do
    systemd-nspawn \"$@\"
    status=$?
    [ $status = 133 ] || exit $status
done
";

/// A Debian host of a [`Lab`](super::Lab): reached over SSH like any other, looked at from outside for tests.
#[derive(Debug)]
pub struct Host {
    name: String,
    pub(crate) number: usize,
    state: State,
    pub(crate) network: Network,
    /// What runs nspawn, when this process started it.
    supervisor: Mutex<Option<Child>>,
}

impl Host {
    pub(crate) fn new(name: &str, number: usize, state: &State, network: &Network) -> Self {
        let (state, network) = (state.clone(), network.clone());
        Self { name: name.to_owned(), number, state, network, supervisor: Mutex::new(None) }
    }

    /// The host's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The host's address, which exists inside the lab only.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        Network::address(self.number)
    }

    /// The port of its SSH server.
    #[must_use]
    pub fn port(&self) -> u16 {
        22
    }

    /// The host's root folder, seen from outside. What lies in a file system of its own (`/run`, `/dev`) is not in it.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.path("root")
    }

    /// What the host's console has shown since it was started.
    #[must_use]
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.path("console")).unwrap_or_default()).into_owned()
    }

    /// The process of this machine that is the host's init, when the host is up.
    #[must_use]
    pub fn leader(&self) -> Option<u32> {
        let cgroup = self.cgroups().ok()?.into_iter().next()?;
        cgroup::processes(&cgroup).into_iter().find(|pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            status.lines().find_map(|line| line.strip_prefix("NSpid:")).is_some_and(|pids| {
                let pids = pids.split_whitespace().collect::<Vec<_>>();
                pids.len() > 1 && pids.last() == Some(&"1")
            })
        })
    }

    /// Processor time that the host's processes have used since the lab was started, without those of [`Host::exec`].
    ///
    /// # Errors
    ///
    /// When the machine has no cgroup hierarchy that counts it.
    pub fn cpu_time(&self) -> Result<Duration> {
        let usage = |cgroup: &Path| {
            let nanoseconds = || fs::read_to_string(cgroup.join("cpuacct.usage")).ok()?.trim().parse().ok();
            let microseconds = || {
                let statistics = fs::read_to_string(cgroup.join("cpu.stat")).ok()?;
                statistics.lines().find_map(|line| line.strip_prefix("usage_usec "))?.parse().ok()
            };
            let version_1 = nanoseconds().map(Duration::from_nanos);
            version_1.or_else(|| microseconds().map(Duration::from_micros))
        };
        let usage = self.cgroups()?.iter().find_map(|cgroup| usage(cgroup));
        usage.ok_or_else(|| Error::new("this machine has no cgroup that counts processor time"))
    }

    /// A command that runs on the host as root, without SSH.
    ///
    /// # Errors
    ///
    /// When the host is not up.
    pub fn command(&self, program: &str) -> Result<Command> {
        let leader = self.leader().ok_or_else(|| Error::new(format!("{} is not up", self.name)))?;
        let mut command = Command::new("/usr/bin/nsenter");
        command.args(["--all", "--target", &leader.to_string(), "--", program]);
        command.env_clear().envs([("PATH", PATH), ("HOME", "/root"), ("USER", "root"), ("LANG", "C.UTF-8")]);
        Ok(command)
    }

    /// Runs a shell script on the host as root, without SSH, whatever its end.
    ///
    /// # Errors
    ///
    /// When the host is not up or the script cannot be started.
    pub fn exec(&self, script: &str) -> Result<Output> {
        let mut command = self.command("/bin/sh")?;
        let output = command.args(["-c", script]).stdin(Stdio::null()).output();
        output.context(|| format!("cannot run a script on {}", self.name))
    }

    /// Like [`Host::exec`], returning what the script wrote, without white space at the end.
    ///
    /// # Errors
    ///
    /// Also when the script does not end well; the error quotes what it said.
    pub fn run(&self, script: &str) -> Result<String> {
        let mut shown = Command::new(&self.name);
        let output = checked(shown.arg(script), self.exec(script)?)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Makes the host's files: the image with changes of its own, a name, a machine id, an SSH host key.
    pub(crate) fn prepare(&self, image: &Image, hosts_file: &str) -> Result<()> {
        for folder in ["upper", "work", "root"] {
            let folder = self.path(folder);
            fs::create_dir_all(&folder).context(|| format!("cannot make {}", folder.display()))?;
        }
        let root = self.root();
        mounts::overlay(&image.root(), &self.path("upper"), &self.path("work"), &root)?;
        let uuid = "/proc/sys/kernel/random/uuid";
        let machine_id = fs::read_to_string(uuid).context(|| format!("cannot read {uuid}"))?.replace('-', "");
        for (path, content) in [
            ("etc/hostname", format!("{}\n", self.name)),
            ("etc/hosts", format!("127.0.0.1 localhost\n::1 localhost ip6-localhost\n{hosts_file}")),
            ("etc/machine-id", machine_id),
        ] {
            let path = root.join(path);
            fs::write(&path, content).context(|| format!("cannot write {}", path.display()))?;
        }
        let key = root.join("etc/ssh/ssh_host_ed25519_key");
        let comment = format!("root@{}", self.name);
        run(Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", &comment, "-f"])
            .arg(&key))?;
        Ok(())
    }

    /// The host's line for a `known_hosts` file.
    pub(crate) fn known_hosts_line(&self) -> Result<String> {
        let path = self.root().join("etc/ssh/ssh_host_ed25519_key.pub");
        let key = fs::read_to_string(&path).context(|| format!("cannot read {}", path.display()))?;
        let key = key.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        Ok(format!("{},{} {key}\n", self.name, self.address()))
    }

    /// Starts the host's init.
    pub(crate) fn boot(&self) -> Result<()> {
        self.reap();
        let cgroups = self.cgroups()?;
        let cgroups = cgroups.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let console = self.path("console");
        let console = fs::File::create(&console).context(|| format!("cannot make {}", console.display()))?;
        let errors = console.try_clone().context(|| "cannot share a file")?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", BOOT, "lab-host", "--boot", "--quiet", "--register=no", "--keep-unit"]);
        command.args(["--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only"]);
        command.arg("--capability=CAP_NET_ADMIN");
        command.arg(format!("--network-namespace-path={}", self.network.host(self.number).display()));
        command.arg(format!("--directory={}", self.root().display()));
        command.arg(format!("--machine={}-{}", self.state.kernel_name(), self.number));
        command.env_clear().env("PATH", PATH).env("CGROUPS", cgroups);
        // No lock files, and a /tmp on disk as Debian has it.
        command.envs([("SYSTEMD_NSPAWN_LOCK", "0"), ("SYSTEMD_NSPAWN_TMPFS_TMP", "0")]);
        command.current_dir("/").process_group(0);
        command.stdin(Stdio::null()).stdout(console).stderr(errors);
        let child = command.spawn().context(|| format!("cannot start {}", self.name))?;
        *self.supervisor.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        Ok(())
    }

    /// Waits until SSH answers and the host says that it has booted.
    pub(crate) fn wait_until_ready(&self) -> Result<()> {
        let start = Instant::now();
        let server = SocketAddr::from((self.address(), self.port()));
        while !self.network.within(|| has_banner(server))? {
            self.check_time(start)?;
            sleep(Duration::from_millis(20));
        }
        let state = self.exec("systemctl is-system-running --wait")?;
        match String::from_utf8_lossy(&state.stdout).trim() {
            // Degraded: a unit failed, which tests may want.
            "running" | "degraded" => Ok(()),
            other => Err(Error::new(format!("{} did not boot: systemd says {other:?}", self.name))),
        }
    }

    /// Fails when the host can no longer be expected to come up.
    pub(crate) fn check_time(&self, start: Instant) -> Result<()> {
        let mut supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = supervisor.as_mut().and_then(|child| child.try_wait().ok().flatten());
        let problem = match ended {
            Some(status) => format!("nspawn ended with {status}"),
            None if start.elapsed() > BOOT_TIME => format!("not up after {} s", BOOT_TIME.as_secs()),
            None => return Ok(()),
        };
        let console = last_lines(&self.console(), 20);
        Err(Error::new(format!("{} does not boot: {problem}\n{console}", self.name)))
    }

    /// Waits for what ran nspawn, if this process started it and it has been told to end.
    pub(crate) fn reap(&self) {
        let child = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut child) = child {
            // Fails only when someone else has waited for it.
            let _ = child.wait();
        }
    }

    /// The host's cgroups, one per hierarchy.
    pub(crate) fn cgroups(&self) -> Result<Vec<PathBuf>> {
        let labs = self.state.read("cgroups")?;
        Ok(labs.lines().map(|lab| Path::new(lab).join(self.number.to_string())).collect())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.state.path("hosts").join(&self.name).join(name)
    }
}

fn has_banner(server: SocketAddr) -> bool {
    let answer = TcpStream::connect_timeout(&server, Duration::from_secs(1)).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut start = [0; 4];
        stream.read_exact(&mut start)?;
        if &start == b"SSH-" { Ok(()) } else { Err(ErrorKind::InvalidData.into()) }
    });
    answer.is_ok()
}
