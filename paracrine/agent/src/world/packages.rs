//! Debian packages: what dpkg has installed, read from its status file; what apt could install, asked only where a
//! package is not as it should be; and under it what a check has predicted.

mod apt;
mod lists;
mod status;
#[cfg(test)]
mod tests;
mod trouble;
mod version;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use paracrine_model::protocol::Failure;

pub(crate) use apt::{Simulation, install, refresh, repair, simulate};
pub(crate) use lists::Lists;
pub use status::{Package, Provider, Status};
pub(crate) use trouble::{Trouble, explain, is_everybodys, may_be_stale, trouble};
pub use version::compare;

/// The packages of the machine.
pub struct Packages {
    root: PathBuf,
    /// Names that tasks are about: nothing else is kept of the status file.
    wanted: BTreeSet<String>,
    /// Names that some task wants gone: nothing else is ever removed.
    unwanted: BTreeSet<String>,
    found: Option<status::Found>,
    available: Option<BTreeMap<String, Available>>,
    /// Check only: by name, without `:arch` for the machine's own. `None` for one that would be removed.
    predicted: BTreeMap<String, Option<Predicted>>,
    /// Whether the lists were refreshed in this run.
    pub(crate) refreshed: bool,
}

/// A package that would be installed by now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Predicted {
    /// In this version; `None` if that cannot be known.
    pub version: Option<String>,
}

/// What apt could install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Available {
    /// apt has never heard of the name.
    Unknown,
    /// A name without a version of its own: one that other packages provide, or that pins keep out.
    None,
    /// This version would be installed.
    Version(String),
}

impl Packages {
    /// The packages below `root`.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            wanted: BTreeSet::new(),
            unwanted: BTreeSet::new(),
            found: None,
            available: None,
            predicted: BTreeMap::new(),
            refreshed: false,
        }
    }

    /// Registers a name before the status file is read, so that it is read once.
    pub fn announce(&mut self, name: &str, to_be_removed: bool) {
        self.wanted.insert(name.to_owned());
        if to_be_removed {
            self.unwanted.insert(name.to_owned());
        }
    }

    /// Forgets what was read; called after everything that may have changed a package.
    pub fn forget(&mut self) {
        self.found = None;
        self.available = None;
    }

    /// A package as it is or is predicted.
    ///
    /// # Errors
    /// The status file cannot be read.
    pub fn state(&mut self, name: &str) -> Result<Package, Failure> {
        let key = self.key(name)?;
        if let Some(predicted) = self.predicted.get(&key) {
            let status = if predicted.is_some() { Status::Installed } else { Status::NotInstalled };
            let version = predicted.clone().and_then(|predicted| predicted.version);
            return Ok(Package { status, version, ..Package::default() });
        }
        let mut package = self.found(Some(name))?.packages.get(name).cloned().unwrap_or_default();
        // `postgresql-client-15` provides `postgresql-client`, but there is a package of that name, and that is meant.
        if !package.providers.is_empty()
            && self.root == Path::new("/")
            && matches!(self.available(name), Ok(Available::Version(_)))
        {
            package.providers.clear();
        }
        Ok(package)
    }

    /// Whether a check has predicted anything about the package.
    pub fn predicts(&self, name: &str) -> bool {
        self.predicted.contains_key(name)
    }

    /// Whether some task of the plan wants the package gone.
    pub fn is_unwanted(&self, name: &str) -> bool {
        self.unwanted.contains(name)
    }

    /// What apt could install by that name; asked for all names at once that were announced.
    ///
    /// # Errors
    /// apt cannot be asked.
    pub fn available(&mut self, name: &str) -> Result<Available, Failure> {
        self.wanted.insert(name.to_owned());
        let native = self.native()?;
        let available = match self.available.take() {
            Some(available) if available.contains_key(name) => available,
            _ => apt::policy(&self.wanted, native.as_deref())?,
        };
        let answer = available.get(name).cloned().unwrap_or(Available::Unknown);
        self.available = Some(available);
        Ok(answer)
    }

    /// How old apt's lists are.
    pub(crate) fn lists(&self) -> Lists {
        Lists::look(&self.root)
    }

    /// Check: a package would be installed.
    pub fn predict(&mut self, name: &str, version: Option<String>) {
        let key = self.key(name).unwrap_or_else(|_| name.to_owned());
        self.predicted.insert(key, Some(Predicted { version }));
    }

    /// Check: a package would be removed.
    pub fn predict_removed(&mut self, name: &str) {
        let key = self.key(name).unwrap_or_else(|_| name.to_owned());
        self.predicted.insert(key, None);
    }

    /// Whether dpkg was interrupted in its work.
    pub(crate) fn was_interrupted(&self) -> bool {
        let journal = self.root.join("var/lib/dpkg/updates");
        std::fs::read_dir(journal).is_ok_and(|entries| {
            entries.flatten().any(|entry| entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit))
        })
    }

    fn native(&mut self) -> Result<Option<String>, Failure> {
        Ok(self.found(None)?.native.clone())
    }

    /// The name without the machine's own architecture.
    fn key(&mut self, name: &str) -> Result<String, Failure> {
        match name.split_once(':') {
            Some((bare, architecture)) if self.native()?.as_deref() == Some(architecture) => {
                Ok(bare.to_owned())
            }
            _ => Ok(name.to_owned()),
        }
    }

    /// The status file, read with regard to a name if there is one.
    fn found(&mut self, name: Option<&str>) -> Result<&status::Found, Failure> {
        if let Some(name) = name.filter(|name| !self.wanted.contains(*name)) {
            self.wanted.insert(name.to_owned());
            self.found = None;
        }
        let found = match self.found.take() {
            Some(found) => found,
            None => {
                let path = self.root.join("var/lib/dpkg/status");
                File::open(&path)
                    .and_then(|file| status::read(BufReader::with_capacity(64 * 1024, file), &self.wanted))
                    .map_err(|error| {
                        Failure::new(format!("cannot read dpkg's status file {}: {error}", path.display()))
                            .help("Paracrine deploys to Debian and its relatives")
                    })?
            }
        };
        Ok(self.found.insert(found))
    }
}
