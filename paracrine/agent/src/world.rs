//! The machine as the tasks of one run see it: what is there, under what a check has predicted.
//!
//! Every look and every change goes through here. In a check, `predict_*` lays what earlier tasks would have made
//! over the machine, so that later tasks compare against that; in an apply nothing is ever predicted.

pub mod accounts;
mod at_path;
mod live;
pub mod owners;
pub mod packages;
pub mod paths;
pub mod process;
pub mod redact;
pub mod units;

use std::collections::BTreeMap;
use std::path::PathBuf;

use paracrine_model::hash::Hash;
use paracrine_model::late::{Late, LateValues, Unresolved};
use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::{Difference, Failure, Report};
use paracrine_model::text::Text;

use crate::receipt::Receipt;

type Fetch = Box<dyn FnMut(&Hash) -> Result<Vec<u8>, Failure>>;

/// See the module.
pub struct World {
    /// `/` on hosts; a temporary directory in tests of resources that are only paths.
    pub(crate) root: PathBuf,
    /// Values of late texts.
    pub(crate) values: LateValues,
    mask: redact::Mask,
    /// Contents that the controller has sent.
    pub(crate) contents: BTreeMap<Hash, Vec<u8>>,
    /// Asks the controller for a content that is not there.
    pub(crate) fetch: Fetch,
    pub(crate) paths: paths::Paths,
    pub(crate) accounts: accounts::Accounts,
    pub(crate) packages: packages::Packages,
    pub(crate) units: units::Units,
    /// Check only: packages and commands that an apply would have run by now, in order: `package nginx`.
    pub(crate) makers: Vec<Maker>,
}

/// Check only: something pending that may make more than the plan says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Maker {
    /// A package would have been installed.
    Package(String),
    /// A command would have been run.
    Command {
        /// Its name.
        name: String,
        /// What it says it makes; one that says nothing may make anything.
        creates: Option<AbsolutePath>,
    },
}

/// Why a task cannot be done before another one is.
fn waits_for(late: &Late) -> Failure {
    let failure = Failure::new(format!("the value of {late} is not known yet"));
    match late {
        Late::Signal(signal) => {
            failure.help(format!("apply {} before, or together with this host", signal.host))
        }
        Late::Secret(_) => failure,
    }
}

impl World {
    /// The machine below `root`.
    pub fn new(
        root: impl Into<PathBuf>,
        values: LateValues,
        fetch: impl FnMut(&Hash) -> Result<Vec<u8>, Failure> + 'static,
    ) -> Self {
        let root = root.into();
        Self {
            paths: paths::Paths::new(&root),
            accounts: accounts::Accounts::new(&root),
            packages: packages::Packages::new(&root),
            units: units::Units::new(),
            root,
            mask: redact::Mask::new(&values),
            values,
            contents: BTreeMap::new(),
            fetch: Box::new(fetch),
            makers: Vec::new(),
        }
    }

    /// Keeps contents that the controller has sent.
    pub fn keep(&mut self, contents: impl IntoIterator<Item = (Hash, Vec<u8>)>) {
        self.contents.extend(contents);
    }

    /// Gives the run a receipt, without which nothing can be changed.
    pub fn keep_receipt(&mut self, receipt: Receipt) {
        self.paths.keep_receipt(receipt);
    }

    /// The run's receipt, if it has one: an apply has.
    pub fn receipt(&mut self) -> Option<&mut Receipt> {
        self.paths.receipt()
    }

    /// A content, asked for if it is not here yet.
    ///
    /// # Errors
    /// The controller is gone or lacks it.
    pub fn content(&mut self, hash: &Hash) -> Result<Vec<u8>, Failure> {
        match self.contents.get(hash) {
            Some(bytes) => Ok(bytes.clone()),
            None => (self.fetch)(hash),
        }
    }

    /// Takes in late values that the controller has learnt of since the run began.
    pub fn learn(&mut self, later: LateValues) {
        self.mask.learn(&later);
        self.values.learn(later);
    }

    /// A text with its late values in place.
    ///
    /// # Errors
    /// Whose value it waits for.
    pub(crate) fn resolve(&self, text: &Text) -> Result<String, Failure> {
        text.resolve(&self.values).map_err(|why| match why {
            Unresolved::Missing(late) => Failure::new(format!("the value of {late} is not here")),
            Unresolved::Unknown(late) => waits_for(&late),
        })
    }

    /// Nothing, if all values of a text are known.
    ///
    /// # Errors
    /// Whose value it waits for.
    pub(crate) fn require_known(&self, text: &Text) -> Result<(), Failure> {
        text.unknown(&self.values).first().map_or(Ok(()), |late| Err(waits_for(late)))
    }

    /// A report without the values of secrets: the one exit through which programs' output leaves the machine.
    pub fn mask(&self, report: Report) -> Report {
        self.mask.report(report)
    }

    /// The same of one difference, for what stays on the machine.
    pub fn mask_one(&self, difference: Difference) -> Difference {
        self.mask.difference(difference)
    }

    /// Check only: why something missing may be there after all, when its task's turn comes in an apply.
    pub fn may_be_brought(&self) -> Option<String> {
        self.makers.last().map(|maker| match maker {
            Maker::Package(name) => format!("package {name} may bring it"),
            Maker::Command { name, .. } => format!("command `{name}` may make it"),
        })
    }

    /// Check only: why the missing `path` may be there after all. Packages bring nothing to the places that Debian's
    /// policy keeps for the administrator (the FHS's `/srv`, `/opt`, `/usr/local`, homes).
    pub fn path_may_be_brought(&self, path: &AbsolutePath) -> Option<String> {
        const LOCAL: [&str; 6] = ["/home/", "/opt/", "/root/", "/srv/", "/usr/local/", "/tmp/"];
        let local = LOCAL.iter().any(|place| path.as_str().starts_with(place));
        let may = |maker: &&Maker| match maker {
            Maker::Package(_) => !local,
            Maker::Command { creates, .. } => {
                creates.as_ref().is_none_or(|made| path == made || path.is_below(made))
            }
        };
        Some(match self.makers.iter().rev().find(may)? {
            Maker::Package(name) => format!("package {name} may bring it"),
            Maker::Command { name, .. } => format!("command `{name}` may make it"),
        })
    }
}
