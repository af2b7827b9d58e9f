//! A directory.

use serde::{Deserialize, Serialize};

use crate::facet::{Acts, Claim, Describe, Entry, Facets, Need, Provided, Undo};
use crate::name::{AbsolutePath, AccountName, Mode};
use crate::take_apart;
#[cfg(feature = "declare")]
use crate::{declare::Declared, diagnostic::Code, resource::Plan};

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

    fn facets(&self) -> Facets<'_> {
        take_apart!(let Directory { path, owner, group, mode } = self; late);
        Facets {
            late,
            claims: vec![Claim::Path(path.as_str())],
            needs: vec![Need::Above(path), Need::User(owner.as_str()), Need::Group(group.as_str())],
            provides: vec![Provided::Path(path, Entry::Directory(*mode))],
            acts: Acts::WhenDifferent,
            removes: false,
            undo: Undo::Paths(vec![path]),
            attributes: vec![("owner", owner.into()), ("group", group.into()), ("mode", mode.into())],
        }
    }
}

#[cfg(feature = "declare")]
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

#[cfg(feature = "declare")]
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
