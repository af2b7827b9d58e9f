//! Nothing at a path.

use serde::{Deserialize, Serialize};

use crate::facet::{Acts, Claim, Describe, Entry, Facets, Provided, Reach, Undo};
use crate::name::AbsolutePath;
use crate::take_apart;
#[cfg(feature = "declare")]
use crate::{declare::Declared, resource::Plan};

/// There is nothing at this path: no file, link or directory (with all that is in it).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absent {
    /// The path.
    pub path: AbsolutePath,
}

impl Describe for Absent {
    const KIND: &'static str = "absent";

    fn name(&self) -> &str {
        self.path.as_str()
    }

    fn facets(&self) -> Facets<'_> {
        take_apart!(let Absent { path } = self; late);
        Facets {
            late,
            claims: vec![Claim::Path(path.as_str())],
            needs: vec![],
            provides: vec![Provided::Path(path, Entry::Nothing)],
            acts: Acts::WhenDifferent,
            removes: true,
            reach: Reach::Itself,
            undo: Undo::Paths(vec![path]),
            attributes: vec![],
        }
    }
}

#[cfg(feature = "declare")]
impl Plan {
    /// Removes what is at `path`: a file, a link (not what it leads to) or a directory with all that is in it.
    #[track_caller]
    pub fn absent(&self, path: impl AsRef<str>) -> Declared<'_, Absent> {
        match self.path(path.as_ref()) {
            Some(path) => self.declare(Absent { path }),
            None => self.nothing(),
        }
    }
}
