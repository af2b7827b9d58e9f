//! All that controller and agent ever say to each other. Each phase of the conversation is a file with types of its own: what
//! cannot be said in a phase has no words in it.
//!
//! ```text
//! controller                                    agent
//!   Opening { agent, Request }, the plan  ────►                                             request
//!                                         ◄────  Greeting: Hello, or Refused                greeting
//!                                         ◄────  a check: Told … Done                       any_time
//!                                         ◄────  an apply: Looking { Told, Waiting, Ready } looking
//!   WhileLooking::Leave                   ────►
//!                                         ◄────  Poised::Left                               poised
//!                                         ◄────  Changing { Told, Begun, ClosingLook } … Done  changing
//!   AnyTime: Delivery, Late, Ping, Stop   ────►                                             any_time, delivery
//! ```
//!
//! A phase ends with a word of whoever speaks: `Hello`, `Ready` and `Left` in what the agent says, the opening and `Leave` in
//! what the controller says. So what one end says is read right whatever the other has said meanwhile: a `Stop` that was
//! sent just before or after `Leave` is the same to the agent, and a `Done` that crosses a `Leave` is still one of `Poised`.
//!
//! Standard output begins with whatever the login prints, so the first line that counts is `PARACRINE nonce word`,
//! the nonce being one the controller made for this run: `PARACRINE … agent` comes from the agent and frames follow;
//! `PARACRINE … need ARCH` comes from the bootstrap, which then reads the agent's executable from standard input.

mod any_time;
mod changing;
mod delivery;
mod frame;
mod greeting;
mod looking;
mod outcome;
mod poised;
mod request;
#[cfg(test)]
mod tests;

pub use any_time::{AnyTime, Told};
pub use changing::Changing;
pub use delivery::{Delivery, Lacking, PIECE};
pub use frame::{
    FrameError, LARGEST_FRAME, Message, Phase, body_length, decode, encode, first_frame, read, read_exactly,
    write,
};
pub use greeting::Greeting;
pub use looking::{Looking, WhileLooking};
pub use outcome::{Difference, Failure, OldContent, Outcome, Report, Summary};
pub use poised::Poised;
pub use request::{Deploy, Mode, Opening, Request, RunId};

use std::time::Duration;

/// The word before the nonce in the first line.
pub const MAGIC: &str = "PARACRINE";

/// How often a host hears of the controller while it waits for its turn.
pub const PING_INTERVAL: Duration = Duration::from_secs(20);

/// After so many intervals in which nothing was heard, a host that waits gives itself up: it holds a lock.
pub const MISSED_PINGS: u32 = 15;
