//! The run time of a deploy binary: command line, controller, SSH, reports.
//!
//! A site's `src/main.rs` is one line:
//!
//! ```ignore
//! paracrine::main!();
//! ```
//!
//! What lies under it, from top to bottom: `cli` reads the command line and picks environment and hosts; `site` opens
//! the compiled site and sees whether the files beside it are still those it was built from; `secrets` resolves what
//! the picked hosts use; `controller` talks to the hosts and tells what happens as a stream of events; `report` draws
//! that stream. Arrows go one way: the controller knows no terminal, the reports know no connection.

mod account;
mod bootstrap;
mod cli;
mod controller;
mod embedded;
mod event;
pub mod json_output;
mod kept_connections;
mod known_hosts;
mod large;
mod no_core;
pub mod plan_test;
mod reason;
mod relay;
#[doc(hidden)]
pub mod remote_agent;
mod report;
mod secrets;
mod site;
mod ssh;
#[cfg(test)]
mod testing;

use std::process::ExitCode;

pub use embedded::Embedded;

/// The deploy binary's `main`: the compiled site, and the command line around it.
#[macro_export]
macro_rules! main {
    () => {
        include!(concat!(env!("OUT_DIR"), "/site.rs"));

        fn main() -> ::std::process::ExitCode {
            $crate::run(&SITE)
        }
    };
}

/// Does what the command line says; [`main!`] calls this.
pub fn run(embedded: &'static Embedded) -> ExitCode {
    // As the relay of its own connections, before anything else is looked at.
    relay::if_asked_for(std::env::args_os()).unwrap_or_else(|| {
        no_core::leave_none();
        cli::run(embedded, std::env::args_os())
    })
}
