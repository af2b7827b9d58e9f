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
    Plain(#[serde(with = "at_once")] Vec<u8>),
    /// As a deflate stream of its own, of at most [`PIECE`] bytes when it is unpacked.
    Deflated(#[serde(with = "at_once")] Vec<u8>),
}

/// Bytes that are copied as a whole: one by one, a piece takes longer than it takes to hash and write it.
mod at_once {
    use std::fmt;

    use serde::de::{Deserializer, Visitor};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        from.deserialize_bytes(Bytes)
    }

    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }
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
