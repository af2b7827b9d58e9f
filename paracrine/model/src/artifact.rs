//! The compiled site, `plan.bin`, as the build helper writes it and the deploy binary embeds it.
//!
//! Eight bytes of magic, the length of the index, the index, then all plans and contents one after the other. A run
//! decodes the index and the plans of the hosts it deploys, nothing else, so its memory does not grow with the site.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::host::{Address, Arch};
use crate::plan::HostPlan;

const MAGIC: &[u8; 8] = b"PRCRNE\x00\x01";

/// What a compiled site holds, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// The name of the site's package.
    pub site: String,
    /// The commit it was built from, with `+` where the tree had changes; `None` outside a checkout.
    pub commit: Option<String>,
    /// The files it was built from, relative to the site, with the hashes of their contents.
    pub inputs: Vec<(String, Hash)>,
    /// The environments in the order of the config.
    pub environments: Vec<String>,
    /// Every host of every inventory.
    pub hosts: Vec<Host>,
    /// The agents that the binary holds: the hash of each executable.
    pub agents: BTreeMap<Arch, Hash>,
    blobs: BTreeMap<Hash, Section>,
}

/// One host in the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The environment it belongs to.
    pub environment: String,
    /// How it is reached.
    pub address: Address,
    /// The roles it plays.
    pub roles: Vec<String>,
    /// How many tasks its plan has.
    pub tasks: u32,
    plan: Section,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Section {
    start: u64,
    length: u64,
}

/// A compiled site, to be read.
#[derive(Clone, Debug)]
pub struct Artifact<'a> {
    /// What it holds.
    pub index: Index,
    data: &'a [u8],
}

/// What is wrong with bytes that should be a compiled site.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken(&'static str);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the compiled site cannot be read: {}", self.0)
    }
}

impl std::error::Error for Broken {}

impl<'a> Artifact<'a> {
    /// Reads the index.
    ///
    /// # Errors
    /// Bytes that are no compiled site, or one of another version.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Broken> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(Broken("not one of this version"))?;
        let (length, rest) = rest.split_first_chunk::<8>().ok_or(Broken("it is cut off"))?;
        let length = usize::try_from(u64::from_be_bytes(*length)).map_err(|_| Broken("it is cut off"))?;
        let (index, data) = rest.split_at_checked(length).ok_or(Broken("it is cut off"))?;
        let index = postcard::from_bytes(index).map_err(|_| Broken("its index is garbled"))?;
        Ok(Self { index, data })
    }

    /// A host's plan.
    ///
    /// # Errors
    /// A plan that cannot be read.
    pub fn plan(&self, host: &Host) -> Result<HostPlan, Broken> {
        let bytes = self.section(host.plan).ok_or(Broken("it is cut off"))?;
        postcard::from_bytes(bytes).map_err(|_| Broken("a plan is garbled"))
    }

    /// The content of that name.
    pub fn blob(&self, hash: &Hash) -> Option<&'a [u8]> {
        self.section(*self.index.blobs.get(hash)?)
    }

    fn section(&self, section: Section) -> Option<&'a [u8]> {
        let start = usize::try_from(section.start).ok()?;
        let end = start.checked_add(usize::try_from(section.length).ok()?)?;
        self.data.get(Range { start, end })
    }
}

/// A compiled site, to be written.
pub struct Writer {
    index: Index,
    data: Vec<u8>,
}

impl Writer {
    /// An empty one.
    pub fn new(site: String, commit: Option<String>, environments: Vec<String>) -> Self {
        let index = Index {
            site,
            commit,
            inputs: Vec::new(),
            environments,
            hosts: Vec::new(),
            agents: BTreeMap::new(),
            blobs: BTreeMap::new(),
        };
        Self { index, data: Vec::new() }
    }

    /// Adds a host with its plan.
    ///
    /// # Errors
    /// None that is known: postcard can write every plan.
    pub fn host(
        &mut self,
        environment: String,
        address: Address,
        roles: Vec<String>,
        plan: &HostPlan,
    ) -> Result<(), Broken> {
        let bytes = postcard::to_allocvec(plan).map_err(|_| Broken("a plan cannot be written"))?;
        let tasks = u32::try_from(plan.tasks.len()).map_err(|_| Broken("a plan has over 2³² tasks"))?;
        let plan = self.section(&bytes);
        self.index.hosts.push(Host { environment, address, roles, tasks, plan });
        Ok(())
    }

    /// Adds a content.
    pub fn blob(&mut self, hash: Hash, bytes: &[u8]) {
        let section = self.section(bytes);
        self.index.blobs.insert(hash, section);
    }

    /// Names an input file.
    pub fn input(&mut self, path: String, hash: Hash) {
        self.index.inputs.push((path, hash));
    }

    /// Names an agent.
    pub fn agent(&mut self, arch: Arch, hash: Hash) {
        self.index.agents.insert(arch, hash);
    }

    fn section(&mut self, bytes: &[u8]) -> Section {
        let start = self.data.len() as u64;
        self.data.extend_from_slice(bytes);
        Section { start, length: bytes.len() as u64 }
    }

    /// The whole as bytes.
    ///
    /// # Errors
    /// None that is known: postcard can write every index.
    pub fn finish(self) -> Result<Vec<u8>, Broken> {
        let index = postcard::to_allocvec(&self.index).map_err(|_| Broken("its index cannot be written"))?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&(index.len() as u64).to_be_bytes());
        bytes.extend_from_slice(&index);
        bytes.extend_from_slice(&self.data);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_of_a_compiled_site_is_an_error_and_no_panic() {
        let mut writer = Writer::new("site".into(), None, vec!["dev".into()]);
        let hash = Hash::of(b"content");
        writer.blob(hash, b"content");
        let bytes = writer.finish().unwrap();
        let whole = Artifact::open(&bytes).unwrap();
        assert_eq!(whole.blob(&hash), Some(b"content".as_slice()));
        for cut in 0..bytes.len() {
            match Artifact::open(&bytes[..cut]) {
                Ok(artifact) => assert_eq!(artifact.blob(&hash), None, "cut at {cut}"),
                Err(Broken(_)) => {}
            }
        }
    }
}
