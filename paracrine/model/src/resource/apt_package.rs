//! A Debian package.

use serde::{Deserialize, Serialize};

use super::{Claim, Describe};
use crate::diagnostic::Code;
use crate::name::{PackageName, Version};
use crate::plan::{AnyTask, Declared, Plan, TaskRef};

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

impl Describe for AptPackage {
    const KIND: &'static str = "package";

    fn name(&self) -> &str {
        self.package.as_str()
    }

    fn claim(&self) -> Claim {
        Claim::Package(self.package.to_string())
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let state = match &self.state {
            PackageState::Present => "present".to_owned(),
            PackageState::AtLeast(version) => format!("at least {version}"),
            PackageState::Absent => "absent".to_owned(),
        };
        vec![("state", state)]
    }
}

impl Plan {
    /// Declares a package; installed where nothing else is said. Neighbouring packages are installed by one `apt-get`.
    #[track_caller]
    pub fn package(&self, name: impl AsRef<str>) -> Declared<'_, AptPackage> {
        match self.parse(Code::BAD_NAME, PackageName::WHAT, name.as_ref(), PackageName::parse) {
            Some(package) => self.declare(AptPackage { package, state: PackageState::Present }),
            None => self.nothing(),
        }
    }

    /// Declares several packages at once; the result names them for `restart_on` and the like.
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

impl Declared<'_, AptPackage> {
    /// Installed in this version or a later one.
    #[track_caller]
    pub fn at_least(self, version: &str) -> Self {
        let version = self.plan().parse(Code::BAD_VERSION, Version::WHAT, version, Version::parse);
        self.adjust_with(version, |package, version| package.state = PackageState::AtLeast(version))
    }

    /// Not installed.
    pub fn absent(self) -> Self {
        self.adjust(|package| package.state = PackageState::Absent)
    }
}
