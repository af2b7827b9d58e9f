//! What all commands share that talk to hosts.
//!
//! ```text
//! needs: agents and secrets are there ─► reach: how hosts are connected to ─► run: until the end, with reports and Ctrl-C
//! ```

mod holder;
mod interrupt;
mod needs;
mod reach;
mod reports;
mod run;

pub(super) use holder::holder;
#[cfg(test)]
pub(super) use needs::lacking;
pub(super) use needs::{agents, secrets};
pub(super) use reach::connector;
#[cfg(test)]
pub(super) use reach::secret_variables;
pub(super) use reports::reports;
pub(super) use run::run;
