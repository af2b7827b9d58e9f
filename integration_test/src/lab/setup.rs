//! The programs that the lab needs on this machine, and how they get here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::error::{Context as _, Error, Result};
use super::process::run;

/// A program and the Debian package that brings it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// Name of the program, as found in the usual folders.
    pub program: &'static str,
    /// Debian package to install when it is missing.
    pub package: &'static str,
}

impl Tool {
    /// A program and its package.
    #[must_use]
    pub const fn new(program: &'static str, package: &'static str) -> Self {
        Self { program, package }
    }
}

/// Everything the lab runs on the machine itself.
pub const TOOLS: &[Tool] = &[
    Tool::new("debootstrap", "debootstrap"),
    Tool::new("systemd-nspawn", "systemd-container"),
    Tool::new("ip", "iproute2"),
    Tool::new("ssh", "openssh-client"),
    Tool::new("ssh-keygen", "openssh-client"),
    Tool::new("nsenter", "util-linux"),
    Tool::new("umount", "mount"),
    Tool::new("find", "findutils"),
];

/// The folders in which programs are looked for. `PATH` is not asked, it may lack the `sbin` folders.
const FOLDERS: &[&str] = &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// `PATH` for the programs that the lab starts.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Sees to it that the programs are here: installs what is missing when that is possible, else says what to install.
///
/// # Errors
///
/// When something is missing and this is not Debian, this process is not root, or `apt-get` fails.
pub fn require(tools: &[Tool]) -> Result<()> {
    let missing =
        missing(tools, |program| FOLDERS.iter().any(|folder| Path::new(folder).join(program).exists()));
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.into_iter().collect::<Vec<_>>();
    let by_hand = format!("apt-get install --no-install-recommends {}", list.join(" "));
    if !Path::new("/usr/bin/apt-get").exists() {
        let list = list.join(", ");
        return Err(Error::new(format!(
            "missing here: what Debian has in the packages {list}; please install it"
        )));
    }
    if !is_root() {
        return Err(Error::new(format!("Debian packages are missing; please run as root: {by_hand}")));
    }
    eprintln!("lab: installing {}", list.join(" "));
    let install = || {
        run(Command::new("apt-get")
            .args(["install", "--yes", "--quiet", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"])
            .args(&list)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("PATH", PATH))
    };
    // The machine's package lists may be too old, or not be there at all.
    let installed = install().or_else(|_| {
        run(Command::new("apt-get").args(["update", "--quiet", "-o", "DPkg::Lock::Timeout=300"]))?;
        install()
    });
    installed.map(drop).map_err(|error| Error::new(format!("{error}\ninstall them by hand: {by_hand}")))
}

/// Whether a lab can run here; installs missing Debian packages.
pub(crate) fn prepare_machine() -> Result<()> {
    require(TOOLS)?;
    if !is_root() {
        return Err(Error::new("the lab needs root: it makes network namespaces, mounts and containers"));
    }
    let filesystems = fs::read_to_string("/proc/filesystems").context(|| "cannot read /proc/filesystems")?;
    if !filesystems.lines().any(|line| line.ends_with("\toverlay")) {
        // Where it is a module, this loads it; where it is not, the first mount says so.
        let _ = Command::new("/sbin/modprobe").arg("overlay").output();
    }
    Ok(())
}

/// Whether this process is root.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn missing(tools: &[Tool], exists: impl Fn(&str) -> bool) -> BTreeSet<&'static str> {
    tools.iter().filter(|tool| !exists(tool.program)).map(|tool| tool.package).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_named_once() {
        assert_eq!(missing(TOOLS, |program| !program.starts_with("ssh")), BTreeSet::from(["openssh-client"]));
        assert_eq!(missing(TOOLS, |_| true), BTreeSet::new());
    }
}
