//! What Paracrine is tested with: a [`lab`] of real Debian hosts on one machine.

pub mod lab;
pub mod site;
