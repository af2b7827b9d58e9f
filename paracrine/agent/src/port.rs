//! The agent's end of the conversation.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Stdout, Write};
use std::time::{Duration, Instant};

use crate::world::process::interrupt_at_end_of;
use paracrine_model::hash::Hash;
use paracrine_model::protocol::{self, Contents, Failure, FrameError, FromAgent, ToAgent};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::Errno;

/// How long a run that holds the lock waits to be told to go on: hosts may have to wait for the locks of others, but
/// a controller that vanished without a trace must not keep the lock for ever.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Whom the engine talks to. One for real, and one in the engine's tests.
pub trait Port {
    /// Says something. A controller that is gone is noticed by [`Port::ending`], not here.
    fn say(&mut self, message: FromAgent);

    /// Waits for the controller to let the run go on.
    ///
    /// # Errors
    /// Why the run has to end instead.
    fn wait_for_go(&mut self) -> Result<Contents, Ending>;

    /// Whether the run has to end; asked between tasks.
    fn ending(&mut self) -> Option<Ending>;
}

/// Why a run ends before its plan does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The controller said so.
    Stopped,
    /// The controller is gone.
    Gone,
}

/// Standard input and output.
pub struct Stdio {
    input: Input<File>,
    out: Stdout,
    ending: Option<Ending>,
}

impl Stdio {
    /// Takes standard input over, so nobody else may read it.
    ///
    /// # Errors
    /// There is none.
    pub fn new() -> io::Result<Self> {
        // Not `Stdin`: that reads ahead, and what it holds cannot be polled for.
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        // A controller that is gone need not be waited for by commands. Packages are never cut off.
        interrupt_at_end_of(input.try_clone()?.into());
        Ok(Self { input: Input { from: input, arrived: Vec::new() }, out: io::stdout(), ending: None })
    }

    /// Waits for the first message.
    ///
    /// # Errors
    /// It does not come, or is none.
    pub fn first(&mut self) -> Result<ToAgent, FrameError> {
        protocol::read(&mut self.input.from)
    }

    fn end(&mut self, ending: Ending) -> Ending {
        *self.ending.get_or_insert(ending)
    }
}

/// Messages, read without a thread: that would cost a twentieth of the executable, as glibc's threads are linked with
/// its resolver.
struct Input<R> {
    from: R,
    /// What has been read of the next messages.
    arrived: Vec<u8>,
}

impl<R: Read + AsFd> Input<R> {
    /// The next message; `None` if it has not arrived as a whole after so long.
    fn next(&mut self, patience: Duration) -> Result<Option<ToAgent>, FrameError> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(message) = self.whole()? {
                return Ok(Some(message));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
            match poll(&mut [PollFd::new(&self.from, PollFlags::IN)], Some(&left)) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Err(FrameError::Io(error.into())),
            }
            let mut some = [0; 16 * 1024];
            match self.from.read(&mut some) {
                Ok(0) => return Err(FrameError::Closed),
                Ok(read) => self.arrived.extend_from_slice(&some[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(FrameError::Io(error)),
            }
        }
    }

    fn whole(&mut self) -> Result<Option<ToAgent>, FrameError> {
        let Some((header, body)) = self.arrived.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let Some(body) = body.get(..protocol::body_length(*header)?) else {
            return Ok(None);
        };
        let message = protocol::decode(body)?;
        self.arrived = self.arrived.split_off(header.len() + body.len());
        Ok(Some(message))
    }
}

impl Port for Stdio {
    fn say(&mut self, message: FromAgent) {
        if self.ending == Some(Ending::Gone) {
            return;
        }
        if let Err(FrameError::Io(_)) = protocol::write(&mut self.out, &message) {
            self.end(Ending::Gone);
        }
    }

    fn wait_for_go(&mut self) -> Result<Contents, Ending> {
        match self.input.next(PATIENCE) {
            Ok(Some(ToAgent::Go(contents))) => Ok(contents),
            Ok(Some(ToAgent::Stop)) => Err(self.end(Ending::Stopped)),
            Ok(Some(ToAgent::Start(_)) | None) | Err(_) => Err(self.end(Ending::Gone)),
        }
    }

    fn ending(&mut self) -> Option<Ending> {
        match self.input.next(Duration::ZERO) {
            Ok(Some(ToAgent::Stop)) => Some(self.end(Ending::Stopped)),
            Err(_) => Some(self.end(Ending::Gone)),
            Ok(Some(ToAgent::Go(_) | ToAgent::Start(_)) | None) => self.ending,
        }
    }
}

/// Says the first line, which tells our words from what the login printed.
///
/// # Errors
/// Nobody listens.
pub fn greet(nonce: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{} {nonce} agent", protocol::MAGIC)?;
    out.flush()
}

/// The contents that travelled together, apart again.
///
/// # Errors
/// A stream that is not what its index says.
pub fn unpack(contents: &Contents) -> Result<Vec<(Hash, Vec<u8>)>, Failure> {
    let mut stream = flate2::read::DeflateDecoder::new(contents.deflated.as_slice());
    let mut all = Vec::with_capacity(contents.index.len());
    for (hash, length) in &contents.index {
        let mut bytes = Vec::new();
        let read = stream.by_ref().take(*length).read_to_end(&mut bytes);
        if read.ok().map(|read| read as u64) != Some(*length) || Hash::of(&bytes) != *hash {
            return Err(
                Failure::new("a content arrived damaged").help("run again; if it happens again, it is a bug")
            );
        }
        all.push((*hash, bytes));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> (Input<io::PipeReader>, io::PipeWriter) {
        let (from, to) = io::pipe().unwrap();
        (Input { from, arrived: Vec::new() }, to)
    }

    #[test]
    fn messages_are_read_as_they_arrive() {
        let (mut input, mut to) = input();
        assert!(matches!(input.next(Duration::ZERO), Ok(None)));
        let contents = Contents { index: Vec::new(), deflated: vec![7; 40_000] };
        let mut wire = protocol::encode(&ToAgent::Go(contents)).unwrap();
        wire.extend(protocol::encode(&ToAgent::Stop).unwrap());
        let (begin, end) = wire.split_at(30_000);
        to.write_all(begin).unwrap();
        assert!(matches!(input.next(Duration::from_millis(1)), Ok(None)), "half a message is none");
        to.write_all(end).unwrap();
        let Ok(Some(ToAgent::Go(contents))) = input.next(Duration::ZERO) else { panic!("no contents") };
        assert_eq!(contents.deflated, vec![7; 40_000]);
        drop(to);
        assert!(matches!(input.next(Duration::ZERO), Ok(Some(ToAgent::Stop))), "what was said counts");
        assert!(matches!(input.next(Duration::ZERO), Err(FrameError::Closed)));
        assert!(matches!(input.next(PATIENCE), Err(FrameError::Closed)));
    }

    #[test]
    fn no_protocol_is_an_end() {
        let (mut input, mut to) = input();
        to.write_all(b"Connection to host closed.\n").unwrap();
        assert!(matches!(input.next(PATIENCE), Err(FrameError::TooLarge(_))));
    }
}
