//! The contents that a host lacks, piece by piece: nobody holds more of a large one than a piece.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use paracrine_model::artifact::{Artifact, Section};
use paracrine_model::content::Content;
use paracrine_model::hash::Hash;
use paracrine_model::plan::HostPlan;
use paracrine_model::protocol::{Delivery, Failure, Lacking, PIECE};

use crate::large::LargeContents;

/// After a piece that packing did not make smaller, so many are sent as they are before the next is tried.
const PASSED_OVER: usize = 15;

/// Where the bytes of a content are.
#[derive(Clone, Copy, Debug)]
enum Bytes {
    /// In memory, as part of the site.
    Here(&'static [u8]),
    /// In the file of the executable.
    InFile(Section),
}

impl Bytes {
    fn length(self) -> u64 {
        match self {
            Self::Here(bytes) => bytes.len() as u64,
            Self::InFile(section) => section.length,
        }
    }
}

/// How many tasks of a plan have each content.
pub(super) fn uses(plan: &HostPlan) -> BTreeMap<Hash, usize> {
    let mut uses = BTreeMap::new();
    for task in &plan.tasks {
        if let Some(Content::Blob { hash, .. }) = task.resource.content() {
            *uses.entry(*hash).or_default() += 1;
        }
    }
    uses
}

/// What a host has asked for, on its way.
pub(super) struct Pieces {
    contents: Vec<Bytes>,
    /// The first that is not sent as a whole, and how much of it is.
    at: (usize, u64),
    large: Option<Arc<LargeContents>>,
    /// How many pieces are not worth the try to pack them.
    pass_over: usize,
    sent: u64,
    total: u64,
}

impl Pieces {
    /// The contents behind `lacking`, in that order. A host gets the contents of its own plan and no others, whatever it asks
    /// for.
    ///
    /// # Errors
    /// Others are asked for, or large ones that cannot be read.
    pub(super) fn of(
        artifact: &Artifact<'static>,
        plan: &HostPlan,
        lacking: &[Lacking],
        open_large: impl FnOnce() -> io::Result<Arc<LargeContents>>,
    ) -> Result<Self, Failure> {
        let contents = plan.tasks.iter().filter_map(|task| match task.resource.content() {
            Some(Content::Blob { hash, length }) => Some((*hash, *length)),
            _ => None,
        });
        let own: BTreeMap<Hash, u64> = contents.collect();
        let bytes = |content: &Lacking| {
            let Lacking { hash, length } = content;
            let bytes = artifact.blob(hash).map(Bytes::Here);
            let bytes = bytes.or_else(|| artifact.large(hash).map(Bytes::InFile));
            bytes.filter(|bytes| own.get(hash) == Some(length) && bytes.length() == *length).ok_or_else(
                || {
                    Failure::new(format!(
                        "the host asks for a content that its plan does not hold: {}",
                        hash.short()
                    ))
                },
            )
        };
        let contents = lacking.iter().map(bytes).collect::<Result<Vec<_>, _>>()?;
        let large = contents.iter().any(|bytes| matches!(bytes, Bytes::InFile(_))).then(open_large);
        let large = large.transpose().map_err(|error| {
            Failure::new(format!("large contents cannot be read from this binary: {error}"))
                .help("build the site again")
        })?;
        let total = contents.iter().map(|bytes| bytes.length()).sum();
        Ok(Self { contents, at: (0, 0), large, pass_over: 0, sent: 0, total })
    }

    /// The next piece; none after the last.
    ///
    /// # Errors
    /// A large content cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<Delivery>, Failure> {
        let mut piece = vec![0; PIECE];
        let mut filled = 0;
        while filled < PIECE
            && let Some(content) = self.contents.get(self.at.0)
        {
            let read = self.read(*content, self.at.1, &mut piece[filled..]).map_err(|error| {
                Failure::new(format!("a large content cannot be read from this binary: {error}"))
            })?;
            filled += read;
            self.at.1 += read as u64;
            if self.at.1 >= content.length() {
                self.at = (self.at.0 + 1, 0);
            }
        }
        if filled == 0 {
            return Ok(None);
        }
        piece.truncate(filled);
        self.sent += filled as u64;
        Ok(Some(self.pack(piece)))
    }

    /// How much has been handed out, and how much there is.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.sent, self.total)
    }

    fn read(&self, content: Bytes, from: u64, piece: &mut [u8]) -> io::Result<usize> {
        match content {
            Bytes::Here(bytes) => {
                let rest = usize::try_from(from).ok().and_then(|from| bytes.get(from..)).unwrap_or_default();
                let length = rest.len().min(piece.len());
                piece[..length].copy_from_slice(&rest[..length]);
                Ok(length)
            }
            Bytes::InFile(section) => match &self.large {
                Some(large) => large.read(section, from, piece),
                None => Err(io::Error::other("they were not opened")),
            },
        }
    }

    /// Packed where that saves a tenth.
    fn pack(&mut self, piece: Vec<u8>) -> Delivery {
        if self.pass_over > 0 {
            self.pass_over -= 1;
            return Delivery::Plain(piece);
        }
        let mut encoder = DeflateEncoder::new(Vec::with_capacity(piece.len()), Compression::fast());
        match encoder.write_all(&piece).and_then(|()| encoder.finish()) {
            Ok(packed) if packed.len() < piece.len() / 10 * 9 => Delivery::Deflated(packed),
            _ => {
                self.pass_over = PASSED_OVER;
                Delivery::Plain(piece)
            }
        }
    }
}
