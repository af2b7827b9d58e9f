//! A directory.

use serde::{Deserialize, Serialize};

use crate::facet::{Acts, Claim, Describe, Entry, Facets, Need, Provided, Reach, Undo};
use crate::name::{AbsolutePath, AccountName, Mode};
use crate::resource::owned::owned;
use crate::take_apart;
#[cfg(feature = "declare")]
use crate::{declare::Declared, resource::Plan};

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

owned!(Directory);

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
            reach: Reach::Itself,
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
