//! All that controller and agent ever say to each other.
//!
//! ```text
//! controller                                   host
//!   exec of the bootstrap, Start  ───────────►  cached agent reads Start        (or: asks for the agent, see below)
//!                                 ◄───────────  Hello, reports of what differs, Done      nothing to change: the end
//!                                 ◄───────────  Ready: locked, about to change, lacking these contents
//!   Go, with those contents       ───────────►  changes
//!                                 ◄───────────  Begun, reports, Done
//! ```
//!
//! Standard output begins with whatever the login prints, so the first line that counts is `PARACRINE nonce word`,
//! the nonce being one the controller made for this run: `PARACRINE … agent` comes from the agent and frames follow;
//! `PARACRINE … need ARCH` comes from the bootstrap, which then reads the agent's executable from standard input.
//!
//! A frame is a length of four bytes, big-endian, and so many bytes of postcard. Both ends are of one build, which
//! `Hello` proves, so the format has no versions.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, Read, Write};

use crate::hash::Hash;
use crate::plan::Trigger;
use crate::resource::Resource;
use crate::text::LateValues;

/// The word before the nonce in the first line.
pub const MAGIC: &str = "PARACRINE";

/// No frame is larger: 1 GiB would be a mistake, not a plan.
pub const LARGEST_FRAME: usize = 256 * 1024 * 1024;

/// What the controller says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToAgent {
    /// First, and once.
    Start(Box<Start>),
    /// The answer to [`FromAgent::Ready`], which lets changes begin, and to [`FromAgent::Lacking`], which it only gives the
    /// contents that were asked for.
    Go(Contents),
    /// Stop after the task at hand.
    Stop,
}

/// What a run is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Start {
    /// The agent's executable as the controller knows it; an agent that finds itself to be another does nothing.
    pub agent: Hash,
    /// `site/environment/host`: what the machine is deployed as. One that was deployed as another refuses.
    pub identity: String,
    /// Take the machine over even if it was deployed as another.
    pub adopt: bool,
    /// Only look, or change.
    pub mode: Mode,
    /// Seconds to wait for another run's lock.
    pub lock_wait: u32,
    /// Who runs this, for those who find the lock taken: `user@machine, commit …`.
    pub holder: String,
    /// The plan.
    pub tasks: Vec<WireTask>,
    /// The values that the tasks' late texts need; nothing else.
    pub values: LateValues,
}

/// Whether a run changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Look and say what differs.
    Check,
    /// Make equal.
    Apply,
}

/// A task without what only people need.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WireTask {
    /// What should be.
    pub resource: Resource,
    /// What makes it act beyond that.
    pub triggers: Vec<Trigger>,
}

/// Contents of files by their hashes, deflated together.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Contents {
    /// Hash and length of each, in the order in which they follow each other.
    pub index: Vec<(Hash, u64)>,
    /// All of them, one after the other, as one deflate stream.
    pub deflated: Vec<u8>,
}

/// What the agent says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromAgent {
    /// First: which agent this is and where it runs.
    Hello {
        /// The hash of its own executable.
        agent: Hash,
        /// The machine (`/etc/machine-id`), to notice two names for one machine.
        machine: String,
    },
    /// Another run holds the lock; this one waits.
    Waiting {
        /// Who holds it.
        holder: String,
    },
    /// Something worth telling that belongs to no task: an earlier run was cut off, a debt was dropped.
    Notice(String),
    /// The lock is held, the first change is at hand: waits for [`ToAgent::Go`].
    Ready {
        /// Contents that the host lacks, as far as can be told now.
        lacking: Vec<Hash>,
    },
    /// Another content turned out to be lacking: waits for [`ToAgent::Go`]. Also outside of `Ready` and its answer, and
    /// in a check (which never says `Ready`): there the answer brings contents and nothing else; it allows no change.
    Lacking(Vec<Hash>),
    /// A task is about to change something.
    Begun {
        /// Its place in the plan.
        task: u32,
    },
    /// A task differed from its plan, or failed. Nothing is said of tasks that were as they should be.
    Report(Report),
    /// The end of the run.
    Done(Summary),
    /// The run ended before it could begin, or broke off; nothing more comes.
    Refused(Failure),
}

/// What came of one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Its place in the plan.
    pub task: u32,
    /// What came of it.
    pub outcome: Outcome,
    /// What differed (and, in an apply, has been made equal).
    pub differences: Vec<Difference>,
    /// How long it took.
    pub microseconds: u64,
}

/// What came of a task that was not as it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Check: apply will change it. Apply: it was changed, and is now as it should be.
    Changed,
    /// Check only: whether it will change cannot be known before earlier tasks are done.
    MayChange {
        /// Why not: `package nginx may bring it`.
        because: String,
    },
    /// It could not be looked at, or not be made equal.
    Failed(Failure),
}

/// Something that differs between what is and what should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Difference {
    /// It is not there.
    Create,
    /// It is there and should not be.
    Remove {
        /// What it is: `file`, `directory with 3 entries`.
        what: String,
    },
    /// One attribute differs.
    Attribute {
        /// Its name: `mode`, `owner`, `running`.
        name: String,
        /// As it is; `None` where there is none.
        before: Option<String>,
        /// As it should be.
        after: String,
    },
    /// The content differs.
    Content {
        /// As it is.
        before: OldContent,
    },
    /// Something is done that is no attribute: a restart, a command.
    Action {
        /// What: `restart`, `run`.
        verb: String,
        /// Why: `file /etc/app.conf changes`.
        because: String,
    },
}

/// The content of a file before it is replaced, as far as it may and can be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OldContent {
    /// There was none.
    None,
    /// Text, with secrets replaced by their names and lines that may hold old secrets by a mark.
    Text(String),
    /// Not text, or too large to be shown.
    Opaque {
        /// In bytes.
        length: u64,
    },
}

/// Why a task or run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong; lower case, no full stop.
    pub message: String,
    /// The last lines of a program's output or of the journal, if any say more.
    pub output: Option<String>,
    /// What to do next, if anything is known to help.
    pub help: Option<String>,
}

impl Failure {
    /// A failure that is told in a line.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), output: None, help: None }
    }

    /// Adds the last lines of a program's output.
    #[must_use]
    pub fn output(mut self, output: impl Into<String>) -> Self {
        self.output = Some(output.into()).filter(|output: &String| !output.trim().is_empty());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The end of a run in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Tasks that were as they should be.
    pub unchanged: u32,
    /// Tasks that were changed, or would be.
    pub changed: u32,
    /// Tasks that may change.
    pub may_change: u32,
    /// Tasks that failed.
    pub failed: u32,
    /// Tasks that were not reached, because an earlier one failed or the run was stopped.
    pub skipped: u32,
    /// Whether the run was stopped on demand.
    pub stopped: bool,
    /// Processor time of the agent and its children, in microseconds.
    pub cpu_microseconds: u64,
    /// The agent's largest resident size, in KiB.
    pub peak_kib: u64,
}

/// What is wrong with a frame.
#[derive(Debug)]
pub enum FrameError {
    /// The other end has closed the stream between two frames.
    Closed,
    /// The stream ended inside a frame.
    Cut,
    /// The length is out of bounds, so this is no frame.
    TooLarge(usize),
    /// The bytes are not what they should be.
    Garbage(postcard::Error),
    /// The stream failed.
    Io(io::Error),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection was closed"),
            Self::Cut => f.write_str("the connection was cut in the middle of a message"),
            Self::TooLarge(length) => {
                write!(
                    f,
                    "a message of {length} bytes was announced, more than {LARGEST_FRAME}: not our protocol"
                )
            }
            Self::Garbage(error) => write!(f, "a message could not be read: {error}"),
            Self::Io(error) => write!(f, "the connection failed: {error}"),
        }
    }
}

impl std::error::Error for FrameError {}

/// A message as a frame.
///
/// # Errors
/// A message over [`LARGEST_FRAME`].
pub fn encode<M: Serialize>(message: &M) -> Result<Vec<u8>, FrameError> {
    let mut frame = postcard::to_extend(message, vec![0; 4]).map_err(FrameError::Garbage)?;
    let length = frame.len() - 4;
    match u32::try_from(length) {
        Ok(short) if length <= LARGEST_FRAME => frame[..4].copy_from_slice(&short.to_be_bytes()),
        _ => return Err(FrameError::TooLarge(length)),
    }
    Ok(frame)
}

/// The length of a frame's body, from its first four bytes.
///
/// # Errors
/// A length over [`LARGEST_FRAME`].
pub fn body_length(header: [u8; 4]) -> Result<usize, FrameError> {
    let length = u32::from_be_bytes(header) as usize;
    if length > LARGEST_FRAME { Err(FrameError::TooLarge(length)) } else { Ok(length) }
}

/// The message in a frame's body; bytes that are left over are garbage.
///
/// # Errors
/// Bytes that are no such message.
pub fn decode<M: DeserializeOwned>(body: &[u8]) -> Result<M, FrameError> {
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        Ok(_) => Err(FrameError::Garbage(postcard::Error::DeserializeBadEncoding)),
        Err(error) => Err(FrameError::Garbage(error)),
    }
}

/// Reads one message.
///
/// # Errors
/// [`FrameError::Closed`] at the end of the stream; anything else is a broken stream.
pub fn read<M: DeserializeOwned>(from: &mut impl Read) -> Result<M, FrameError> {
    let mut header = [0; 4];
    let mut filled = 0;
    while filled < 4 {
        match from.read(&mut header[filled..]) {
            Ok(0) if filled == 0 => return Err(FrameError::Closed),
            Ok(0) => return Err(FrameError::Cut),
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FrameError::Io(error)),
        }
    }
    let length = body_length(header)?;
    // Grows with what arrives, so that a garbled length does not take memory.
    let mut body = Vec::new();
    match from.take(length as u64).read_to_end(&mut body) {
        Ok(read) if read == length => decode(&body),
        Ok(_) => Err(FrameError::Cut),
        Err(error) => Err(FrameError::Io(error)),
    }
}

/// Writes one message and flushes.
///
/// # Errors
/// A message that is too large, or a stream that fails.
pub fn write<M: Serialize>(to: &mut impl Write, message: &M) -> Result<(), FrameError> {
    let frame = encode(message)?;
    to.write_all(&frame).and_then(|()| to.flush()).map_err(FrameError::Io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_as_it_went() {
        let message = FromAgent::Report(Report {
            task: 7,
            outcome: Outcome::Failed(Failure::new("no").output("line").help("do")),
            differences: vec![Difference::Content { before: OldContent::Text("old".into()) }],
            microseconds: 12,
        });
        let mut wire = Vec::new();
        write(&mut wire, &message).unwrap();
        let mut reader = wire.as_slice();
        assert_eq!(read::<FromAgent>(&mut reader).unwrap(), message);
        assert!(matches!(read::<FromAgent>(&mut reader), Err(FrameError::Closed)));
    }

    #[test]
    fn every_cut_of_a_frame_is_an_error() {
        let wire = encode(&FromAgent::Notice("a run was cut off".into())).unwrap();
        for cut in 1..wire.len() {
            assert!(matches!(read::<FromAgent>(&mut &wire[..cut]), Err(FrameError::Cut)), "cut at {cut}");
        }
    }

    #[test]
    fn garbage_is_an_error_whatever_it_is() {
        let mut seed = 1_u64;
        for _ in 0..20_000 {
            let bytes: Vec<u8> = (0..24)
                .map(|_| {
                    seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (seed >> 56) as u8
                })
                .collect();
            let _: Result<FromAgent, _> = decode(&bytes);
            let _: Result<ToAgent, _> = read(&mut bytes.as_slice());
        }
        assert!(matches!(read::<ToAgent>(&mut [0xff; 8].as_slice()), Err(FrameError::TooLarge(_))));
        let mut long = encode(&FromAgent::Notice("x".into())).unwrap();
        long.push(0);
        assert!(matches!(decode::<FromAgent>(&long[4..]), Err(FrameError::Garbage(_))));
    }
}
