//! Contents on their way to a host, piece by piece: neither end ever holds more of a large one than a piece.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hash::Hash;

/// No piece of a content is longer.
pub const PIECE: usize = 256 * 1024;

/// A content that a host lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lacking {
    /// Names it.
    pub hash: Hash,
    /// In bytes, as the plan says.
    pub length: u64,
}

/// The next piece of what was asked for. The contents follow each other without a gap, in the order in which they were asked
/// for; a piece may hold the end of one and the beginning of others.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// As it is, as packing does not pay: at most [`PIECE`] bytes.
    Plain(Vec<u8>),
    /// As a deflate stream of its own, of at most [`PIECE`] bytes when it is unpacked.
    Deflated(Vec<u8>),
}

/// How long it is, without itself.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(bytes) => write!(f, "Plain({} bytes)", bytes.len()),
            Self::Deflated(bytes) => write!(f, "Deflated({} bytes)", bytes.len()),
        }
    }
}
