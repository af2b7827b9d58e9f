//! The lab's network: a bridge in a namespace of its own, where the controller runs too, and one namespace per host.
//!
//! No address of the lab exists in the machine's own network, so labs side by side may use the same ones.

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::error::{Context as _, Error, Result};
use super::process::{run, run_with_input};
use super::setup::PATH;

/// How many hosts a lab can have.
pub(crate) const MOST_HOSTS: usize = 200;

/// The names of one lab's namespaces.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    name: String,
}

impl Network {
    pub(crate) fn new(kernel_name: &str) -> Self {
        Self { name: kernel_name.to_owned() }
    }

    /// The address of the host with this number, counted from 0. The controller has 10.83.0.1.
    pub(crate) fn address(number: usize) -> Ipv4Addr {
        let last = u8::try_from(number + 11).unwrap_or(u8::MAX);
        Ipv4Addr::new(10, 83, 0, last)
    }

    /// Makes the namespaces, the bridge, and a link with an address for each host.
    pub(crate) fn create(&self, hosts: usize) -> Result<()> {
        // Names are created one by one by `ip netns`; the rest is one batch per namespace.
        run(ip().args(["netns", "add", &self.hub_name()]))?;
        let mut hub = String::from(
            "link set lo up\n\
             link add br0 type bridge stp_state 0 forward_delay 0\n\
             link set br0 addrgenmode none\n\
             address add 10.83.0.1/24 dev br0\n\
             link set br0 up\n",
        );
        for number in 0..hosts {
            let namespace = self.host_name(number);
            run(ip().args(["netns", "add", &namespace]))?;
            hub += &format!(
                "link add v{number} type veth peer name host0 netns {namespace}\n\
                 link set v{number} master br0 addrgenmode none\n\
                 link set v{number} up\n"
            );
        }
        self.batch(&self.hub_name(), &hub)?;
        for number in 0..hosts {
            let address = Self::address(number);
            let host = format!(
                "link set lo up\n\
                 link set host0 addrgenmode none\n\
                 address add {address}/24 brd + dev host0\n\
                 link set host0 up\n"
            );
            self.batch(&self.host_name(number), &host)?;
        }
        Ok(())
    }

    fn batch(&self, namespace: &str, lines: &str) -> Result<()> {
        run_with_input(ip().args(["-n", namespace, "-batch", "-"]), lines).map(drop)
    }

    /// Plugs a host's cable in, or pulls it out.
    pub(crate) fn set_link(&self, number: usize, up: bool) -> Result<()> {
        let state = if up { "up" } else { "down" };
        run(ip().args(["-n", &self.hub_name(), "link", "set", &format!("v{number}"), state])).map(drop)
    }

    /// Makes every packet to and from a host wait, half of the round trip each way; 0 for no delay.
    pub(crate) fn set_delay(&self, number: usize, round_trip_ms: u32) -> Result<()> {
        let ends = [(self.hub_name(), format!("v{number}")), (self.host_name(number), "host0".to_owned())];
        for (namespace, link) in ends {
            let mut tc = Command::new("tc");
            tc.env("PATH", PATH).args(["-n", &namespace, "qdisc"]);
            let one_way = format!("{}us", u64::from(round_trip_ms) * 500);
            match round_trip_ms {
                // Nothing to delete is fine.
                0 => drop(run(tc.args(["delete", "dev", &link, "root"]))),
                _ => drop(
                    run(tc.args([
                        "replace", "dev", &link, "root", "netem", "delay", &one_way, "limit", "100000",
                    ]))
                    .map_err(|error| {
                        Error::new(format!("this kernel cannot delay packets (no netem?): {error}"))
                    })?,
                ),
            }
        }
        Ok(())
    }

    /// The file that stands for the namespace of the bridge and the controller.
    pub(crate) fn hub(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(self.hub_name())
    }

    /// The file that stands for the namespace of a host.
    pub(crate) fn host(&self, number: usize) -> PathBuf {
        PathBuf::from("/run/netns").join(self.host_name(number))
    }

    fn hub_name(&self) -> String {
        format!("{}-hub", self.name)
    }

    fn host_name(&self, number: usize) -> String {
        format!("{}-{number}", self.name)
    }

    /// A command that runs in the controller's place.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("/usr/bin/nsenter");
        command.arg(format!("--net={}", self.hub().display())).arg("--").arg(program);
        command
    }

    /// Runs a function in the controller's place, in a thread of its own.
    pub(crate) fn within<T: Send>(&self, function: impl FnOnce() -> T + Send) -> Result<T> {
        let path = self.hub();
        let namespace = File::open(&path).context(|| format!("cannot open {}", path.display()))?;
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                move_into_link_name_space(
                    std::os::fd::AsFd::as_fd(&namespace),
                    Some(LinkNameSpaceType::Network),
                )
                .context(|| format!("cannot enter {}", path.display()))?;
                Ok(function())
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

fn ip() -> Command {
    let mut command = Command::new("ip");
    command.env("PATH", PATH);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_has_an_address_of_its_own() {
        assert_eq!(Network::address(0).to_string(), "10.83.0.11");
        assert_eq!(Network::address(MOST_HOSTS - 1).to_string(), "10.83.0.210");
    }
}
