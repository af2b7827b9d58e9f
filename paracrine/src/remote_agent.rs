//! The conversation with one host's agent.
//!
//! ```text
//! kept connection, or a new one ─► bootstrap, and the request at once ─► first line
//!     agent ─► messages                                            need ─► upload ─► first line, request again
//! ```

mod incoming;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use paracrine_model::hash::Hash;
use paracrine_model::host::Arch;
use paracrine_model::protocol::{self, Greeting, LARGEST_FRAME, Message, Opening};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::{timeout, timeout_at};

use crate::bootstrap::{Bootstrap, Word};
pub use crate::known_hosts::Offending;
pub use crate::relay::{if_asked_for as relay_if_asked_for, this_program};
use crate::ssh::{Channel, ChildStderr, Dialer, is_of_sudo};
pub use crate::ssh::{ConnectionError, Settings, Target};
pub(crate) use crate::ssh::{remembers, takes_new_keys};
use incoming::{Incoming, TooMuchNoise};

/// From the exec to the first line: the login's start-up files, sudo, which may wait for name servers that do not answer.
const FIRST_LINE: Duration = Duration::from_secs(30);
/// A login that has printed something and then nothing for so long waits for somebody to type.
const AFTER_NOISE: Duration = Duration::from_secs(10);
/// How often is looked whether it does.
const LOOK: Duration = Duration::from_millis(250);
/// From the agent's first line to its hello: it reads the request and itself. For the request there is more time.
const HELLO: Duration = Duration::from_secs(20);
/// In a second, the slowest line that a request has to get through carries so many bytes.
const SLOWEST: usize = 16 * 1024;
/// From the last byte of the upload to the agent's first line, over a line that holds much of it on the way.
const AFTER_UPLOAD: Duration = Duration::from_secs(600);
/// From the first byte of a message to its last: the longest over the slowest line that does.
const MESSAGE: Duration = Duration::from_secs(300);
/// From the last message to the end of the agent.
const FAREWELL: Duration = Duration::from_secs(2);
/// So much is taken in while something is sent: more than an agent says of all its tasks before it listens again.
const MOST_UNHEARD: usize = 4 * LARGEST_FRAME;
/// How much of a host's standard error is kept.
const TAIL: usize = 8 * 1024;
/// Uploads are asked for once per directory that turns out not to do, and how to make them once.
const MOST_UPLOADS: usize = 8;

/// The agent that hosts are to run.
#[derive(Clone, Copy, Debug)]
pub struct AgentBinary<'a> {
    /// Names its executable.
    pub hash: Hash,
    /// Its executable, compressed with gzip.
    pub gz: &'a [u8],
}

/// An open conversation with one host's agent. Dropping it closes the agent's standard input, at which it ends.
#[derive(Debug)]
pub struct RemoteAgent {
    host: String,
    channel: Channel,
    incoming: Incoming,
    errors: ErrorTail,
    /// How the request begins, to know it where it comes back.
    sent: Vec<u8>,
    /// Since when there is the beginning of a message without its end.
    begun: Option<Instant>,
    ended: bool,
}

impl RemoteAgent {
    /// Connects, has the agent run and sends `opening`, then the bytes that belong to it. The first message is the agent's
    /// [`Greeting`], from the agent asked for.
    ///
    /// May be dropped at any time; nothing is left running then.
    ///
    /// # Errors
    /// See [`ConnectionError`]; [`ConnectionError::unreachable`] tells hosts that were not reached from those that failed.
    pub async fn open(
        target: &Target<'_>,
        agent: &AgentBinary<'_>,
        opening: &Opening,
        attached: &[u8],
    ) -> Result<Self, ConnectionError> {
        let dialer = Dialer::new(target)?;
        let opening = protocol::encode(opening)
            .map_err(|error| ConnectionError::local(format!("the request cannot be sent: {error}")))?;
        let attempt = Attempt { target, agent, request: [&opening, attached], dialer: &dialer };
        match attempt.run(false).await {
            // Something in the agent's place cannot be it; once, it is replaced.
            Err(ConnectionError::NotOurs { .. }) => attempt.run(true).await,
            done => done,
        }
    }

    /// What ssh told while it connected: `Permanently added …` when a host key was accepted, banners.
    pub fn notes(&self) -> &[String] {
        &self.channel.notes
    }

    /// Whether the connection was there before, kept from an earlier run.
    pub fn kept(&self) -> bool {
        self.channel.kept
    }

    /// How many bytes the agent has said.
    pub(crate) fn received(&self) -> u64 {
        self.incoming.received()
    }

    /// The next message. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The end of the conversation, or something that is no message of this phase.
    pub async fn recv<M: Message>(&mut self) -> Result<M, ConnectionError> {
        let message = self.ahead().await?;
        self.incoming.heard();
        self.begun = None;
        Ok(message)
    }

    /// The next message, which stays the next one.
    async fn ahead<M: Message>(&mut self) -> Result<M, ConnectionError> {
        loop {
            match self.incoming.message() {
                Ok(Some(message)) => return Ok(message),
                Ok(None) if self.incoming.unheard() == 0 => self.fill().await?,
                // A message has begun: the rest of it comes soon, or not at all.
                Ok(None) => {
                    let until = *self.begun.get_or_insert_with(Instant::now) + MESSAGE;
                    match timeout_at(until.into(), self.fill()).await {
                        Ok(filled) if Instant::now() < until => filled?,
                        _ => return Err(self.half_said()),
                    }
                }
                Err(error) => return Err(ConnectionError::frame(&error, self.errors.tail().await)),
            }
        }
    }

    /// Says something; reads meanwhile, so that two ends that have much to say do not wait for each other.
    ///
    /// # Errors
    /// The end of the conversation.
    pub async fn send<M: Message>(&mut self, message: &M) -> Result<(), ConnectionError> {
        let frame =
            protocol::encode(message).map_err(|error| ConnectionError::frame(&error, String::new()))?;
        self.write(&frame).await?;
        if self.ended { Err(self.lost().await) } else { Ok(()) }
    }

    /// Ends the conversation: the agent sees the end of its input, and has a moment to come to its own.
    pub async fn close(self) {
        self.channel.close(FAREWELL).await;
    }

    /// Reads what there is, at least a byte.
    async fn fill(&mut self) -> Result<(), ConnectionError> {
        if !self.ended {
            match self.channel.stdout.read_buf(self.incoming.buffer()).await {
                Ok(0) | Err(_) => self.ended = true,
                Ok(_) => return Ok(()),
            }
        }
        Err(self.lost().await)
    }

    fn half_said(&self) -> ConnectionError {
        let message =
            format!("{} has begun a message and not ended it within {} s", self.host, MESSAGE.as_secs());
        ConnectionError::Lost { message, said: self.errors.so_far() }
    }

    async fn lost(&mut self) -> ConnectionError {
        ConnectionError::frame(&self.incoming.end(), self.errors.tail().await)
    }

    /// Writes, and reads meanwhile, but not without end. A stream that the host has closed is no error here: what it said
    /// before tells more.
    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), ConnectionError> {
        while !bytes.is_empty() && !self.ended {
            if self.incoming.unheard() > MOST_UNHEARD {
                let message = format!("{} says more and more and does not listen", self.host);
                return Err(ConnectionError::Lost { message, said: self.errors.so_far() });
            }
            tokio::select! {
                biased;
                written = self.channel.stdin.write(bytes) => match written {
                    Ok(0) | Err(_) => return Ok(()),
                    Ok(length) => bytes = &bytes[length..],
                },
                read = self.channel.stdout.read_buf(self.incoming.buffer()) => {
                    self.ended = matches!(read, Ok(0) | Err(_));
                }
            }
        }
        Ok(())
    }

    /// The next word of bootstrap or agent, past all noise. Before the `first` one, a login may wait for somebody to type.
    async fn word(&mut self, limit: Duration, first: bool) -> Result<Word, ConnectionError> {
        let until = Instant::now() + limit;
        let mut last = (self.noise(), Instant::now());
        loop {
            match self.incoming.line() {
                Ok(Some(line)) => return Ok(Word::parse(&line)),
                Ok(None) if self.ended => return Err(self.no_word().await),
                Ok(None) => {}
                Err(TooMuchNoise) => {
                    let message = format!("{} prints too much at login, and no agent starts", self.host);
                    return Err(self.login(message));
                }
            }
            // The end is told from within the loop: it may stand behind a last line.
            let _ = timeout(LOOK, self.fill()).await;
            let noise = self.noise();
            if noise != last.0 {
                last = (noise, Instant::now());
            }
            let now = Instant::now();
            let waits = first && noise > 0 && now - last.1 >= AFTER_NOISE;
            if waits || now >= until {
                return Err(self.late(limit, waits));
            }
        }
    }

    /// How much the host has said that is not ours.
    fn noise(&self) -> usize {
        self.incoming.noise() + self.errors.length()
    }

    /// The first line has not come in time.
    fn late(&self, limit: Duration, waits: bool) -> ConnectionError {
        let host = &self.host;
        self.login(if self.incoming.is_echo_of(&self.sent) {
            format!("the login on {host} sends back what it is sent, as `cat` does: no agent can start there")
        } else if waits {
            format!("the login on {host} prints something and then waits: no agent can start there")
        } else {
            format!("no agent has started on {host} within {} s", limit.as_secs())
        })
    }

    fn login(&self, message: String) -> ConnectionError {
        // What was sent holds secrets, in whatever form it comes back.
        let printed = match self.incoming.is_echo_of(&self.sent) {
            true => String::new(),
            false => self.incoming.noise_shown(),
        };
        let said = format!("{printed}\n{}", self.errors.so_far()).trim().to_owned();
        ConnectionError::Login { message, said }
    }

    /// The host has closed the stream before it said a word.
    async fn no_word(&mut self) -> ConnectionError {
        let (host, said) = (self.host.clone(), self.errors.tail().await);
        if is_of_sudo(&said) {
            return ConnectionError::Sudo { host, said };
        }
        let message = format!("the login on {host} ended before an agent had started");
        let said = format!("{}\n{said}", self.incoming.noise_shown()).trim().to_owned();
        ConnectionError::NotOurs { message, said }
    }
}

struct Attempt<'a> {
    target: &'a Target<'a>,
    agent: &'a AgentBinary<'a>,
    /// The opening, and what belongs to it.
    request: [&'a [u8]; 2],
    dialer: &'a Dialer<'a>,
}

impl Attempt<'_> {
    async fn run(&self, renew: bool) -> Result<RemoteAgent, ConnectionError> {
        let nonce = nonce();
        let bootstrap = Bootstrap {
            nonce: &nonce,
            hash: &self.agent.hash,
            speculative: self.request.iter().map(|part| part.len()).sum(),
            size: self.agent.gz.len(),
            elevation: self.target.elevation(),
            renew,
        };
        let command = bootstrap.command();
        let (channel, stderr) = match self.dialer.exec_kept(&command).await {
            Some(opened) => opened,
            None => self.dialer.exec_fresh(&command).await?,
        };
        let mut remote = RemoteAgent {
            host: self.dialer.name(),
            channel,
            incoming: Incoming::new(&nonce),
            errors: ErrorTail::of(stderr),
            sent: self.request[0].iter().take(64).copied().collect(),
            begun: None,
            ended: false,
        };
        // What a login prints that does not listen is told when its word is waited for.
        let limit = FIRST_LINE + self.time_of_request();
        match timeout(limit, self.send_request(&mut remote)).await {
            Ok(_) => {}
            Err(_) => return Err(remote.late(limit, false)),
        }
        self.start_agent(&mut remote, &bootstrap).await?;
        self.greeting(&mut remote).await?;
        Ok(remote)
    }

    /// How long the request may be on its way.
    fn time_of_request(&self) -> Duration {
        let bytes: usize = self.request.iter().map(|part| part.len()).sum();
        Duration::from_secs((bytes / SLOWEST) as u64)
    }

    async fn send_request(&self, remote: &mut RemoteAgent) -> Result<(), ConnectionError> {
        for part in self.request {
            remote.write(part).await?;
        }
        Ok(())
    }

    /// Until the agent has said its first word and has its request.
    async fn start_agent(
        &self,
        remote: &mut RemoteAgent,
        bootstrap: &Bootstrap<'_>,
    ) -> Result<(), ConnectionError> {
        let (mut asked, mut uploads) = (0, 0);
        loop {
            let limit = if uploads == 0 { FIRST_LINE } else { AFTER_UPLOAD };
            match remote.word(limit, uploads == 0).await? {
                Word::Agent if uploads == 0 => return Ok(()),
                Word::Agent => return self.send_request(remote).await,
                Word::Need { machine } if asked < MOST_UPLOADS => {
                    asked += 1;
                    let address = self.target.address;
                    if Arch::parse(&machine) != Some(address.arch) {
                        return Err(ConnectionError::Architecture {
                            found: machine,
                            expected: address.arch,
                            inventory: address.inventory.clone(),
                            name: address.name.clone(),
                        });
                    }
                    remote.write(bootstrap.upload_script().as_bytes()).await?;
                }
                Word::Send if uploads < MOST_UPLOADS => {
                    uploads += 1;
                    remote.write(self.agent.gz).await?;
                }
                Word::Fail { reason, details } => {
                    let said = remote.errors.tail().await;
                    return Err(match reason.as_str() {
                        "no-place" => {
                            ConnectionError::NoPlace { reasons: details.trim_end_matches(';').to_owned() }
                        }
                        "no-sudo" => ConnectionError::Sudo { host: remote.host.clone(), said: String::new() },
                        _ => ConnectionError::Lost {
                            message: format!("the host gave up: {reason} {details}"),
                            said,
                        },
                    });
                }
                word @ (Word::Need { .. } | Word::Send | Word::Other(_)) => {
                    let message = format!("the host said {word:?} in place of an agent");
                    return Err(ConnectionError::Lost { message, said: remote.errors.tail().await });
                }
            }
        }
    }

    /// Sees that the first message, which stays to be received, comes from the right agent.
    async fn greeting(&self, remote: &mut RemoteAgent) -> Result<(), ConnectionError> {
        let wrong = |message: String, said| Err(ConnectionError::NotOurs { message, said });
        match timeout(HELLO + self.time_of_request(), remote.ahead()).await {
            Ok(Ok(Greeting::Hello { agent, .. })) if agent != self.agent.hash => wrong(
                format!("agent {} runs on the host in place of {}", agent.short(), self.agent.hash.short()),
                String::new(),
            ),
            Ok(Ok(Greeting::Hello { .. } | Greeting::Refused(_))) => Ok(()),
            Ok(Err(error)) => {
                wrong(format!("the agent on the host did not say hello: {error}"), remote.errors.tail().await)
            }
            Err(_) => wrong(
                format!(
                    "the agent on {} says nothing; if its login reads from standard input, the request went there",
                    remote.host
                ),
                remote.errors.so_far(),
            ),
        }
    }
}

/// Digits that no login prints by chance.
fn nonce() -> String {
    // Seeded by the system per process and counted up: not secret, but never the same twice.
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// The end of a host's standard error, read by a task of its own: what nobody reads would block the agent.
#[derive(Debug)]
struct ErrorTail {
    tail: Arc<Mutex<Vec<u8>>>,
    length: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl ErrorTail {
    fn of(mut stderr: ChildStderr) -> Self {
        let tail = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&tail);
        let length = Arc::new(AtomicUsize::new(0));
        let so_far = Arc::clone(&length);
        let task = tokio::spawn(async move {
            let mut piece = Vec::new();
            while matches!(stderr.read_buf(&mut piece).await, Ok(length) if length > 0) {
                so_far.fetch_add(piece.len(), Ordering::Relaxed);
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.append(&mut piece);
                let excess = kept.len().saturating_sub(TAIL);
                kept.drain(..excess);
            }
        });
        Self { tail, length, task }
    }

    /// How much has come.
    fn length(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    fn so_far(&self) -> String {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&tail).replace('\r', "").trim().to_owned()
    }

    /// All of it, once its end has been read, for which there is a moment.
    async fn tail(&mut self) -> String {
        if !self.task.is_finished() {
            let _ = timeout(FAREWELL, &mut self.task).await;
        }
        self.so_far()
    }
}

impl Drop for ErrorTail {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_are_short_words_and_differ() {
        let (one, two) = (nonce(), nonce());
        assert_ne!(one, two);
        assert!(one.len() == 16 && one.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
