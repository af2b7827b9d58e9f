//! The agents that a site's binary embeds: one executable for every architecture of its hosts.
//!
//! They are built by a cargo inside the build script, once for each state of their sources, and then taken from a cache
//! in the target folder: an edited value of a site never starts that cargo.

mod agent;
mod cache;
mod nested;
mod sources;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::hash::Hash;
use paracrine_model::host::Arch;
use paracrine_model::source;

pub(crate) use agent::Agent;
use agent::Failure;

use crate::site_plan::SitePlan;

/// All agents of a site.
pub(crate) struct Agents {
    pub(crate) built: Vec<Agent>,
    /// What they were built from.
    pub(crate) watched: Vec<PathBuf>,
}

/// The agents for all hosts of the site.
pub(crate) fn all(site: &SitePlan, out: &Path) -> Result<Agents, Vec<Diagnostic>> {
    let mut hosts = BTreeMap::new();
    for host in site.hosts() {
        let host = &site.deployment().hosts[host.index()];
        hosts.entry(host.address.arch).or_insert(host);
    }
    let skip = std::env::var_os("PARACRINE_AGENT").is_some_and(|value| value == "skip");
    let mut agents = Agents { built: Vec::new(), watched: Vec::new() };
    let mut problems = Vec::new();
    for (arch, host) in hosts {
        let agent = match std::env::var_os(variable(arch)).filter(|path| !path.is_empty()) {
            Some(path) => {
                let path = PathBuf::from(path);
                agents.watched.push(path.clone());
                brought(arch, &path)
            }
            None if skip => continue,
            None => {
                agents.watched.extend(sources::watched());
                build(arch, out)
            }
        };
        match agent {
            Ok(agent) => agents.built.push(agent),
            Err(failure) => {
                let message = format!("the agent for {arch} {}", failure.why);
                let mut problem = Diagnostic::error(Code::AGENT_BUILD, message);
                problem = problem.at(host.place.clone(), format!("this host is {arch}"));
                for help in failure.help {
                    problem = problem.help(help);
                }
                problems.push(problem.help(format!(
                    "`{}=path` brings an agent, `PARACRINE_AGENT=skip` builds a binary that cannot deploy",
                    variable(arch)
                )));
            }
        }
    }
    if problems.is_empty() { Ok(agents) } else { Err(problems) }
}

fn variable(arch: Arch) -> String {
    format!("PARACRINE_AGENT_{}", arch.name().to_uppercase())
}

/// An agent that the user brought.
fn brought(arch: Arch, path: &Path) -> Result<Agent, Failure> {
    let unreadable =
        |error| Failure::new(format!("cannot be read: `{}`: {}", path.display(), source::why(&error)));
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let machine = match arch {
        Arch::X86_64 => 62,
        Arch::Aarch64 => 183,
    };
    let found = bytes.get(18..20).map(|field| u16::from_le_bytes([field[0], field[1]]));
    if !bytes.starts_with(b"\x7fELF") || found != Some(machine) {
        return Err(Failure::new(format!(
            "is none: `{}` is no executable for Linux on {arch}",
            path.display()
        )));
    }
    let compressed = cache::compress(&bytes).map_err(unreadable)?;
    Ok(Agent { arch, hash: Hash::of(&bytes), compressed })
}

/// The agent for this state of its sources, from the cache or built now.
fn build(arch: Arch, out: &Path) -> Result<Agent, Failure> {
    let target = nested::target(arch)?;
    let key = sources::key(&target.parts())?;
    let cache = cache::Cache::new(out);
    if let Some(agent) = cache.get(arch, &key) {
        return Ok(agent);
    }
    let _locked = cache.lock()?;
    // Somebody else may have built it while we waited.
    if let Some(agent) = cache.get(arch, &key) {
        return Ok(agent);
    }
    let executable = nested::build(&target, &cache.build_folder())?;
    cache.put(arch, &key, &executable)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The agent as a site would embed it; built unless it was before.
    fn agent() -> Vec<u8> {
        let out = std::env::current_exe().unwrap();
        let agent = build(Arch::X86_64, &out)
            .unwrap_or_else(|failure| panic!("the agent {}: {:?}", failure.why, failure.help));
        let mut executable = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&agent.compressed[..]), &mut executable)
            .unwrap();
        assert_eq!(Hash::of(&executable), agent.hash);
        executable
    }

    fn number(bytes: &[u8], at: usize, length: usize) -> usize {
        bytes[at..at + length].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
    }

    /// Of a 64-bit executable the segments of a type: where they are in the file, and how long.
    fn segments(elf: &[u8], kind: usize) -> Vec<(usize, usize)> {
        let (start, size, count) = (number(elf, 32, 8), number(elf, 54, 2), number(elf, 56, 2));
        let headers = (0..count).map(|index| start + index * size);
        let found = headers.filter(|at| number(elf, *at, 4) == kind);
        found.map(|at| (number(elf, at + 8, 8), number(elf, at + 32, 8))).collect()
    }

    #[test]
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn the_agent_is_static_small_and_asks_no_name_service() {
        const LOAD: usize = 1;
        const DYNAMIC: usize = 2;
        const INTERPRETER: usize = 3;
        const NEEDED: usize = 1;
        let agent = agent();
        assert!(!segments(&agent, LOAD).is_empty());
        assert_eq!(segments(&agent, INTERPRETER), []);
        for (start, length) in segments(&agent, DYNAMIC) {
            let needed = (start..start + length).step_by(16).filter(|at| number(&agent, *at, 8) == NEEDED);
            assert_eq!(needed.count(), 0, "it needs libraries");
        }
        // glibc's name services are libraries that it would load on the host: their names would stand in it.
        for trace in [&b"libnss_"[..], b"nss_files"] {
            let found = agent.windows(trace.len()).any(|window| window == trace);
            assert!(!found, "the agent holds `{}`", String::from_utf8_lossy(trace));
        }
        assert!(agent.len() <= 1_800_000, "the agent has {} bytes", agent.len());
    }

    #[test]
    fn a_brought_agent_has_to_be_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        let failure = brought(Arch::X86_64, &path).err().map(|failure| failure.why).unwrap_or_default();
        assert_eq!(failure, format!("is none: `{}` is no executable for Linux on x86_64", path.display()));
        let mut elf = b"\x7fELF".to_vec();
        elf.resize(64, 0);
        elf[18] = 183;
        std::fs::write(&path, &elf).unwrap();
        assert!(brought(Arch::X86_64, &path).is_err());
        assert_eq!(brought(Arch::Aarch64, &path).map(|agent| agent.hash).ok(), Some(Hash::of(&elf)));
        let missing = brought(Arch::X86_64, &folder.path().join("none")).err().map(|failure| failure.why);
        assert!(missing.is_some_and(|why| why.ends_with("no such file")));
    }
}
