//! The account that this process runs under. `ssh` goes by it and not by the environment; so do we where the two have to
//! agree.

use std::path::PathBuf;

use nix::unistd::{User, getuid};

/// Its number.
pub(crate) fn uid() -> u32 {
    getuid().as_raw()
}

/// Its home, as `ssh` finds it: whatever `$HOME` says.
pub(crate) fn home() -> Option<PathBuf> {
    let home = User::from_uid(getuid()).ok().flatten()?.dir;
    home.is_absolute().then_some(home)
}
