//! What the agent says: written together where much is said at once, and not for ever to somebody who does not listen.

use std::fs::File;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use paracrine_model::protocol::{FrameError, Message, encode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// What is said is on its way after so long at the latest, if something else is said then.
const SOON: Duration = Duration::from_millis(20);

/// More than this is not held back.
const MOST: usize = 32 * 1024;

/// Messages on their way.
pub(super) struct Output<W> {
    pub(super) to: W,
    held: Vec<u8>,
    /// When something was written last.
    written: Option<Instant>,
}

impl<W: Write> Output<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to, held: Vec::new(), written: None }
    }

    /// Says something, now or soon: whoever waits for something afterwards has to [`Self::flush`] before.
    pub(super) fn say<M: Message>(&mut self, message: &M) -> Result<(), FrameError> {
        self.held.extend(encode(message)?);
        let soon = self.written.is_some_and(|written| written.elapsed() < SOON);
        if soon && self.held.len() <= MOST { Ok(()) } else { self.flush() }
    }

    /// Brings all that was said on its way.
    pub(super) fn flush(&mut self) -> Result<(), FrameError> {
        if self.held.is_empty() {
            return Ok(());
        }
        let written = self.to.write_all(&self.held).and_then(|()| self.to.flush());
        self.held.clear();
        self.written = Some(Instant::now());
        written.map_err(FrameError::Io)
    }
}

/// A stream that is written to only while somebody reads it.
pub struct Patient {
    to: File,
    patience: Duration,
}

impl Patient {
    pub(super) fn new(to: File, patience: Duration) -> Self {
        Self { to, patience }
    }
}

/// A pipe that can be written to takes so much without making us wait (`PIPE_BUF`); a socket more.
const AT_ONCE: usize = 4096;

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let deadline = Instant::now() + self.patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let limit =
                Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
            match poll(&mut [PollFd::new(&self.to, PollFlags::OUT)], Some(&limit)) {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) => return self.to.write(&bytes[..bytes.len().min(AT_ONCE)]),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
