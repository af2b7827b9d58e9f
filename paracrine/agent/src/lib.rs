//! What runs on hosts: reads a plan from standard input, compares the machine with it and, in an apply, makes it equal.
//!
//! ```text
//! serve (protocol, lock) ─► engine (observe, compare, apply, observe) ─► resource/* ─► world/* ─► the machine
//!                              │ journal: debts and what was cut                    └─ overlay: what a check predicts
//! ```
//!
//! Linked statically, so nothing here may look up names through the C library: users come from `/etc/passwd` and
//! `/etc/group`, or from `getent`.

pub mod engine;
pub mod journal;
pub mod lock;
pub mod manage;
pub mod port;
mod reason;
pub mod receipt;
pub mod resource;
pub mod serve;
#[cfg(test)]
mod suite;
mod whole_file;
pub mod world;
