//! Keeps the values of secrets on the machine.
//!
//! - [`Mask`] replaces values wherever they turn up by accident: in the output of programs, in messages, in attributes.
//! - `old_content` shows what was in a file. Nobody knows which secrets an old file holds, so nothing of it is shown
//!   that might be one: see `old`.

mod old;

#[cfg(test)]
mod tests;

pub(crate) use old::{LARGEST_SHOWN, old_content};

pub use paracrine_model::mask::Mask;
