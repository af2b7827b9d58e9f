//! Receipts: what a run leaves on its host of how things were before it changed them.
//!
//! A receipt is a file of records that only grows: [`MAGIC`], then frames. A frame is the length of its body (four bytes,
//! big-endian), its complement, eight bytes of the body's BLAKE3 hash, and the body: a [`Record`] as postcard. What a run
//! that was killed left half-written at the end is recognised by that and passed over.
//!
//! Unlike frames of the protocol, receipts outlive the build that wrote them. So variants are only ever added at the end of
//! their enums, and whatever else changes wants another [`MAGIC`].

use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::protocol::Difference;

/// What a receipt begins with.
pub const MAGIC: &[u8] = b"paracrine receipt 1\n";

/// No body of a frame is larger.
pub const LARGEST_BODY: usize = 16 * 1024 * 1024;

const HEADER: usize = 4 + 4 + 8;

/// One thing that a receipt says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// First: which run this is.
    Begun(About),
    /// What the run's plan declared, whether or not the run came to it.
    Declared(Vec<Declared>),
    /// Paths where plans of earlier runs put secrets, which may be there still. Receipts of those runs may be gone.
    HeldSecrets(Vec<String>),
    /// A task is about to be made equal. Paths that follow are changed by it.
    Task(TaskBefore),
    /// A path is about to be changed.
    Path(PathBefore),
    /// A path will be changed later in the run, unless the run ends before. Counted, for [`Record::Due`].
    Ahead(PathBefore),
    /// The path of that [`Record::Ahead`] is about to be changed; it is still as it was then.
    Due(u32),
    /// Last: the run came to its end.
    Ended(Ended),
    /// Something is about to be made beside its place, under this path, until it is put there: what a killed run leaves.
    Beside(Vec<u8>),
}

/// Which run it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its id, which all hosts of a run have in common.
    pub run: String,
    /// Counts the runs that have changed something on this machine: clocks may be set back.
    pub number: u64,
    /// What the machine was deployed as: `site/environment/host`.
    pub identity: String,
    /// Who ran it, and from where: `ann@laptop`.
    pub holder: String,
    /// The commit of the site, if it is known.
    pub commit: Option<String>,
    /// When it began to change things, in seconds since 1970 by the clock of this machine.
    pub began: i64,
}

/// A task of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// `file /etc/motd`
    pub task: String,
    /// What it decides about: ``path `/etc/motd` ``.
    pub claims: Vec<String>,
    /// Paths where it puts secrets.
    pub secrets: Vec<String>,
}

/// A task before it was made equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskBefore {
    /// `service nginx.service`
    pub task: String,
    /// How what it does can be undone.
    pub undo: Undo,
    /// What differed, and how it was.
    pub differed: Vec<Differed>,
}

/// How what a task does can be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Undo {
    /// By putting back the paths that it changed.
    Paths,
    /// Not at all, for this reason: half a sentence.
    Not(String),
}

/// Something that differed, as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Differed {
    /// It was not there.
    Missing,
    /// It was there and is to go: `file`.
    Present(String),
    /// It had this attribute; `None` where there was none.
    Attribute {
        /// `running`
        name: String,
        /// How it was.
        was: Option<String>,
    },
    /// It had another content, which the entry of its path has.
    Content,
    /// Something is done that is no attribute: `restart`.
    Act(String),
}

impl From<&Difference> for Differed {
    fn from(difference: &Difference) -> Self {
        match difference {
            Difference::Create => Self::Missing,
            Difference::Remove { what } => Self::Present(what.clone()),
            Difference::Attribute { name, before, .. } => {
                Self::Attribute { name: name.clone(), was: before.clone() }
            }
            Difference::Content { .. } => Self::Content,
            Difference::Action { verb, .. } => Self::Act(verb.clone()),
        }
    }
}

/// A path before it was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathBefore {
    /// The path, free of links but perhaps for itself. Bytes, as what is in a directory that is removed may be no text.
    pub path: Vec<u8>,
    /// What was there.
    pub was: Was,
}

/// What was at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Was {
    /// Nothing.
    Missing,
    /// A regular file.
    File(Access, Kept),
    /// A directory. What was in it has entries of its own if it was removed.
    Directory(Access),
    /// A symbolic link to this.
    Link(Access, Vec<u8>),
    /// What cannot be made again.
    Lost {
        /// `socket`, `directory`
        what: String,
        /// Why not: half a sentence.
        why: String,
    },
}

/// Whose something was, and what they could do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The owner's number.
    pub owner: u32,
    /// The group's number.
    pub group: u32,
    /// The permission bits with setuid, setgid and sticky.
    pub mode: u32,
}

/// Where the content of a file is that was replaced or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kept {
    /// Where it was: only owner, group or mode were changed.
    InPlace,
    /// In the run's directory.
    At {
        /// In the file of what may be secret, which is kept for the last run only.
        secret: bool,
        /// Where it begins there.
        offset: u64,
        /// In bytes.
        length: u64,
        /// To know it again.
        hash: Hash,
    },
    /// Nowhere, for this reason: half a sentence.
    Not(String),
}

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Tasks that were changed.
    pub changed: u32,
    /// Tasks that failed.
    pub failed: u32,
    /// Tasks that were not reached.
    pub skipped: u32,
}

/// A record as it is written.
///
/// # Errors
/// A record over [`LARGEST_BODY`].
pub fn frame(record: &Record) -> Result<Vec<u8>, String> {
    let mut frame = postcard::to_extend(record, vec![0; HEADER]).map_err(|error| error.to_string())?;
    let body = &frame[HEADER..];
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= LARGEST_BODY);
    let length = length.ok_or_else(|| format!("a record of {} bytes is too large", body.len()))?;
    let checksum = Hash::of(body).first();
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame[4..8].copy_from_slice(&(!length).to_be_bytes());
    frame[8..HEADER].copy_from_slice(&checksum);
    Ok(frame)
}

/// What could be read of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// In order.
    pub records: Vec<Record>,
    /// Records between them that another build wrote and this one does not know.
    pub unknown: u32,
    /// How it ends.
    pub tail: Tail,
}

/// How a file of records ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// With a whole record.
    Whole,
    /// With a part of one: whatever it was to allow had not been done.
    Cut,
    /// What follows the records that could be read is damaged.
    Damaged,
}

/// Reads records; `None` where the bytes are no receipt, or one of a format that is not known here.
pub fn read(bytes: &[u8]) -> Option<Records> {
    read_some(bytes, usize::MAX)
}

/// Reads as many records.
pub fn read_some(bytes: &[u8], most: usize) -> Option<Records> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let mut read = Records { records: Vec::new(), unknown: 0, tail: Tail::Whole };
    while !rest.is_empty() && read.records.len() < most {
        match first_body(rest) {
            Ok((body, after)) => {
                match postcard::take_from_bytes(body) {
                    Ok((record, [])) => read.records.push(record),
                    _ => read.unknown = read.unknown.saturating_add(1),
                }
                rest = after;
            }
            Err(tail) => {
                read.tail = tail;
                break;
            }
        }
    }
    Some(read)
}

/// The body of the first frame, and what follows it.
fn first_body(bytes: &[u8]) -> Result<(&[u8], &[u8]), Tail> {
    // After a loss of power a file may have got its length and not its bytes.
    let nothing = || bytes.iter().all(|byte| *byte == 0);
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(Tail::Cut);
    };
    let [a, b, c, d, e, f, g, h, checksum @ ..] = *header;
    let length = u32::from_be_bytes([a, b, c, d]);
    if u32::from_be_bytes([e, f, g, h]) != !length || length as usize > LARGEST_BODY {
        return Err(if nothing() { Tail::Cut } else { Tail::Damaged });
    }
    let Some((body, after)) = rest.split_at_checked(length as usize) else {
        return Err(Tail::Cut);
    };
    match Hash::of(body).first() == checksum {
        true => Ok((body, after)),
        false if after.is_empty() => Err(Tail::Cut),
        false => Err(Tail::Damaged),
    }
}

#[cfg(test)]
mod tests;
