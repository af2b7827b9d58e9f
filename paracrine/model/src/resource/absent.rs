//! Nothing at a path.

use serde::{Deserialize, Serialize};

use super::{Claim, Describe};
use crate::name::AbsolutePath;
use crate::plan::{Declared, Plan};

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

    fn claim(&self) -> Claim {
        Claim::Path(self.path.to_string())
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

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
