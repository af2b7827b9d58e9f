//! Contents on their way to a host.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hash::Hash;

/// The answer to a host that lacks contents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Delivery {
    /// All that was asked for.
    All(Contents),
}

/// Contents of files by their hashes, deflated together.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Contents {
    /// Hash and length of each, in the order in which they follow each other.
    pub index: Vec<(Hash, u64)>,
    /// All of them, one after the other, as one deflate stream.
    pub deflated: Vec<u8>,
}

/// What they are, without themselves.
impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents").field("index", &self.index).finish_non_exhaustive()
    }
}
