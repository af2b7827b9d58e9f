//! What the controller asks of a connection. SSH is one way to have one; tests have another.

use paracrine_model::host::Address;
use paracrine_model::protocol::{Failure, FromAgent, Start, ToAgent};

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

    /// Connects, has the agent run and sends `start`. May be dropped at any time: nothing is left running then.
    async fn open(
        &self,
        address: &Address,
        agent: AgentBinary,
        start: &Start,
    ) -> Result<Self::Connection, OpenError>;
}

/// A conversation with an agent.
pub(crate) trait Connection {
    /// What is worth telling about how it came about.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// The next message. Dropping the future loses nothing: what was read stays for the next call.
    async fn recv(&mut self) -> Result<FromAgent, Failure>;

    /// Says something.
    async fn send(&mut self, message: &ToAgent) -> Result<(), Failure>;

    /// Ends the conversation; the connection beneath may be kept for a later run.
    async fn close(self);
}
