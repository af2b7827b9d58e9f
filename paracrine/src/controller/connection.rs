//! What the controller asks of a connection. SSH is one way to have one; tests have another.

use std::time::Duration;

use paracrine_model::host::Address;
use paracrine_model::protocol::{Failure, Message, Opening, PING_INTERVAL};

/// The agent that a host is to run, out of the deploy binary.
pub(crate) type AgentBinary = crate::remote_agent::AgentBinary<'static>;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenError {
    /// The host could not be reached at all, as against: it was reached and then something went wrong.
    pub unreachable: bool,
    /// What went wrong.
    pub failure: Failure,
}

/// Opens connections.
pub(crate) trait Connector {
    /// What it opens.
    type Connection: Connection;

    /// Connects, has the agent run and sends the opening and what belongs to it (a plan, as it lies in the site). May be
    /// dropped at any time: nothing is left running then.
    async fn open(
        &self,
        address: &Address,
        agent: AgentBinary,
        opening: &Opening,
        attached: &[u8],
    ) -> Result<Self::Connection, OpenError>;

    /// How often a host that waits is told that the controller is still there.
    fn ping_interval(&self) -> Duration {
        PING_INTERVAL
    }
}

/// A conversation with an agent.
pub(crate) trait Connection {
    /// What is worth telling about how it came about.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// How many bytes have come over it.
    fn received(&self) -> u64;

    /// The next message, of the phase that it has to be of. Dropping the future loses nothing: what was read stays for the
    /// next call.
    async fn recv<M: Message>(&mut self) -> Result<M, Failure>;

    /// Says something.
    async fn send<M: Message>(&mut self, message: &M) -> Result<(), Failure>;

    /// Ends the conversation; the connection beneath may be kept for a later run.
    async fn close(self);
}
