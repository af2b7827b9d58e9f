//! What a test needs that not every machine gives: root, a program, mounts of its own.
//!
//! ```no_run
//! if !given::root() {
//!     return;
//! }
//! ```
//!
//! A test, or a part of one, that ends early because something is not given is counted: by a line in the file that
//! [`SKIPPED`] names. `cargo ci` sets it, tells what was skipped, and does not pass then.

mod mounts;
mod skipped;
mod unprivileged;

use std::path::Path;

pub use mounts::own_mounts;
pub use skipped::{SKIPPED, skipped};
pub use unprivileged::unprivileged;

/// Whether the test is run by root.
#[track_caller]
pub fn root() -> bool {
    that(is_root(), "root")
}

/// Whether there is such a program; `package` has it.
#[track_caller]
pub fn program(path: &str, package: &str) -> bool {
    that(Path::new(path).exists(), &format!("{path} (apt install {package})"))
}

/// Whether what the test needs is given, as its condition says.
#[track_caller]
pub fn that(condition: bool, what: &str) -> bool {
    if !condition {
        skipped::note(std::panic::Location::caller(), what);
    }
    condition
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
