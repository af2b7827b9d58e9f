//! Real Debian hosts on one machine: a root made once by `debootstrap`, an overlay of it per host, `systemd-nspawn` with
//! real systemd and sshd, a network of its own.
//!
//! A [`Lab`] is taken down when it is dropped. When its owner ends in any other way, be it Ctrl-C or a crash, a watchdog
//! process takes it down within a second; should that be killed too, the next lab of the machine sweeps what is left.
//!
//! ```no_run
//! use integration_test::lab::Lab;
//!
//! let lab = Lab::start(&["web1", "db1"])?;
//! lab.ssh("web1")?.arg("hostname").status().expect("ssh starts");
//! lab.exec("web1", "systemctl stop cron")?;
//! # Ok::<(), integration_test::lab::Error>(())
//! ```
//!
//! Hosts install packages from a repository that every host carries, without any index update: `paracrine-hello` (1.0 and
//! 2.0), `paracrine-world` (depends on it), `paracrine-service` (a unit that is enabled and started on installation),
//! `tiny-01` to `tiny-20`, and `nginx`. Users: `root`, `deploy` (sudo without password), `asksudo` (sudo with the password
//! `paracrine`) and `nosudo`, all with the lab's key.

mod cgroup;
mod error;
mod host;
mod image;
mod limits;
mod misfortune;
mod mounts;
mod network;
mod process;
mod repository;
pub mod setup;
mod state;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub use error::{Error, Result};
pub use host::Host;
pub use repository::TINY_PACKAGES;

use error::Context as _;
use image::Image;
use network::Network;
use state::{State, Watchdog};

/// Hosts, and the place of the controller beside them.
#[derive(Debug)]
pub struct Lab {
    state: State,
    network: Network,
    hosts: Vec<Host>,
    /// Present when this process owns the lab.
    watchdog: Option<Watchdog>,
}

impl Lab {
    /// Whether a lab can run here; installs missing Debian packages.
    ///
    /// # Errors
    ///
    /// Says what is missing: root, Debian, a package that cannot be installed, overlay file systems.
    pub fn prepare_machine() -> Result<()> {
        setup::prepare_machine()
    }

    /// Builds the image that hosts share, unless it is in the cache. [`Lab::start`] does so too.
    ///
    /// # Errors
    ///
    /// When the machine is not fit for it, or Debian's mirror cannot be reached.
    pub fn prepare_image() -> Result<()> {
        Self::prepare_machine()?;
        Image::obtain().map(drop)
    }

    /// Boots hosts of these names, all at once, and waits until SSH answers on each.
    ///
    /// # Errors
    ///
    /// When the machine is not fit for it, a name is not fit for a host, or a host does not boot.
    pub fn start(names: &[&str]) -> Result<Self> {
        check_names(names)?;
        Self::prepare_machine()?;
        if let Err(error) = Self::sweep() {
            // Another lab's remains are no reason not to start this one.
            eprintln!("lab: {error}");
        }
        let image = Image::obtain()?;
        limits::make_room_for(Self::all()?.iter().map(|lab| lab.hosts.len()).sum::<usize>() + names.len())?;
        let (state, watchdog) = State::create()?;
        let network = Network::new(&state.kernel_name());
        let hosts = names.iter().enumerate().map(|(number, name)| Host::new(name, number, &state, &network));
        let mut lab = Self { hosts: hosts.collect(), state, network, watchdog: Some(watchdog) };
        // From here on a failure drops the lab, which takes down what there is.
        lab.build(&image)?;
        Ok(lab)
    }

    fn build(&mut self, image: &Image) -> Result<()> {
        let parents = cgroup::own()?;
        let name = self.state.kernel_name();
        let cgroups = parents.iter().map(|parent| format!("{}\n", parent.join(&name).display()));
        // Written before they are made: who cleans up must know of all that can be there.
        self.state.write("cgroups", &cgroups.collect::<String>())?;
        for parent in &parents {
            let cgroup = cgroup::create(parent, &name)?;
            for number in 0..self.hosts.len() {
                cgroup::create(&cgroup, &number.to_string())?;
            }
        }
        self.network.create(self.hosts.len())?;
        let (from, key) = (image.key(), self.key());
        fs::copy(&from, &key).context(|| format!("cannot copy {}", from.display()))?;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600))
            .context(|| "cannot protect the lab's key")?;
        let folder = self.state.path("hosts");
        fs::create_dir(&folder).context(|| format!("cannot make {}", folder.display()))?;
        mounts::make_fit_for_overlay(&folder)?;

        let lines = self.hosts.iter().map(|host| format!("{} {}\n", host.address(), host.name()));
        let hosts_file = lines.collect::<String>();
        self.for_each(|host| {
            host.prepare(image, &hosts_file)?;
            host.boot()
        })?;
        let lines = self.hosts.iter().map(Host::known_hosts_line).collect::<Result<String>>()?;
        self.state.write("known_hosts", &lines)?;
        let names = self.hosts.iter().map(|host| format!("{}\n", host.name()));
        self.state.write("names", &names.collect::<String>())?;
        self.for_each(Host::wait_until_ready)
    }

    /// Does something with all hosts at once; the first host's failure is returned.
    fn for_each(&self, action: impl Fn(&Host) -> Result<()> + Sync) -> Result<()> {
        let action = &action;
        std::thread::scope(|scope| {
            let threads = self.hosts.iter().map(|host| scope.spawn(move || action(host))).collect::<Vec<_>>();
            let ends = threads.into_iter().map(|thread| thread.join());
            let ends = ends.map(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            ends.collect::<Vec<_>>().into_iter().collect()
        })
    }

    /// All labs of this machine that have booted, whoever owns them. Dropping these leaves the labs as they are.
    ///
    /// # Errors
    ///
    /// When their folder cannot be read.
    pub fn all() -> Result<Vec<Self>> {
        let labs = State::all()?.into_iter().filter_map(|state| {
            let names = state.read("names").ok()?;
            let network = Network::new(&state.kernel_name());
            let hosts =
                names.lines().enumerate().map(|(number, name)| Host::new(name, number, &state, &network));
            Some(Self { hosts: hosts.collect(), network, state, watchdog: None })
        });
        Ok(labs.collect())
    }

    /// Takes down what is left of labs whose owners were killed together with their watchdogs, and returns their ids.
    ///
    /// # Errors
    ///
    /// When something cannot be taken down.
    pub fn sweep() -> Result<Vec<String>> {
        State::sweep()
    }

    /// Leaves the lab running for a folder, after the end of this process too, until someone calls [`Lab::down`].
    ///
    /// # Errors
    ///
    /// When this cannot be recorded.
    pub fn detach(mut self, folder: &Path) -> Result<()> {
        self.state.set_detached(folder)?;
        match self.watchdog.take() {
            Some(watchdog) => watchdog.dismiss(),
            None => Ok(()),
        }
    }

    /// For which folder the lab was left running, if it was.
    #[must_use]
    pub fn detached_for(&self) -> Option<PathBuf> {
        self.state.detached_for()
    }

    /// Takes the lab down and says if anything is left. Dropping does the same, but can only print its failure.
    ///
    /// # Errors
    ///
    /// When something cannot be removed.
    pub fn down(mut self) -> Result<()> {
        match self.watchdog.take() {
            Some(watchdog) => self.release(watchdog),
            None => self.state.tear_down(),
        }
    }

    fn release(&self, watchdog: Watchdog) -> Result<()> {
        let released = watchdog.release();
        if released.is_ok() {
            self.hosts.iter().for_each(Host::reap);
        }
        released
    }

    /// What tells this lab from others; part of the names of its namespaces and cgroups.
    #[must_use]
    pub fn id(&self) -> &str {
        self.state.id()
    }

    /// The lab's own folder, gone when the lab is down. Tests may keep files in it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.state.directory()
    }

    /// The private key that all users of all hosts let in.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.state.path("key")
    }

    /// The hosts' true keys, under their names and addresses.
    #[must_use]
    pub fn known_hosts(&self) -> PathBuf {
        self.state.path("known_hosts")
    }

    /// The hosts, in the order in which they were named.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// A host by its name.
    ///
    /// # Errors
    ///
    /// When there is none of this name.
    pub fn host(&self, name: &str) -> Result<&Host> {
        let host = self.hosts.iter().find(|host| host.name() == name);
        host.ok_or_else(|| Error::new(format!("the lab has no host {name:?}")))
    }

    /// A command that runs in the controller's place, from where hosts can be reached.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.network.command(program)
    }

    /// Runs a function in the controller's place: connections it opens and processes it starts see the hosts.
    ///
    /// It runs in a thread of its own. Threads that it starts stay in the lab's network too.
    ///
    /// # Errors
    ///
    /// When the lab's network is gone.
    pub fn within<T: Send>(&self, function: impl FnOnce() -> T + Send) -> Result<T> {
        self.network.within(function)
    }

    /// An `ssh` to a host as root; what it shall run is added by the caller, as are options like `ConnectTimeout`.
    ///
    /// # Errors
    ///
    /// When there is no host of this name.
    pub fn ssh(&self, host: &str) -> Result<Command> {
        self.ssh_as("root", host)
    }

    /// An `ssh` to a host as some user.
    ///
    /// # Errors
    ///
    /// When there is no host of this name.
    pub fn ssh_as(&self, user: &str, host: &str) -> Result<Command> {
        let address = self.host(host)?.address();
        let mut command = self.command("ssh");
        command.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]);
        command.args(["-o", "GlobalKnownHostsFile=none", "-o", "IdentitiesOnly=yes"]);
        command.arg("-o").arg(format!("UserKnownHostsFile={}", self.known_hosts().display()));
        command.arg("-i").arg(self.key()).arg(format!("{user}@{address}"));
        Ok(command)
    }

    /// Runs a shell script on a host as root, without SSH, whatever its end: see [`Host::exec`].
    ///
    /// # Errors
    ///
    /// When there is no such host, or it is not up.
    pub fn exec(&self, host: &str, script: &str) -> Result<Output> {
        self.host(host)?.exec(script)
    }

    /// Runs a shell script on a host as root, without SSH, and returns what it wrote: see [`Host::run`].
    ///
    /// # Errors
    ///
    /// When there is no such host, it is not up, or the script does not end well.
    pub fn run(&self, host: &str, script: &str) -> Result<String> {
        self.host(host)?.run(script)
    }

    /// A host's root folder, seen from outside: see [`Host::root`].
    ///
    /// # Errors
    ///
    /// When there is no host of this name.
    pub fn root(&self, host: &str) -> Result<PathBuf> {
        self.host(host).map(Host::root)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(watchdog) = self.watchdog.take()
            && let Err(error) = self.release(watchdog)
        {
            eprintln!("lab: {error}");
        }
    }
}

fn check_names(names: &[&str]) -> Result<()> {
    if names.is_empty() || names.len() > network::MOST_HOSTS {
        return Err(Error::new(format!("a lab has 1 to {} hosts, not {}", network::MOST_HOSTS, names.len())));
    }
    let mut seen = BTreeSet::new();
    for name in names {
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !plain || name.is_empty() || name.len() > 63 || name.starts_with('-') || name.ends_with('-') {
            return Err(Error::new(format!("{name:?} cannot be a host's name")));
        }
        if !seen.insert(name) {
            return Err(Error::new(format!("two hosts are called {name:?}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert!(check_names(&["web1", "db-1"]).is_ok());
        for names in [&[][..], &["web1", "web1"], &["Web"], &["a/b"], &[""], &["-a"], &["web.example"]] {
            assert!(check_names(names).is_err(), "{names:?}");
        }
    }
}
