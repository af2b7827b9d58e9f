//! apt, as a program that is run.
//!
//! What it installs besides the packages that are asked for is what apt's own configuration says: dependencies and,
//! as Debian has it, recommended packages (`APT::Install-Recommends "false";` in a file of `/etc/apt/apt.conf.d` turns
//! those off). Changed configuration files are kept as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use paracrine_model::protocol::Failure;

use super::Available;
use super::trouble::{explain, is_locked};
use crate::world::process::{Finished, Program};

/// Seconds to wait for the locks of dpkg and apt; unattended upgrades take their time.
const PATIENCE: u64 = 300;

const KEEP_FILES: [&str; 4] =
    ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"];

/// apt's caches are made in memory, so that looking changes no file; nor does it need the lock.
const ONLY_LOOK: [&str; 6] =
    ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "-o", "Debug::NoLocking=true"];

fn quietly(program: &str) -> Program {
    Program::new(program)
        .environment("DEBIAN_FRONTEND", "noninteractive")
        .environment("DEBIAN_PRIORITY", "critical")
        .environment("APT_LISTCHANGES_FRONTEND", "none")
        .environment("UCF_FORCE_CONFFOLD", "1")
        // needrestart only lists what would have to be restarted: services are the plan's business.
        .environment("NEEDRESTART_MODE", "l")
}

/// What apt would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Simulation {
    /// Packages that would come in or change, with their versions.
    pub(crate) installed: Vec<(String, String)>,
    /// Packages that would go.
    pub(crate) removed: Vec<String>,
}

/// Asks apt what it could install. Names it does not know are [`Available::Unknown`].
pub(super) fn policy(
    names: &BTreeSet<String>,
    native: Option<&str>,
) -> Result<BTreeMap<String, Available>, Failure> {
    let finished = Program::new("apt-cache")
        .args(ONLY_LOOK)
        .args(["policy", "--"])
        .args(names)
        .separate()
        .timeout(Duration::from_secs(120))
        .run()?
        .checked()?;
    Ok(parse_policy(&finished.output, names, native))
}

fn parse_policy(output: &str, names: &BTreeSet<String>, native: Option<&str>) -> BTreeMap<String, Available> {
    let mut said = BTreeMap::new();
    let mut name = None;
    for line in output.lines() {
        if !line.starts_with([' ', '\t']) {
            name = line.trim_end().strip_suffix(':');
        } else if let (Some(candidate), Some(name)) = (line.trim().strip_prefix("Candidate:"), name) {
            let candidate = candidate.trim();
            let none = candidate.is_empty() || candidate == "(none)";
            let candidate = if none { Available::None } else { Available::Version(candidate.to_owned()) };
            said.insert(name, candidate);
        }
    }
    let answer = |name: &String| {
        let own = name.split_once(':').filter(|(_, architecture)| Some(*architecture) == native);
        let found = said.get(name.as_str()).or_else(|| said.get(own?.0));
        found.cloned().unwrap_or(Available::Unknown)
    };
    names.iter().map(|name| (name.clone(), answer(name))).collect()
}

/// Asks apt what the installation and removal of these would do, without doing it. `Err` holds what it said when it
/// cannot be done.
pub(crate) fn simulate(words: &[String]) -> Result<Result<Simulation, Finished>, Failure> {
    let finished = quietly("apt-get")
        .args(["install", "--simulate", "-y", "-q"])
        .args(ONLY_LOOK)
        .arg_separator()
        .args(words)
        .separate()
        .timeout(Duration::from_secs(120))
        .run()?;
    Ok(if finished.succeeded() { Ok(parse_simulation(&finished.output)) } else { Err(finished) })
}

/// `Inst nginx [1.0] (1.22.1-9 Debian:12.5/stable [amd64]) []`, `Remv exim4 [4.96]`
fn parse_simulation(output: &str) -> Simulation {
    let mut simulation = Simulation::default();
    for line in output.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("Inst"), Some(name)) => {
                let version = line.split_once('(').and_then(|(_, rest)| rest.split_whitespace().next());
                let version = version.unwrap_or_default().trim_end_matches(')').to_owned();
                simulation.installed.push((name.to_owned(), version));
            }
            (Some("Remv" | "Purg"), Some(name)) => simulation.removed.push(name.to_owned()),
            _ => {}
        }
    }
    simulation
}

/// Installs and removes. Without `removing`, apt refuses to remove anything.
pub(crate) fn install(words: &[String], removing: bool) -> Result<Finished, Failure> {
    quietly("apt-get")
        .args(["install", "-y", "-q"])
        .args((!removing).then_some("--no-remove"))
        .args(["-o", &format!("DPkg::Lock::Timeout={PATIENCE}"), "-o", "Dpkg::Use-Pty=0"])
        .args(KEEP_FILES)
        .arg_separator()
        .args(words)
        // Long, as it must not be torn.
        .timeout(Duration::from_secs(3600))
        .outliving()
        .run()
}

/// Refreshes the lists.
pub(crate) fn refresh() -> Result<(), Failure> {
    let update = quietly("apt-get")
        .args(["update", "-q", "-o", &format!("DPkg::Lock::Timeout={PATIENCE}")])
        .timeout(Duration::from_secs(900));
    patiently(&update)
}

/// Brings an interrupted dpkg to its end.
pub(crate) fn repair() -> Result<(), Failure> {
    let configure = quietly("dpkg")
        .args(["--force-confdef", "--force-confold", "--configure", "-a"])
        .timeout(Duration::from_secs(3600))
        .outliving();
    patiently(&configure)
}

/// Waits for locks that the program does not wait for by itself: that of the lists, and dpkg's own.
fn patiently(program: &Program) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        let finished = program.clone().run()?;
        if finished.succeeded() {
            return Ok(());
        }
        if !is_locked(&finished.output) || began.elapsed() > Duration::from_secs(PATIENCE) {
            return Err(explain(&finished));
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

impl Program {
    /// What follows are no options.
    fn arg_separator(self) -> Self {
        self.args(["--"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read() {
        let output = "nginx:\n  Installed: (none)\n  Candidate: 1.22.1-9\n  Version table:\n     1.22.1-9 500\n\
            mail-transport-agent:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n\
            libc6:i386:\n  Installed: 2.36\n  Candidate: 2.36\ncut:\n  Installed";
        let names =
            ["nginx", "nginx:amd64", "mail-transport-agent", "libc6:i386", "cut", "nosuch", "nginx:i386"];
        let names: BTreeSet<String> = names.map(str::to_owned).into();
        let found = parse_policy(output, &names, Some("amd64"));
        let version = |text: &str| Available::Version(text.to_owned());
        assert_eq!(found.len(), 7);
        assert_eq!(found["nginx"], version("1.22.1-9"));
        assert_eq!(found["nginx:amd64"], version("1.22.1-9"));
        assert_eq!(found["libc6:i386"], version("2.36"));
        assert_eq!(found["mail-transport-agent"], Available::None);
        for unknown in ["cut", "nosuch", "nginx:i386"] {
            assert_eq!(found[unknown], Available::Unknown, "{unknown}");
        }
    }

    #[test]
    fn simulations_are_read() {
        let output = "NOTE: This is only a simulation!\nReading package lists...\nRemv exim4-base [4.96-15]\n\
            Remv exim4 [4.96-15] [postfix:amd64 ]\nInst nginx-common (1.22.1-9 Debian:12/oldstable [all])\n\
            Inst nginx [1.18.0-6] (1.22.1-9 Debian:12/oldstable, Other [amd64]) [libc6:amd64 ]\n\
            Inst libc6:i386 (2.36-9 local [i386])\nInst cut (1.0\nInst\nConf nginx (1.22.1-9 Debian:12 [amd64])\n";
        let pair = |name: &str, version: &str| (name.to_owned(), version.to_owned());
        assert_eq!(
            parse_simulation(output),
            Simulation {
                installed: vec![
                    pair("nginx-common", "1.22.1-9"),
                    pair("nginx", "1.22.1-9"),
                    pair("libc6:i386", "2.36-9"),
                    pair("cut", "1.0"),
                ],
                removed: vec!["exim4-base".into(), "exim4".into()],
            }
        );
    }
}
