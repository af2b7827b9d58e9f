//! What Paracrine is tested with: a [`lab`] of real Debian hosts on one machine, the [`site`] that is deployed to it, and
//! the [`loopback`] deployment for machines that allow no lab.

pub mod lab;
pub mod loopback;
pub mod site;
