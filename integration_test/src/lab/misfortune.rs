//! What can befall a host: a plug or a cable pulled, a reboot, a standstill, a long way.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::cgroup;
use super::error::{Context as _, Error, Result};
use super::host::Host;

impl Host {
    /// Pulls the plug: all processes of the host end at once. Its files stay.
    ///
    /// # Errors
    ///
    /// When processes do not die.
    pub fn stop(&self) -> Result<()> {
        let cgroup = self.cgroups()?.into_iter().next();
        let cgroup = cgroup.ok_or_else(|| Error::new(format!("{} has no cgroup", self.name())))?;
        self.set_frozen(false)?;
        let start = Instant::now();
        loop {
            let processes = cgroup::processes(&cgroup);
            if processes.is_empty() {
                break;
            }
            for pid in processes {
                if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
                    // It may have gone by itself.
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                }
            }
            if start.elapsed() > Duration::from_secs(20) {
                return Err(Error::new(format!("processes of {} cannot be killed", self.name())));
            }
            sleep(Duration::from_millis(10));
        }
        self.reap();
        Ok(())
    }

    /// Boots the host after [`Host::stop`] and waits until it can be used.
    ///
    /// # Errors
    ///
    /// When the host is up already, or does not come up.
    pub fn start(&self) -> Result<()> {
        if self.leader().is_some() {
            return Err(Error::new(format!("{} is up already", self.name())));
        }
        self.boot()?;
        self.wait_until_ready()
    }

    /// Has the host reboot in good order and waits until it can be used again.
    ///
    /// # Errors
    ///
    /// When the host is not up, or does not come up again.
    pub fn reboot(&self) -> Result<()> {
        let before = self.leader();
        self.run("systemctl --no-block reboot")?;
        let start = Instant::now();
        while self.leader().is_none_or(|now| Some(now) == before) {
            self.check_time(start)?;
            sleep(Duration::from_millis(20));
        }
        self.wait_until_ready()
    }

    /// Stops time for the host: connections stay open and nothing answers.
    ///
    /// # Errors
    ///
    /// When the machine has no cgroup hierarchy that can do so.
    pub fn pause(&self) -> Result<()> {
        self.set_frozen(true)
    }

    /// Ends [`Host::pause`].
    ///
    /// # Errors
    ///
    /// As for [`Host::pause`].
    pub fn resume(&self) -> Result<()> {
        self.set_frozen(false)
    }

    /// Pulls the network cable out.
    ///
    /// # Errors
    ///
    /// When the link is gone.
    pub fn disconnect(&self) -> Result<()> {
        self.network.set_link(self.number, false)
    }

    /// Plugs the network cable in again.
    ///
    /// # Errors
    ///
    /// When the link is gone.
    pub fn reconnect(&self) -> Result<()> {
        self.network.set_link(self.number, true)
    }

    /// Moves the host away: each round trip takes this much longer. 0 ends it.
    ///
    /// # Errors
    ///
    /// When the machine's kernel cannot delay packets (`netem`).
    pub fn delay(&self, round_trip_ms: u32) -> Result<()> {
        self.network.set_delay(self.number, round_trip_ms)
    }

    fn set_frozen(&self, frozen: bool) -> Result<()> {
        for cgroup in self.cgroups()? {
            for (file, value) in [("freezer.state", ["THAWED", "FROZEN"]), ("cgroup.freeze", ["0", "1"])] {
                let file = cgroup.join(file);
                if file.exists() {
                    return fs::write(&file, value[usize::from(frozen)])
                        .context(|| format!("cannot write {}", file.display()));
                }
            }
        }
        match frozen {
            true => Err(Error::new("this machine has no cgroup that can freeze processes")),
            false => Ok(()),
        }
    }
}
