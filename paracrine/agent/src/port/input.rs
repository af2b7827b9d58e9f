//! What the controller says, taken in whenever it arrives and kept until it is asked for: nothing that is said while the agent
//! is at something else is lost.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use paracrine_model::late::LateValues;
use paracrine_model::protocol::{AnyTime, Delivery, FrameError, Mode, WhileLooking, decode, first_frame};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::Errno;

/// How many pieces of contents are held at once.
const MOST_PIECES: usize = 4;

/// How many bytes of late values a run takes in: more than all hosts of a site have to tell.
const MOST_LEARNT: usize = 64 * 1024 * 1024;

/// How long the longest message may be on its way, over the slowest of lines.
const LONGEST_MESSAGE: Duration = Duration::from_secs(600);

/// Messages, read without a thread: that would cost a twentieth of the executable, as glibc's threads are linked with
/// its resolver.
pub(super) struct Input<R> {
    from: R,
    /// What has been read of the next messages.
    arrived: Vec<u8>,
    /// Whether the controller may still give leave: before, it speaks in [`WhileLooking`], and then in [`AnyTime`].
    before_leave: bool,
    has_leave: bool,
    stopped: bool,
    deliveries: VecDeque<Delivery>,
    late: Option<LateValues>,
    /// Whether anything has arrived that counts as a word, or as a part of one.
    heard: bool,
    /// Since when a message has been on its way of which only a part is here.
    since: Option<Instant>,
    /// Bytes of late values that have arrived.
    learnt: usize,
}

impl<R: Read + AsFd> Input<R> {
    pub(super) fn new(from: R, mode: Mode) -> Self {
        Self {
            from,
            arrived: Vec::new(),
            before_leave: mode == Mode::Apply,
            has_leave: false,
            stopped: false,
            deliveries: VecDeque::new(),
            late: None,
            heard: false,
            since: None,
            learnt: 0,
        }
    }

    /// Whether so many pieces are held that nothing more is read until one is taken.
    pub(super) fn is_full(&self) -> bool {
        self.deliveries.len() >= MOST_PIECES
    }

    /// Whether the controller lets the run change things.
    pub(super) fn has_leave(&self) -> bool {
        self.has_leave
    }

    /// Whether it said that the run is to stop.
    pub(super) fn stopped(&self) -> bool {
        self.stopped
    }

    /// The first delivery that was not taken yet.
    pub(super) fn delivery(&mut self) -> Option<Delivery> {
        self.deliveries.pop_front()
    }

    #[cfg(test)]
    pub(super) fn began_before(&mut self, earlier: Duration) {
        self.since = self.since.and_then(|since| since.checked_sub(earlier));
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.deliveries.len()
    }

    /// The late values that were not taken yet.
    pub(super) fn late(&mut self) -> Option<LateValues> {
        self.late.take()
    }

    /// Whether anything has arrived since this was asked last, be it a part of a message.
    pub(super) fn take_heard(&mut self) -> bool {
        std::mem::take(&mut self.heard)
    }

    /// Reads all that is there. If nothing is, waits until there is something or the time is over.
    pub(super) fn more(&mut self, patience: Duration) -> Result<(), FrameError> {
        // Pieces that nobody has taken yet are enough to go on with: the others stay in the pipe.
        if self.is_full() {
            return Ok(());
        }
        let deadline = Instant::now() + patience;
        let mut wait = patience;
        loop {
            let limit =
                Timespec { tv_sec: wait.as_secs().cast_signed(), tv_nsec: wait.subsec_nanos().into() };
            match poll(&mut [PollFd::new(&self.from, PollFlags::IN)], Some(&limit)) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(Errno::INTR) => {
                    wait = deadline.saturating_duration_since(Instant::now());
                    continue;
                }
                Err(error) => return Err(FrameError::Io(error.into())),
            }
            let mut some = [0; 64 * 1024];
            match self.from.read(&mut some) {
                Ok(0) => {
                    return Err(if self.arrived.is_empty() { FrameError::Closed } else { FrameError::Cut });
                }
                Ok(read) => {
                    self.arrived.extend_from_slice(&some[..read]);
                    self.take_in()?;
                    let now = Instant::now();
                    let since = self.since.get_or_insert(now);
                    // A message that comes drop by drop and never ends is none.
                    self.heard |= now.saturating_duration_since(*since) < LONGEST_MESSAGE;
                    if self.arrived.is_empty() {
                        self.since = None;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(FrameError::Io(error)),
            }
            if self.stopped || self.is_full() {
                return Ok(());
            }
            wait = Duration::ZERO;
        }
    }

    /// Keeps what the whole messages among the bytes say.
    fn take_in(&mut self) -> Result<(), FrameError> {
        let mut done = 0;
        while let Some(body) = first_frame(&self.arrived[done..])? {
            done += 4 + body.len();
            let length = body.len();
            let word = if self.before_leave { decode(body)? } else { WhileLooking::AnyTime(decode(body)?) };
            match word {
                WhileLooking::Leave => {
                    self.before_leave = false;
                    self.has_leave = true;
                }
                WhileLooking::AnyTime(AnyTime::Delivery(delivery)) => self.deliveries.push_back(delivery),
                WhileLooking::AnyTime(AnyTime::Late(values)) => {
                    self.learnt = self.learnt.saturating_add(length);
                    if self.learnt > MOST_LEARNT {
                        return Err(FrameError::TooLarge(self.learnt));
                    }
                    match &mut self.late {
                        Some(late) => late.learn(values),
                        None => self.late = Some(values),
                    }
                }
                WhileLooking::AnyTime(AnyTime::Ping) => {}
                WhileLooking::AnyTime(AnyTime::Stop) => self.stopped = true,
            }
        }
        if done > 0 {
            self.arrived = self.arrived.split_off(done);
            self.since = None;
        }
        Ok(())
    }
}
