//! The conversation with one host's agent.
//!
//! ```text
//! kept connection, or a new one ─► bootstrap, and the request at once ─► first line
//!     agent ─► messages                                            need ─► upload ─► first line, request again
//! ```

mod incoming;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use paracrine_model::hash::Hash;
use paracrine_model::host::Arch;
use paracrine_model::protocol::{self, Greeting, Message, Opening};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::bootstrap::{Bootstrap, Word};
pub use crate::known_hosts::Offending;
pub use crate::relay::{if_asked_for as relay_if_asked_for, this_program};
use crate::ssh::{Channel, ChildStderr, Dialer};
pub use crate::ssh::{ConnectionError, Settings, Target};
use incoming::{Incoming, TooMuchNoise};

/// From the exec to the first line: the login's start-up files, sudo.
const FIRST_LINE: Duration = Duration::from_secs(60);
/// From the last byte of the upload to the agent's first line, over a line that holds much of it on the way.
const AFTER_UPLOAD: Duration = Duration::from_secs(600);
/// From the last message to the end of the agent.
const FAREWELL: Duration = Duration::from_secs(2);
/// How much of a host's standard error is kept.
const TAIL: usize = 8 * 1024;
/// Uploads are asked for once per directory that turns out not to do.
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

    /// The next message. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The end of the conversation, or something that is no message of this phase.
    pub async fn recv<M: Message>(&mut self) -> Result<M, ConnectionError> {
        let message = self.ahead().await?;
        self.incoming.heard();
        Ok(message)
    }

    /// The next message, which stays the next one.
    async fn ahead<M: Message>(&mut self) -> Result<M, ConnectionError> {
        loop {
            match self.incoming.message() {
                Ok(Some(message)) => return Ok(message),
                Ok(None) => self.fill().await?,
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

    async fn lost(&mut self) -> ConnectionError {
        ConnectionError::frame(&self.incoming.end(), self.errors.tail().await)
    }

    /// Writes, and reads meanwhile. A stream that the host has closed is no error here: what it said before tells more.
    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), ConnectionError> {
        while !bytes.is_empty() && !self.ended {
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

    /// The next word of bootstrap or agent, past all noise.
    async fn word(&mut self, limit: Duration) -> Result<Word, ConnectionError> {
        let host = self.host.clone();
        let line = timeout(limit, async {
            loop {
                match self.incoming.line() {
                    Ok(Some(line)) => return Ok(line),
                    Ok(None) if self.ended => return Err(self.no_word().await),
                    // The end is told from within the loop: it may stand behind a last line.
                    Ok(None) => drop(self.fill().await),
                    Err(TooMuchNoise) => {
                        let message = format!("{host} prints too much at login, and no agent starts");
                        return Err(ConnectionError::Lost { message, said: self.errors.tail().await });
                    }
                }
            }
        })
        .await;
        match line {
            Ok(line) => line.map(|line| Word::parse(&line)),
            Err(_) => Err(ConnectionError::Lost {
                message: format!("no agent has started on {host} within {} s", limit.as_secs()),
                said: self.errors.so_far(),
            }),
        }
    }

    /// The host has closed the stream before it said a word.
    async fn no_word(&mut self) -> ConnectionError {
        let (host, said) = (self.host.clone(), self.errors.tail().await);
        if said.lines().any(|line| line.starts_with("sudo: ") || line.contains("is not in the sudoers file"))
        {
            return ConnectionError::Sudo { host, said };
        }
        let message = format!("the login on {host} ended before an agent had started");
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
            ended: false,
        };
        self.send_request(&mut remote).await?;
        self.start_agent(&mut remote, &bootstrap).await?;
        self.greeting(&mut remote).await?;
        Ok(remote)
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
        let mut uploads = 0;
        loop {
            match remote.word(if uploads == 0 { FIRST_LINE } else { AFTER_UPLOAD }).await? {
                Word::Agent if uploads == 0 => return Ok(()),
                Word::Agent => return self.send_request(remote).await,
                Word::Need { machine } => {
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
                word @ (Word::Send | Word::Other(_)) => {
                    let message = format!("the host said {word:?} in place of an agent");
                    return Err(ConnectionError::Lost { message, said: remote.errors.tail().await });
                }
            }
        }
    }

    /// Sees that the first message, which stays to be received, comes from the right agent.
    async fn greeting(&self, remote: &mut RemoteAgent) -> Result<(), ConnectionError> {
        let wrong = |message: String, said| Err(ConnectionError::NotOurs { message, said });
        match timeout(FIRST_LINE, remote.ahead()).await {
            Ok(Ok(Greeting::Hello { agent, .. })) if agent != self.agent.hash => wrong(
                format!("agent {} runs on the host in place of {}", agent.short(), self.agent.hash.short()),
                String::new(),
            ),
            Ok(Ok(Greeting::Hello { .. } | Greeting::Refused(_))) => Ok(()),
            Ok(Err(error)) => {
                wrong(format!("the agent on the host did not say hello: {error}"), remote.errors.tail().await)
            }
            Err(_) => wrong("the agent on the host says nothing".into(), remote.errors.so_far()),
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
    task: JoinHandle<()>,
}

impl ErrorTail {
    fn of(mut stderr: ChildStderr) -> Self {
        let tail = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&tail);
        let task = tokio::spawn(async move {
            let mut piece = Vec::new();
            while matches!(stderr.read_buf(&mut piece).await, Ok(length) if length > 0) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.append(&mut piece);
                let excess = kept.len().saturating_sub(TAIL);
                kept.drain(..excess);
            }
        });
        Self { tail, task }
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
