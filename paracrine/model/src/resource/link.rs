//! A symbolic link.

use serde::{Deserialize, Serialize};

use crate::facet::{Acts, Claim, Describe, Entry, Facets, Need, Provided, Reach, Undo};
use crate::name::AbsolutePath;
use crate::take_apart;
#[cfg(feature = "declare")]
use crate::{declare::Declared, diagnostic::Code, resource::Plan};

/// A symbolic link. Replaced atomically; a file in its place is replaced, a directory is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where the link is.
    pub path: AbsolutePath,
    /// What it says: absolute, or relative to its own directory. It need not exist.
    pub target: String,
}

impl Describe for Link {
    const KIND: &'static str = "link";

    fn name(&self) -> &str {
        self.path.as_str()
    }

    fn facets(&self) -> Facets<'_> {
        take_apart!(let Link { path, target } = self; late);
        Facets {
            late,
            claims: vec![Claim::Path(path.as_str())],
            needs: vec![Need::Above(path)],
            provides: vec![Provided::Path(path, Entry::Link(target))],
            acts: Acts::WhenDifferent,
            removes: false,
            reach: Reach::Itself,
            undo: Undo::Paths(vec![path]),
            attributes: vec![("target", target.into())],
        }
    }
}

#[cfg(feature = "declare")]
impl Plan {
    /// Declares a symbolic link at `path` that leads to `target`.
    #[track_caller]
    pub fn link(&self, path: impl AsRef<str>, target: impl AsRef<str>) -> Declared<'_, Link> {
        let path = self.path(path.as_ref());
        let target = self.parse(Code::BAD_PATH, "link target", target.as_ref(), |target| {
            if target.is_empty() || target.contains('\0') || target.contains('\n') {
                Err("is empty or holds a zero byte or a line break".into())
            } else {
                Ok(target.to_owned())
            }
        });
        match (path, target) {
            (Some(path), Some(target)) => self.declare(Link { path, target }),
            _ => self.nothing(),
        }
    }
}
