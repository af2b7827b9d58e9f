//! Connections to hosts, over the user's own `ssh`. Nothing else knows the `openssh` crate.
//!
//! A host that is reached for the first time is connected to by an `ssh` that goes to the background once it is logged
//! in and serves on a control socket; commands run through that socket, without a process of ours. It stays there for a
//! while, so that the next run finds it (see [`crate::kept_connections`]).

mod agent;
mod arguments;
mod error;
mod jump;
mod known_keys;
mod login;
mod route;
mod target;
mod trust;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openssh::{Child, Session, Stdio};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::kept_connections::{Key, SocketDirectory};
use crate::known_hosts;
pub use error::ConnectionError;
pub(crate) use error::is_of_sudo;
use route::Route;
pub(crate) use target::Elevation;
pub use target::{Settings, Target};
pub(crate) use trust::{remembers, takes_new_keys};

pub(crate) use openssh::{ChildStderr, ChildStdin, ChildStdout};

/// A command that runs on a host.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
    /// What ssh told while it connected (`Permanently added …`).
    pub(crate) notes: Vec<String>,
    /// Whether the connection was there before.
    pub(crate) kept: bool,
    child: Child<Arc<Session>>,
    keep: bool,
}

impl Channel {
    /// Closes the command's input and waits until it closes its output, but not for long. Lets go of the connection
    /// too, unless it is to be kept.
    pub(crate) async fn close(self, limit: Duration) {
        let Self { stdin, mut stdout, child, keep, .. } = self;
        drop(stdin);
        let mut rest = Vec::new();
        let _ = timeout(limit, async {
            while matches!(stdout.read_buf(&mut rest).await, Ok(length) if length > 0) {
                rest.clear();
            }
        })
        .await;
        let session = child.session();
        drop(child);
        if !keep && let Some(session) = Arc::into_inner(session) {
            // The socket goes at once, ssh when nothing runs through it any more.
            let _ = session.close().await;
        }
    }
}

/// Connections to one host.
pub(crate) struct Dialer<'a> {
    target: &'a Target<'a>,
    sockets: SocketDirectory,
    route: Route,
    key: Key,
}

impl<'a> Dialer<'a> {
    /// Works out the way; nothing is started.
    pub(crate) fn new(target: &'a Target<'a>) -> Result<Self, ConnectionError> {
        let (sockets, _) = SocketDirectory::open(target.settings.sockets.as_deref())
            .map_err(|error| ConnectionError::local(error.to_string()))?;
        let route = Route::plan(target, &sockets)?;
        let key = route.connection();
        Ok(Self { target, sockets, route, key })
    }

    /// How people name the host: `deploy@web1.example.org port 2222`.
    pub(crate) fn name(&self) -> String {
        self.route.name()
    }

    fn keep(&self) -> bool {
        !self.target.settings.persist.is_zero()
    }

    /// Runs a command over the kept connection, if there is one that works.
    pub(crate) async fn exec_kept(&self, command: &str) -> Option<(Channel, ChildStderr)> {
        if !self.keep() {
            return None;
        }
        let socket = self.sockets.kept(&self.key)?;
        // The answer comes from the host, so a connection whose other end has gone silent is noticed here.
        match timeout(self.route.connect_timeout, self.exec(&socket, command, Vec::new(), true)).await {
            Ok(Ok(opened)) => Some(opened),
            Ok(Err(_)) | Err(_) => {
                self.sockets.forget(&self.key, &socket);
                None
            }
        }
    }

    /// Runs a command over a new connection.
    pub(crate) async fn exec_fresh(&self, command: &str) -> Result<(Channel, ChildStderr), ConnectionError> {
        self.sockets.sweep();
        let socket = self.sockets.fresh(&self.key);
        if takes_new_keys(self.target.address) {
            remembers(&self.route.known_hosts)?;
        }
        let notes = login::log_in(&self.route, self.target, &socket).await?;
        if !known_hosts::are_recorded(&notes, &self.route.known_hosts) {
            // Nothing is sent to a host that cannot be known again.
            let _ = Session::resume_mux(socket.as_path().into(), None).close().await;
            return Err(trust::unrecorded(&self.name(), &self.route.known_hosts));
        }
        if self.keep() {
            // If not, the next run connects again.
            let _ = self.sockets.publish(&self.key, &socket);
        }
        match timeout(self.route.limit(), self.exec(&socket, command, notes, false)).await {
            Ok(opened) => {
                opened.map_err(|error| ConnectionError::Ssh { host: self.name(), said: with_causes(&error) })
            }
            // There is a host: it has let us in.
            Err(_) => Err(ConnectionError::Lost {
                message: format!(
                    "no command could be started on {} within {} s",
                    self.name(),
                    self.route.limit().as_secs()
                ),
                said: String::new(),
            }),
        }
    }

    async fn exec(
        &self,
        socket: &Path,
        command: &str,
        notes: Vec<String>,
        kept: bool,
    ) -> Result<(Channel, ChildStderr), openssh::Error> {
        let session = Arc::new(Session::resume_mux(socket.into(), None));
        let mut child = session
            .arc_raw_command(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .await?;
        let streams = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        let (Some(stdin), Some(stdout), Some(stderr)) = streams else {
            return Err(openssh::Error::Disconnected);
        };
        Ok((Channel { stdin, stdout, notes, kept, child, keep: self.keep() }, stderr))
    }
}

/// `failed to connect: no such file`
fn with_causes(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", with_causes(cause)),
        None => error.to_string(),
    }
}
