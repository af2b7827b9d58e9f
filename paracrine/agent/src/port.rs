//! The agent's end of the conversation.

mod input;
mod output;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use paracrine_model::hash::Hash;
use paracrine_model::late::LateValues;
use paracrine_model::protocol::{
    self, Changing, Delivery, Failure, FrameError, Greeting, Lacking, Looking, MISSED_PINGS, Message, Mode,
    Opening, PIECE, PING_INTERVAL, Poised, Report, Summary, Told,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;

use crate::world::process::interrupt_at_end_of;
use input::Input;
use output::Output;
pub use output::Patient;

/// How long a run that waits stays without a word of the controller: hosts may have to wait for others for hours, but a
/// controller that vanished without a trace must not keep the lock for ever.
const PATIENCE: Duration = PING_INTERVAL.saturating_mul(MISSED_PINGS);

/// How long a request with its plan may be on its way.
const LONGEST_OPENING: Duration = Duration::from_secs(3600);

/// Whom the engine talks to. One for real, and one in the engine's tests.
pub trait Port {
    /// Something worth telling that belongs to no task.
    fn notice(&mut self, text: String);

    /// What came of a task.
    fn report(&mut self, report: Report);

    /// Says that the first change is at hand, and which contents will be wanted; waits for the controller's leave. The
    /// contents follow the leave.
    ///
    /// # Errors
    /// Why the run has to end instead.
    fn ask_leave(&mut self, lacking: Vec<Lacking>) -> Result<Leave, Ending>;

    /// A task is about to change something.
    fn begun(&mut self, leave: &Leave, task: u32);

    /// All tasks that are done have been done, and all of them are looked at once more.
    fn closing(&mut self, leave: &Leave);

    /// Says which contents turned out to be lacking, for [`Port::delivery`].
    fn lacking(&mut self, lacking: Vec<Lacking>);

    /// Waits for so many bytes of contents that were asked for, and hands on piece by piece.
    ///
    /// # Errors
    /// Why the run has to end instead.
    fn delivery(&mut self, length: u64, take: &mut dyn FnMut(&[u8])) -> Result<(), Ending>;

    /// Late values that have arrived since this was asked last.
    fn late(&mut self) -> Option<LateValues>;

    /// Whether the run has to end; asked between tasks.
    fn ending(&mut self) -> Option<Ending>;

    /// What was said is on its way afterwards; to be asked for before anything that may take its time.
    fn flush(&mut self) {}

    /// Lets so much time pass, less if the run has to end.
    fn pause(&mut self, time: Duration) -> Option<Ending>;
}

/// That the controller lets this run change things. Only a port makes one.
#[derive(Debug)]
pub struct Leave(());

#[cfg(test)]
impl Leave {
    /// For ports of tests.
    pub(crate) fn for_tests() -> Self {
        Self(())
    }
}

/// Why a run ends before its plan does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The controller said so.
    Stopped,
    /// The controller is gone.
    Gone,
    /// The controller has not been heard of for too long.
    Silent,
}

impl Ending {
    /// What the run failed from.
    pub fn failure(self) -> Failure {
        match self {
            Self::Stopped => Failure::new("the run was stopped"),
            Self::Gone => Failure::new("the controller is gone"),
            Self::Silent => Failure::new(format!(
                "nothing was heard of the controller for {} s while this host waited for it",
                PATIENCE.as_secs()
            ))
            .help("see that the connection holds, and run again"),
        }
    }
}

/// How long a wait goes on.
struct Patience {
    /// When the controller was heard last.
    last: Instant,
}

impl Patience {
    /// What is left of it, given whether the controller was heard since this was asked last.
    fn left(&mut self, now: Instant, heard: bool) -> Option<Duration> {
        if heard {
            self.last = now;
        }
        PATIENCE.checked_sub(now.saturating_duration_since(self.last)).filter(|left| !left.is_zero())
    }
}

/// What the agent has said last, and so what it can say next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saying {
    Checking,
    Looking,
    Poised,
    Changing,
}

/// A conversation that has been opened by its first two messages.
pub struct Talk<R, W> {
    input: Input<R>,
    out: Output<W>,
    /// Bytes of contents that were asked for and have not been taken yet.
    asked: u64,
    saying: Saying,
    /// Why it is over; what was said first counts.
    ending: Option<Ending>,
}

/// Over standard input and output.
pub type Stdio = Talk<File, Patient>;

/// A conversation that begins.
pub struct Beginning<R, W> {
    from: R,
    out: W,
}

impl Beginning<File, Patient> {
    /// Takes standard input over, so nobody else may read it.
    ///
    /// # Errors
    /// There is none.
    pub fn stdio() -> io::Result<Self> {
        // Not `Stdin`: that reads ahead, and what it holds cannot be polled for.
        let from = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        // A controller that is gone need not be waited for by commands. Packages are never cut off.
        interrupt_at_end_of(from.try_clone()?.into());
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Self { from, out: Patient::new(out, PATIENCE) })
    }
}

impl<R: Read + AsFd, W: Write> Beginning<R, W> {
    /// Waits for the first message.
    ///
    /// # Errors
    /// It does not come, or is none.
    pub fn opening(&mut self) -> Result<Opening, FrameError> {
        protocol::read(&mut Awaited::new(&mut self.from))
    }

    /// Reads so many bytes that follow the opening.
    ///
    /// # Errors
    /// They do not all come.
    pub fn attached(&mut self, length: u32) -> Result<Vec<u8>, FrameError> {
        protocol::read_exactly(&mut Awaited::new(&mut self.from), length as usize)
    }

    /// Says the only thing that can be said in place of hello.
    pub fn refuse(&mut self, failure: Failure) {
        let _ = protocol::write(&mut self.out, &Greeting::Refused(failure));
    }

    /// Says hello; from here on the run is talked about.
    pub fn hello(mut self, mode: Mode, agent: Hash, machine: String) -> Talk<R, W> {
        let said = protocol::write(&mut self.out, &Greeting::Hello { agent, machine });
        let saying = match mode {
            Mode::Check => Saying::Checking,
            Mode::Apply => Saying::Looking,
        };
        let ending = said.err().map(|_| Ending::Gone);
        Talk { input: Input::new(self.from, mode), out: Output::new(self.out), asked: 0, saying, ending }
    }
}

impl<R: Read + AsFd, W: Write> Talk<R, W> {
    /// Says that another run holds the lock.
    pub fn waiting(&mut self, holder: &str) {
        if self.saying == Saying::Looking {
            self.say(&Looking::Waiting { holder: holder.to_owned() });
            self.flush();
        }
    }

    /// Says how the run ended.
    pub fn end(&mut self, how: Result<Summary, Failure>) {
        self.tell(match how {
            Ok(summary) => Told::Done(summary),
            Err(failure) => Told::Refused(failure),
        });
        self.flush();
    }

    /// A controller that is gone is noticed by [`Port::ending`], not here.
    fn tell(&mut self, told: Told) {
        match self.saying {
            Saying::Checking => self.say(&told),
            Saying::Looking => self.say(&Looking::Told(told)),
            Saying::Poised => self.say(&Poised::Told(told)),
            Saying::Changing => self.say(&Changing::Told(told)),
        }
    }

    fn say<M: Message>(&mut self, message: &M) {
        if self.ending == Some(Ending::Gone) {
            return;
        }
        let said = self.out.say(message);
        self.noticed(&said);
    }

    fn noticed(&mut self, said: &Result<(), FrameError>) {
        if let Err(FrameError::Io(_)) = said {
            self.ending.get_or_insert(Ending::Gone);
        }
    }

    /// Takes in what has arrived by now, and if that is nothing, waits for something until `patience` is over.
    fn hear(&mut self, patience: Duration) {
        if self.ending.is_some() {
            return;
        }
        match self.input.more(patience) {
            Ok(()) if self.input.stopped() => self.ending = Some(Ending::Stopped),
            Ok(()) => {}
            Err(_) => self.ending = Some(Ending::Gone),
        }
    }

    /// Waits for something that the controller has to send; any word of it renews the patience.
    fn wait_for<T>(&mut self, mut found: impl FnMut(&mut Input<R>) -> Option<T>) -> Result<T, Ending> {
        self.flush();
        let mut patience = Patience { last: Instant::now() };
        loop {
            // What was said before a stop is not done any more.
            self.hear(Duration::ZERO);
            if let Some(ending) = self.ending {
                return Err(ending);
            }
            if let Some(found) = found(&mut self.input) {
                return Ok(found);
            }
            if self.input.is_full() {
                // Nothing else gets through to us.
                return Err(*self.ending.insert(Ending::Gone));
            }
            match patience.left(Instant::now(), self.input.take_heard()) {
                Some(left) => self.hear(left),
                None => return Err(*self.ending.insert(Ending::Silent)),
            }
        }
    }
}

impl<R: Read + AsFd, W: Write> Port for Talk<R, W> {
    fn notice(&mut self, text: String) {
        self.tell(Told::Notice(text));
    }

    fn report(&mut self, report: Report) {
        self.tell(Told::Report(report));
    }

    fn ask_leave(&mut self, lacking: Vec<Lacking>) -> Result<Leave, Ending> {
        if self.saying != Saying::Looking {
            // A check has nothing to ask leave for, and leave is given once.
            return Err(Ending::Stopped);
        }
        self.asked += lacking.iter().map(|content| content.length).sum::<u64>();
        self.say(&Looking::Ready { lacking });
        self.saying = Saying::Poised;
        self.wait_for(|input| input.has_leave().then_some(()))?;
        self.say(&Poised::Left);
        self.saying = Saying::Changing;
        Ok(Leave(()))
    }

    fn begun(&mut self, _leave: &Leave, task: u32) {
        self.say(&Changing::Begun { task });
    }

    fn closing(&mut self, _leave: &Leave) {
        self.say(&Changing::ClosingLook);
    }

    fn lacking(&mut self, lacking: Vec<Lacking>) {
        self.asked += lacking.iter().map(|content| content.length).sum::<u64>();
        self.tell(Told::Lacking(lacking));
    }

    fn delivery(&mut self, length: u64, take: &mut dyn FnMut(&[u8])) -> Result<(), Ending> {
        let mut left = length;
        while left > 0 {
            let piece = open(self.wait_for(Input::delivery)?).filter(|piece| piece.len() as u64 <= left);
            let Some(piece) = piece else {
                // What is no piece of what was asked for, no controller of this build has sent.
                return Err(*self.ending.insert(Ending::Gone));
            };
            left -= piece.len() as u64;
            self.asked = self.asked.saturating_sub(piece.len() as u64);
            take(&piece);
        }
        Ok(())
    }

    fn late(&mut self) -> Option<LateValues> {
        self.hear(Duration::ZERO);
        self.input.late()
    }

    fn ending(&mut self) -> Option<Ending> {
        self.hear(Duration::ZERO);
        if self.input.is_full() && self.asked == 0 {
            // Behind what nobody asked for, we would not hear of a stop.
            self.ending.get_or_insert(Ending::Gone);
        }
        self.ending
    }

    fn pause(&mut self, time: Duration) -> Option<Ending> {
        self.hear(time);
        self.ending
    }

    fn flush(&mut self) {
        if self.ending != Some(Ending::Gone) {
            let written = self.out.flush();
            self.noticed(&written);
        }
    }
}

/// Reads from somebody who may be gone without a trace, or says less and less.
struct Awaited<'a, R> {
    from: &'a mut R,
    deadline: Instant,
}

impl<'a, R> Awaited<'a, R> {
    fn new(from: &'a mut R) -> Self {
        Self { from, deadline: Instant::now() + LONGEST_OPENING }
    }
}

impl<R: Read + AsFd> Read for Awaited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = PATIENCE.min(self.deadline.saturating_duration_since(Instant::now()));
        let limit = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&*self.from, PollFlags::IN)], Some(&limit)) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => self.from.read(buffer),
            Err(error) => Err(error.into()),
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

/// The bytes of a piece; `None` for one that is empty, too long or damaged.
fn open(piece: Delivery) -> Option<Vec<u8>> {
    let bytes = match piece {
        Delivery::Plain(bytes) => bytes,
        Delivery::Deflated(packed) => {
            let mut bytes = Vec::new();
            let longest = PIECE as u64 + 1;
            flate2::read::DeflateDecoder::new(packed.as_slice())
                .take(longest)
                .read_to_end(&mut bytes)
                .ok()?;
            bytes
        }
    };
    (1..=PIECE).contains(&bytes.len()).then_some(bytes)
}
