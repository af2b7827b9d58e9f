//! A directory.

use serde::{Deserialize, Serialize};

use super::{Claim, Describe};
use crate::diagnostic::Code;
use crate::name::{AbsolutePath, AccountName, Mode};
use crate::plan::{Declared, Plan};

/// A directory with this owner, group and mode. What is in it is not touched. Missing parents are not made: they
/// have owners and modes of their own, so declare them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// The path.
    pub path: AbsolutePath,
    /// `root` where nothing is said.
    pub owner: AccountName,
    /// `root` where nothing is said.
    pub group: AccountName,
    /// 0755 where nothing is said.
    pub mode: Mode,
}

impl Describe for Directory {
    const KIND: &'static str = "directory";

    fn name(&self) -> &str {
        self.path.as_str()
    }

    fn claim(&self) -> Claim {
        Claim::Path(self.path.to_string())
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![
            ("owner", self.owner.to_string()),
            ("group", self.group.to_string()),
            ("mode", self.mode.to_string()),
        ]
    }
}

impl Plan {
    /// Declares a directory.
    #[track_caller]
    pub fn directory(&self, path: impl AsRef<str>) -> Declared<'_, Directory> {
        match self.path(path.as_ref()) {
            Some(path) => self.declare(Directory {
                path,
                owner: AccountName::root(),
                group: AccountName::root(),
                mode: Mode::DIRECTORY,
            }),
            None => self.nothing(),
        }
    }
}

impl Declared<'_, Directory> {
    /// Sets the owner.
    #[track_caller]
    pub fn owner(self, owner: &str) -> Self {
        let owner = self.plan().parse(Code::BAD_NAME, "owner", owner, AccountName::parse);
        self.adjust_with(owner, |directory, owner| directory.owner = owner)
    }

    /// Sets the group.
    #[track_caller]
    pub fn group(self, group: &str) -> Self {
        let group = self.plan().parse(Code::BAD_NAME, "group", group, AccountName::parse);
        self.adjust_with(group, |directory, group| directory.group = group)
    }

    /// Sets the mode, like `0o750`.
    #[track_caller]
    pub fn mode(self, mode: u32) -> Self {
        let mode = self.plan().mode(mode);
        self.adjust_with(mode, |directory, mode| directory.mode = mode)
    }
}
