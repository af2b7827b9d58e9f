//! A Debian package.

use serde::{Deserialize, Serialize};

use crate::facet::{Acts, Claim, Describe, Facets, Plain, Provided, Reach, Shown, Undo};
use crate::name::{PackageName, Version};
use crate::take_apart;
#[cfg(feature = "declare")]
use crate::{
    declare::{Declared, TaskRef},
    diagnostic::Code,
    resource::Plan,
};

/// A package that is installed, perhaps in a minimum version, or not installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AptPackage {
    /// Its name.
    pub package: PackageName,
    /// What should be.
    pub state: PackageState,
}

/// What should be of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackageState {
    /// Installed, whatever the version.
    Present,
    /// Installed in this version or a later one.
    AtLeast(Version),
    /// Not installed. Its configuration may be left (dpkg's `config-files`).
    Absent,
}

impl Plain for PackageState {}

impl Describe for AptPackage {
    const KIND: &'static str = "package";

    fn name(&self) -> &str {
        self.package.as_str()
    }

    fn facets(&self) -> Facets<'_> {
        take_apart!(let AptPackage { package, state } = self; late);
        let (there, shown) = match state {
            PackageState::Present => (true, Shown::from("present")),
            PackageState::AtLeast(version) => (true, Shown::said(format_args!("at least {version}"))),
            PackageState::Absent => (false, Shown::from("absent")),
        };
        Facets {
            late,
            claims: vec![Claim::Package(package.as_str())],
            needs: vec![],
            provides: there.then_some(Provided::Package(package.as_str())).into_iter().collect(),
            acts: Acts::WhenDifferent,
            removes: !there,
            reach: Reach::Anything,
            undo: Undo::Not("what a package brought or took along is known to apt alone"),
            attributes: vec![("state", shown)],
        }
    }
}

#[cfg(feature = "declare")]
impl Plan {
    /// Declares a package; installed where nothing else is said. Neighbouring packages are installed by one `apt-get`.
    #[track_caller]
    pub fn package(&self, name: impl AsRef<str>) -> Declared<'_, AptPackage> {
        match self.parse(Code::BAD_NAME, PackageName::WHAT, name.as_ref(), PackageName::parse) {
            Some(package) => self.declare(AptPackage { package, state: PackageState::Present }),
            None => self.nothing(),
        }
    }

    /// Declares several packages at once; the result names them all for `restart_on` and the like.
    #[track_caller]
    pub fn packages<S: AsRef<str>>(&self, names: impl IntoIterator<Item = S>) -> Vec<TaskRef> {
        // A plain loop: `track_caller` does not reach into closures.
        let mut tasks = Vec::new();
        for name in names {
            tasks.push(self.package(name).task());
        }
        tasks
    }
}

#[cfg(feature = "declare")]
impl Declared<'_, AptPackage> {
    /// Installed in this version or a later one.
    #[track_caller]
    pub fn at_least(self, version: impl AsRef<str>) -> Self {
        let version = self.plan().parse(Code::BAD_VERSION, Version::WHAT, version.as_ref(), Version::parse);
        self.adjust_with(version, |package, version| package.state = PackageState::AtLeast(version))
    }

    /// Not installed.
    pub fn absent(self) -> Self {
        self.adjust(|package| package.state = PackageState::Absent)
    }
}
