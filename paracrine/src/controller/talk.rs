//! A conversation as the controller leads it: each word of it in the phase that it is said in.

use paracrine_model::protocol::{AnyTime, Failure, Message, Mode, WhileLooking};

use super::connection::Connection;

/// A connection, and how far the controller has come on it.
pub(super) struct Talk<C> {
    pub(super) connection: C,
    /// Whether it may still give leave, and so speaks in [`WhileLooking`].
    before_leave: bool,
}

impl<C: Connection> Talk<C> {
    /// Over a connection on which the request has been sent.
    pub(super) fn new(connection: C, mode: Mode) -> Self {
        Self { connection, before_leave: mode == Mode::Apply }
    }

    /// The next message, which has to be one of this phase. Dropping the future loses nothing.
    pub(super) async fn hear<M: Message>(&mut self) -> Result<M, Failure> {
        self.connection.recv().await
    }

    /// Says something that can be said at any time.
    pub(super) async fn say(&mut self, word: AnyTime) -> Result<(), Failure> {
        if self.before_leave {
            self.connection.send(&WhileLooking::AnyTime(word)).await
        } else {
            self.connection.send(&word).await
        }
    }

    /// Lets the host be changed; once.
    pub(super) async fn leave(&mut self) -> Result<(), Failure> {
        if !std::mem::replace(&mut self.before_leave, false) {
            return Ok(());
        }
        self.connection.send(&WhileLooking::Leave).await
    }
}
