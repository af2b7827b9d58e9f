//! The machine as the tasks of one run see it: what is there, under what a check has predicted.
//!
//! Every look and every change goes through here. In a check, `predict_*` lays what earlier tasks would have made
//! over the machine, so that later tasks compare against that; in an apply nothing is ever predicted.

pub mod accounts;
mod ahead;
mod at_path;
mod live;
mod obstacle;
pub mod owners;
pub mod packages;
pub mod paths;
pub(crate) mod private;
pub mod process;
pub mod redact;
mod unit_files;
pub mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use paracrine_model::hash::Hash;
use paracrine_model::late::{Late, LateValues, Unresolved};
use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::{Difference, Failure, Lacking, Report};
use paracrine_model::text::Text;

use crate::receipt::Receipt;

pub(crate) use ahead::Intent;
pub use ahead::Step;

/// Takes a content piece by piece.
pub(crate) type Take<'t> = dyn FnMut(&[u8]) + 't;

type Fetch = Box<dyn FnMut(&[Lacking], &mut Take<'_>) -> Result<(), Failure>>;

/// A content is not what its name says.
fn damaged() -> Failure {
    Failure::new("a content arrived damaged").help("run again; if it happens again, it is a bug")
}

/// Contents that arrived one after the other, apart again.
///
/// # Errors
/// One that is not what its name says.
pub(crate) fn apart(all: &[u8], lacking: &[Lacking]) -> Result<Vec<(Hash, Vec<u8>)>, Failure> {
    let mut rest = all;
    let mut contents = Vec::with_capacity(lacking.len());
    for Lacking { hash, length } in lacking {
        let length = usize::try_from(*length).map_err(|_| damaged())?;
        let (bytes, after) = rest.split_at_checked(length).ok_or_else(damaged)?;
        if Hash::of(bytes) != *hash {
            return Err(damaged());
        }
        contents.push((*hash, bytes.to_vec()));
        rest = after;
    }
    Ok(contents)
}

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
    /// Whether a content did not come: then the run ends, and whoever waited for it has not failed.
    undelivered: bool,
    pub(crate) paths: paths::Paths,
    ahead: ahead::Ahead,
    pub(crate) accounts: accounts::Accounts,
    pub(crate) packages: packages::Packages,
    pub(crate) units: units::Units,
    /// What somebody should know, though it is no failure; told with the report of the task at hand.
    pub(crate) notices: Vec<String>,
    /// Directories that the plan decides about.
    decided: BTreeSet<AbsolutePath>,
    /// Notices that were told already, of those that are told once.
    noted: BTreeSet<String>,
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
        /// What it may change.
        reach: Reach,
    },
}

impl Maker {
    /// `package nginx may bring it`
    fn may(&self) -> String {
        match self {
            Self::Package(name) => format!("package {name} may bring it"),
            Self::Command { name, .. } => format!("command `{name}` may make it"),
        }
    }
}

/// How far a command may reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It says nothing of what it makes.
    Anything,
    /// It makes this; it has not said that it changes nothing else.
    Makes(AbsolutePath),
    /// It promises to change nothing but these and what is below.
    Only(Vec<AbsolutePath>),
}

impl Reach {
    /// The paths to which it is bound, if it is.
    pub(crate) fn paths(&self) -> Option<&[AbsolutePath]> {
        match self {
            Self::Anything => None,
            Self::Makes(path) => Some(std::slice::from_ref(path)),
            Self::Only(paths) => Some(paths),
        }
    }

    /// Whether what is at a path may come of it.
    pub(crate) fn reaches(&self, path: &AbsolutePath) -> bool {
        self.paths().is_none_or(|paths| paths.iter().any(|made| path.is_at_or_below(made)))
    }

    /// Whether it may change what the system keeps in these files or below these directories.
    fn reaches_any(&self, places: &[&str]) -> bool {
        let Self::Only(paths) = self else { return true };
        let meets = |path: &AbsolutePath, place: &str| {
            AbsolutePath::parse(place).is_ok_and(|place| path.is_at_or_below(&place) || place.is_below(path))
        };
        paths.iter().any(|path| places.iter().any(|place| meets(path, place)))
    }
}

/// Where accounts are kept.
pub(crate) const ACCOUNTS: &[&str] = &["/etc/passwd", "/etc/group"];

/// Where apt looks for what it can install.
pub(crate) const PACKAGES: &[&str] = &["/etc/apt", "/usr/share/keyrings", "/var/lib/apt", "/var/lib/dpkg"];

/// Where systemd looks for units.
pub(crate) const UNITS: &[&str] = &[
    "/etc/systemd",
    "/etc/init.d",
    "/lib/systemd",
    "/run/systemd",
    "/usr/lib/systemd",
    "/usr/local/lib/systemd",
];

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
        fetch: impl FnMut(&[Lacking], &mut Take<'_>) -> Result<(), Failure> + 'static,
    ) -> Self {
        let root = root.into();
        Self {
            paths: paths::Paths::new(&root),
            ahead: ahead::Ahead::default(),
            accounts: accounts::Accounts::new(&root),
            packages: packages::Packages::new(&root),
            units: units::Units::new(),
            root,
            mask: redact::Mask::new(&values),
            values,
            contents: BTreeMap::new(),
            fetch: Box::new(fetch),
            undelivered: false,
            notices: Vec::new(),
            noted: BTreeSet::new(),
            decided: BTreeSet::new(),
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

    /// A content, asked for if it is not here yet. Only for those that are not large.
    ///
    /// # Errors
    /// The controller is gone or lacks it.
    pub fn content(&mut self, content: Lacking) -> Result<Vec<u8>, Failure> {
        if let Some(bytes) = self.contents.get(&content.hash) {
            return Ok(bytes.clone());
        }
        let mut bytes = Vec::new();
        self.receive(content, &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Asks for a content and hands it on piece by piece; all of it has come and is what it should be when this is `Ok`.
    ///
    /// # Errors
    /// The controller is gone or lacks it, or a piece could not be taken.
    pub(crate) fn receive(
        &mut self,
        content: Lacking,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut hash = Hash::in_pieces();
        let mut taken = Ok(());
        let came = (self.fetch)(&[content], &mut |piece| {
            hash.add(piece);
            // After a failure the rest still comes, and is passed over.
            if taken.is_ok() {
                taken = take(piece);
            }
        });
        if let Err(failure) = came {
            self.undelivered = true;
            return Err(failure);
        }
        taken?;
        if hash.finish() == content.hash { Ok(()) } else { Err(damaged()) }
    }

    /// Whether a content did not come, as the run has to end.
    pub(crate) fn undelivered(&self) -> bool {
        self.undelivered
    }

    /// Has something told, once in a run.
    pub(crate) fn note(&mut self, note: String) {
        if self.noted.insert(note.clone()) {
            self.notices.push(note);
        }
    }

    /// Forgets what was looked at: others may have changed anything since.
    pub(crate) fn forget(&mut self) {
        self.accounts.forget();
        self.packages.forget();
        self.units.forget();
        self.paths.forget();
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

    /// Registers a directory that some task of the plan decides about.
    pub(crate) fn announce_directory(&mut self, path: &AbsolutePath) {
        self.decided.insert(path.clone());
    }

    /// Whether some task of the plan decides about that directory.
    pub(crate) fn decides(&self, path: &AbsolutePath) -> bool {
        self.decided.contains(path)
    }

    /// Check only: why a process that runs now may have ended when a task's turn comes in an apply.
    pub(crate) fn may_end_processes(&self) -> Option<String> {
        match self.makers.last() {
            Some(Maker::Package(name)) => Some(format!("package {name} is installed before it")),
            Some(Maker::Command { name, .. }) => Some(format!("command `{name}` is run before it")),
            None => self
                .units
                .predicts_anything()
                .then(|| "the state of services is changed before it".to_owned()),
        }
    }

    /// Check only: why something that the system keeps at these places may be there after all, when its task's turn comes in
    /// an apply.
    pub(crate) fn may_be_brought(&self, places: &[&str]) -> Option<String> {
        let may = |maker: &&Maker| match maker {
            Maker::Package(_) => true,
            Maker::Command { reach, .. } => reach.reaches_any(places),
        };
        self.makers.iter().rev().find(may).map(Maker::may)
    }

    /// Check only: why the missing `path` may be there after all. Packages bring nothing to the places that Debian's
    /// policy keeps for the administrator (the FHS's `/srv`, `/opt`, `/usr/local`, homes).
    pub fn path_may_be_brought(&self, path: &AbsolutePath) -> Option<String> {
        const LOCAL: [&str; 6] = ["/home/", "/opt/", "/root/", "/srv/", "/usr/local/", "/tmp/"];
        let local = LOCAL.iter().any(|place| path.as_str().starts_with(place));
        let may = |maker: &&Maker| match maker {
            Maker::Package(_) => !local,
            Maker::Command { reach, .. } => reach.reaches(path),
        };
        self.makers.iter().rev().find(may).map(Maker::may)
    }
}
