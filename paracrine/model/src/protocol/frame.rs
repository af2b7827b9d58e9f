//! Messages on the wire: a length of four bytes, big-endian, then so many bytes, of which the first names the phase and the
//! others are postcard. Both ends are of one build, which `Hello` proves, so the format has no versions.

use std::fmt;
use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// No frame is larger. Plans follow their request without a frame, and contents come in pieces.
pub const LARGEST_FRAME: usize = 4 * 1024 * 1024;

/// Something that one end says to the other.
pub trait Message: Serialize + DeserializeOwned {
    /// When it is said.
    const PHASE: Phase;
}

/// The phases of a conversation, each with messages of its own. A frame names its phase, so that no message can be taken for
/// one of another phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// [`Opening`](super::Opening)
    Request = 1,
    /// [`Greeting`](super::Greeting)
    Greeting,
    /// [`Told`](super::Told) alone
    Checking,
    /// [`Looking`](super::Looking)
    Looking,
    /// [`Poised`](super::Poised)
    Poised,
    /// [`Changing`](super::Changing)
    Changing,
    /// [`WhileLooking`](super::WhileLooking)
    WhileLooking,
    /// [`AnyTime`](super::AnyTime)
    AnyTime,
}

impl Phase {
    const ALL: [Self; 8] = [
        Self::Request,
        Self::Greeting,
        Self::Checking,
        Self::Looking,
        Self::Poised,
        Self::Changing,
        Self::WhileLooking,
        Self::AnyTime,
    ];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "the request",
            Self::Greeting => "the greeting",
            Self::Checking => "a check",
            Self::Looking => "an apply before any change",
            Self::Poised => "an apply that is about to change something",
            Self::Changing => "an apply that changes things",
            Self::WhileLooking => "a controller that has given no leave",
            Self::AnyTime => "a controller during a run",
        })
    }
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
    /// A message of another phase.
    OutOfTurn {
        /// The phase it belongs to.
        said: Phase,
        /// The phase at hand.
        due: Phase,
    },
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
            Self::OutOfTurn { said, due } => write!(f, "a message of {said} came in place of one of {due}"),
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
pub fn encode<M: Message>(message: &M) -> Result<Vec<u8>, FrameError> {
    let mut frame =
        postcard::to_extend(message, vec![0, 0, 0, 0, M::PHASE as u8]).map_err(FrameError::Garbage)?;
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

/// The body of the frame that `bytes` begin with, if all of it is there.
///
/// # Errors
/// See [`body_length`].
pub fn first_frame(bytes: &[u8]) -> Result<Option<&[u8]>, FrameError> {
    match bytes.split_first_chunk::<4>() {
        Some((header, rest)) => Ok(rest.get(..body_length(*header)?)),
        None => Ok(None),
    }
}

/// The message in a frame's body; bytes that are left over are garbage.
///
/// # Errors
/// Bytes that are no such message.
pub fn decode<M: Message>(body: &[u8]) -> Result<M, FrameError> {
    let bad = || FrameError::Garbage(postcard::Error::DeserializeBadEncoding);
    let (phase, body) = body.split_first().ok_or_else(bad)?;
    let said = Phase::ALL.into_iter().find(|one| *one as u8 == *phase).ok_or_else(bad)?;
    if said != M::PHASE {
        return Err(FrameError::OutOfTurn { said, due: M::PHASE });
    }
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        Ok(_) => Err(bad()),
        Err(error) => Err(FrameError::Garbage(error)),
    }
}

/// Reads one message.
///
/// # Errors
/// [`FrameError::Closed`] at the end of the stream; anything else is a broken stream.
pub fn read<M: Message>(from: &mut impl Read) -> Result<M, FrameError> {
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
    decode(&read_exactly(from, body_length(header)?)?)
}

/// Reads so many bytes. The memory grows with what arrives, so that a garbled length does not take any.
///
/// # Errors
/// A stream that ends before, or fails.
pub fn read_exactly(from: &mut impl Read, length: usize) -> Result<Vec<u8>, FrameError> {
    let mut bytes = Vec::new();
    match from.take(length as u64).read_to_end(&mut bytes) {
        Ok(read) if read == length => Ok(bytes),
        Ok(_) => Err(FrameError::Cut),
        Err(error) => Err(FrameError::Io(error)),
    }
}

/// Writes one message and flushes.
///
/// # Errors
/// A message that is too large, or a stream that fails.
pub fn write<M: Message>(to: &mut impl Write, message: &M) -> Result<(), FrameError> {
    let frame = encode(message)?;
    to.write_all(&frame).and_then(|()| to.flush()).map_err(FrameError::Io)
}
