//! The compiled site, `plan.bin`, as the build helper writes it and the deploy binary embeds it.
//!
//! Eight bytes of magic, the length of the index, the index, then all plans and contents one after the other. A plan lies
//! there as agents read it, so a run forwards the bytes; it decodes the index, and the plans of hosts that have something to
//! report, nothing else, so its memory does not grow with the site. What only people ask for (which line declared a task,
//! which values made it, the schemas for editors) lies apart.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::content::{LargeFile, Stamp};
use crate::hash::Hash;
use crate::host::{Address, Arch};
use crate::late::Late;
use crate::plan::{HostPlan, Origin, Task, ValueUse, Work};

const MAGIC: &[u8; 8] = b"PRCRNE\x00\x02";

/// The section of the deploy binary that holds the large contents, one after the other. It is not loaded: what is sent is
/// read from the executable's file, piece by piece.
pub const LARGE_SECTION: &str = ".paracrine";

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
    /// Of large inputs, how they were when they were hashed: those that still are so need not be read.
    pub stamps: BTreeMap<String, Stamp>,
    blobs: BTreeMap<Hash, Section>,
    /// Within [`LARGE_SECTION`].
    large: BTreeMap<Hash, Section>,
    /// The values that tasks were made from, each once.
    values: Section,
    schemas: BTreeMap<String, Section>,
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
    /// The plan as agents read it: a list of [`Work`].
    plan: Section,
    /// For each task which line declared it, and the file its content came from.
    origins: Section,
    /// The late values in the plan, each once.
    lates: Section,
    /// For each task its values, by their place among all.
    values: Section,
}

/// Where something lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// From the beginning of what it lies in.
    pub start: u64,
    /// In bytes.
    pub length: u64,
}

/// A compiled site, to be read.
#[derive(Clone, Debug)]
pub struct Artifact<'a> {
    /// What it holds.
    pub index: Index,
    data: &'a [u8],
    values: OnceLock<Vec<ValueUse>>,
}

/// What is wrong with bytes that should be a compiled site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(&'static str);

const CUT_OFF: Broken = Broken("it is cut off");

/// Reads a plan as agents get it.
///
/// # Errors
/// Bytes that are no plan.
pub fn read_work(bytes: &[u8]) -> Result<Vec<Work>, postcard::Error> {
    match postcard::take_from_bytes(bytes)? {
        (work, []) => Ok(work),
        _ => Err(postcard::Error::DeserializeBadEncoding),
    }
}

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
        let (length, rest) = rest.split_first_chunk::<8>().ok_or(CUT_OFF)?;
        let length = usize::try_from(u64::from_be_bytes(*length)).map_err(|_| CUT_OFF)?;
        let (index, data) = rest.split_at_checked(length).ok_or(CUT_OFF)?;
        let index = postcard::from_bytes(index).map_err(|_| Broken("its index is garbled"))?;
        Ok(Self { index, data, values: OnceLock::new() })
    }

    /// A host's plan.
    ///
    /// # Errors
    /// A plan that cannot be read.
    pub fn plan(&self, host: &Host) -> Result<HostPlan, Broken> {
        let garbled = Broken("a plan is garbled");
        let work = read_work(self.plan_bytes(host)?).map_err(|_| garbled)?;
        let origins = self.section(host.origins).ok_or(CUT_OFF)?;
        let origins: Vec<(Origin, Option<String>)> = postcard::from_bytes(origins).map_err(|_| garbled)?;
        if origins.len() != work.len() {
            return Err(garbled);
        }
        let task = |(work, (origin, source))| Task { work, origin, source };
        Ok(HostPlan { tasks: work.into_iter().zip(origins).map(task).collect() })
    }

    /// A host's plan as its agent reads it, see [`read_work`].
    ///
    /// # Errors
    /// A plan that is not there.
    pub fn plan_bytes(&self, host: &Host) -> Result<&'a [u8], Broken> {
        self.section(host.plan).ok_or(CUT_OFF)
    }

    /// The late values in a host's plan, each once.
    ///
    /// # Errors
    /// A list that cannot be read.
    pub fn lates(&self, host: &Host) -> Result<Vec<Late>, Broken> {
        let bytes = self.section(host.lates).ok_or(CUT_OFF)?;
        postcard::from_bytes(bytes).map_err(|_| Broken("its late values are garbled"))
    }

    /// For each task of a host the values that its declaration names.
    ///
    /// # Errors
    /// Values that cannot be read.
    pub fn values(&self, host: &Host) -> Result<Vec<Vec<&ValueUse>>, Broken> {
        if host.values.length == 0 || self.index.values.length == 0 {
            return Ok(vec![Vec::new(); usize::try_from(host.tasks).unwrap_or_default()]);
        }
        let all = match self.values.get() {
            Some(all) => all,
            None => {
                let bytes = self.section(self.index.values).ok_or(CUT_OFF)?;
                let all = postcard::from_bytes(bytes).map_err(|_| Broken("its values are garbled"))?;
                self.values.get_or_init(|| all)
            }
        };
        let bytes = self.section(host.values).ok_or(CUT_OFF)?;
        let tasks: Vec<Vec<u32>> =
            postcard::from_bytes(bytes).map_err(|_| Broken("its values are garbled"))?;
        let value = |at: &u32| {
            usize::try_from(*at).ok().and_then(|at| all.get(at)).ok_or(Broken("a value is missing"))
        };
        tasks.iter().map(|values| values.iter().map(value).collect()).collect()
    }

    /// The schemas for editors: the name of each (`config`) and its text.
    pub fn schemas(&self) -> impl Iterator<Item = (&str, &'a str)> {
        let text = |section| std::str::from_utf8(self.section(section)?).ok();
        self.index.schemas.iter().filter_map(move |(name, section)| Some((name.as_str(), text(*section)?)))
    }

    /// The content of that name.
    pub fn blob(&self, hash: &Hash) -> Option<&'a [u8]> {
        self.section(*self.index.blobs.get(hash)?)
    }

    /// Where the large content of that name lies in [`LARGE_SECTION`].
    pub fn large(&self, hash: &Hash) -> Option<Section> {
        self.index.large.get(hash).copied()
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
    values: Vec<ValueUse>,
    known_values: HashMap<ValueUse, ValueId>,
    /// Hosts that are made alike share theirs.
    known_lists: HashMap<Vec<u8>, Section>,
}

/// Names a value that a [`Writer`] was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ValueId(u32);

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
            stamps: BTreeMap::new(),
            blobs: BTreeMap::new(),
            large: BTreeMap::new(),
            values: Section::default(),
            schemas: BTreeMap::new(),
        };
        Self {
            index,
            data: Vec::new(),
            values: Vec::new(),
            known_values: HashMap::new(),
            known_lists: HashMap::new(),
        }
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
        let unwritten = |_| Broken("a plan cannot be written");
        let tasks = u32::try_from(plan.tasks.len()).map_err(|_| Broken("a plan has over 2³² tasks"))?;
        let work: Vec<&Work> = plan.tasks.iter().map(|task| &task.work).collect();
        let origins: Vec<_> = plan.tasks.iter().map(|task| (&task.origin, &task.source)).collect();
        let lates: BTreeSet<&Late> = plan.texts().flat_map(|text| text.lates()).collect();
        let work = postcard::to_allocvec(&work).map_err(unwritten)?;
        let origins = postcard::to_allocvec(&origins).map_err(unwritten)?;
        let lates = postcard::to_allocvec(&lates).map_err(unwritten)?;
        let host = Host {
            environment,
            address,
            roles,
            tasks,
            plan: self.section(&work),
            origins: self.section(&origins),
            lates: self.section(&lates),
            values: Section::default(),
        };
        self.index.hosts.push(host);
        Ok(())
    }

    /// Adds a value, once.
    pub fn value(&mut self, value: ValueUse) -> ValueId {
        if let Some(known) = self.known_values.get(&value) {
            return *known;
        }
        let id = ValueId(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(value.clone());
        self.known_values.insert(value, id);
        id
    }

    /// Says which values the tasks of the host that was added last were made from: a list for each task.
    ///
    /// # Errors
    /// None that is known: postcard can write every list.
    pub fn values_of_host(&mut self, tasks: &[Vec<ValueId>]) -> Result<(), Broken> {
        let bytes = postcard::to_allocvec(tasks).map_err(|_| Broken("values cannot be written"))?;
        let section = match self.known_lists.get(&bytes) {
            Some(known) => *known,
            None => {
                let section = self.section(&bytes);
                self.known_lists.insert(bytes, section);
                section
            }
        };
        if let Some(host) = self.index.hosts.last_mut() {
            host.values = section;
        }
        Ok(())
    }

    /// Adds a schema for editors.
    pub fn schema(&mut self, name: &str, text: &str) {
        let section = self.section(text.as_bytes());
        self.index.schemas.insert(name.to_owned(), section);
    }

    /// Adds a content.
    pub fn blob(&mut self, hash: Hash, bytes: &[u8]) {
        let section = self.section(bytes);
        self.index.blobs.insert(hash, section);
    }

    /// Adds large contents, in the order in which they lie in [`LARGE_SECTION`].
    pub fn large(&mut self, contents: &[LargeFile]) {
        let mut start = 0;
        for content in contents {
            let section = Section { start, length: content.stamp.length };
            self.index.large.insert(content.hash, section);
            start += section.length;
        }
    }

    /// Notes how a large input was when it was hashed.
    pub fn stamp(&mut self, path: String, stamp: Stamp) {
        self.index.stamps.insert(path, stamp);
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
    pub fn finish(mut self) -> Result<Vec<u8>, Broken> {
        if !self.values.is_empty() {
            let values =
                postcard::to_allocvec(&self.values).map_err(|_| Broken("values cannot be written"))?;
            self.index.values = self.section(&values);
        }
        let index = postcard::to_allocvec(&self.index).map_err(|_| Broken("its index cannot be written"))?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&(index.len() as u64).to_be_bytes());
        bytes.extend_from_slice(&index);
        bytes.extend_from_slice(&self.data);
        Ok(bytes)
    }
}

#[cfg(all(test, feature = "declare"))]
mod tests {
    use super::*;

    fn app_host(line: u32) -> ValueUse {
        ValueUse {
            written: Some("cx.env.app_host".into()),
            key: "APP_HOST".into(),
            shown: "app.example.org".into(),
            around: false,
            file: "config.yaml".into(),
            line,
            column: 5,
        }
    }

    fn address(name: &str) -> Address {
        Address {
            name: name.into(),
            ssh_hostname: name.into(),
            ssh_port: None,
            ssh_user: None,
            ssh_key: Vec::new(),
            jump: Vec::new(),
            host_key: None,
            sudo: true,
            arch: Arch::X86_64,
            inventory: "inventory.yaml".into(),
        }
    }

    #[test]
    fn values_are_kept_once_and_found_again_by_task() {
        let plan = crate::plan::Plan::new(Default::default());
        plan.package("nginx");
        plan.package("curl");
        let (plan, _) = plan.finish();
        let mut writer = Writer::new("site".into(), None, vec!["dev".into()]);
        let mut size = Vec::new();
        for name in ["web1", "web2", "db1"] {
            writer.host("dev".into(), address(name), Vec::new(), &plan).unwrap();
            if name != "db1" {
                let values =
                    [writer.value(app_host(3)), writer.value(app_host(4)), writer.value(app_host(3))];
                assert_eq!(values[0], values[2]);
                writer.values_of_host(&[Vec::new(), values.to_vec()]).unwrap();
            }
            size.push(writer.data.len());
        }
        assert_eq!(size[1] - size[0], size[2] - size[1], "web2 shares what web1 has");
        let bytes = writer.finish().unwrap();
        let artifact = Artifact::open(&bytes).unwrap();
        let values = |host: usize| artifact.values(&artifact.index.hosts[host]).unwrap();
        let (three, four) = (app_host(3), app_host(4));
        assert_eq!(values(1), [vec![], vec![&three, &four, &three]]);
        assert_eq!(values(2), [vec![], Vec::<&ValueUse>::new()]);
    }

    #[test]
    fn a_plan_is_kept_as_agents_read_it_and_its_late_values_beside_it() {
        use crate::secret::{Provider, Secret, SecretSource};

        let source = SecretSource { name: "KEY".into(), provider: Provider::Env("KEY".into()) };
        let plan = crate::plan::Plan::new(Default::default());
        let key = plan.file("/etc/key", Secret::new(source.clone()));
        plan.file("/etc/key.old", Secret::new(source.clone()));
        plan.service("app").running().restart_on(&key);
        let (plan, _) = plan.finish();
        let mut writer = Writer::new("site".into(), None, vec!["dev".into()]);
        writer.host("dev".into(), address("web1"), Vec::new(), &plan).unwrap();
        let bytes = writer.finish().unwrap();
        let artifact = Artifact::open(&bytes).unwrap();
        let host = &artifact.index.hosts[0];
        assert_eq!(artifact.plan(host).unwrap(), plan);
        assert_eq!(artifact.lates(host).unwrap(), [Late::Secret(source)]);
        let forwarded = artifact.plan_bytes(host).unwrap();
        let work = read_work(forwarded).unwrap();
        assert_eq!(work, plan.tasks.into_iter().map(|task| task.work).collect::<Vec<_>>());
        assert!(!forwarded.windows(b"artifact.rs".len()).any(|bytes| bytes == b"artifact.rs"));
        for cut in 0..forwarded.len() {
            assert!(read_work(&forwarded[..cut]).is_err(), "cut at {cut}");
        }
        assert!(read_work(&[forwarded, &[0]].concat()).is_err());
    }

    #[test]
    fn every_cut_of_a_compiled_site_is_an_error_and_no_panic() {
        let mut writer = Writer::new("site".into(), None, vec!["dev".into()]);
        let hash = Hash::of(b"content");
        writer.blob(hash, b"content");
        let bytes = writer.finish().unwrap();
        let whole = Artifact::open(&bytes).unwrap();
        assert_eq!(whole.blob(&hash), Some(b"content".as_slice()));
        for cut in 0..bytes.len() {
            if let Ok(artifact) = Artifact::open(&bytes[..cut]) {
                assert_eq!(artifact.blob(&hash), None, "cut at {cut}");
            }
        }
    }
}
