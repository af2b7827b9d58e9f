//! The agent's end of the conversation.

use std::io::{Stdin, Stdout, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use paracrine_model::hash::Hash;
use paracrine_model::protocol::{self, Contents, Failure, FrameError, FromAgent, ToAgent};

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
    out: Stdout,
    from_controller: Receiver<ToAgent>,
    ending: Option<Ending>,
}

impl Stdio {
    /// Goes on reading standard input, in a thread, so that a controller that stops or vanishes is noticed at once.
    pub fn new(input: Stdin) -> Self {
        let (send, from_controller) = mpsc::channel();
        std::thread::spawn(move || {
            let mut input = input.lock();
            // Any end of the stream, orderly or not, drops the sender: that is how the engine learns of it.
            while let Ok(message) = protocol::read::<ToAgent>(&mut input) {
                if send.send(message).is_err() {
                    break;
                }
            }
        });
        Self { out: std::io::stdout(), from_controller, ending: None }
    }

    fn end(&mut self, ending: Ending) -> Ending {
        *self.ending.get_or_insert(ending)
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
        match self.from_controller.recv_timeout(PATIENCE) {
            Ok(ToAgent::Go(contents)) => Ok(contents),
            Ok(ToAgent::Stop) => Err(self.end(Ending::Stopped)),
            Ok(ToAgent::Start(_)) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                Err(self.end(Ending::Gone))
            }
        }
    }

    fn ending(&mut self) -> Option<Ending> {
        match self.from_controller.try_recv() {
            Ok(ToAgent::Stop) => Some(self.end(Ending::Stopped)),
            Err(TryRecvError::Disconnected) => Some(self.end(Ending::Gone)),
            Ok(ToAgent::Go(_) | ToAgent::Start(_)) | Err(TryRecvError::Empty) => self.ending,
        }
    }
}

/// Says the first line, which tells our words from what the login printed.
///
/// # Errors
/// Nobody listens.
pub fn greet(nonce: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} {nonce} agent", protocol::MAGIC)?;
    out.flush()
}

/// The contents that travelled together, apart again.
///
/// # Errors
/// A stream that is not what its index says.
pub fn unpack(contents: &Contents) -> Result<Vec<(Hash, Vec<u8>)>, Failure> {
    use std::io::Read;
    let mut stream = flate2::read::DeflateDecoder::new(contents.deflated.as_slice());
    let mut all = Vec::with_capacity(contents.index.len());
    for (hash, length) in &contents.index {
        let mut bytes = Vec::new();
        let read = stream.by_ref().take(*length).read_to_end(&mut bytes);
        if read.ok().map(|read| read as u64) != Some(*length) || Hash::of(&bytes) != *hash {
            return Err(Failure::new("a content arrived damaged").help("run again; if it happens again, it is a bug"));
        }
        all.push((*hash, bytes));
    }
    Ok(all)
}
