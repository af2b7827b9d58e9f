//! That host keys can be remembered, and are.

use std::path::Path;

use paracrine_model::host::Address;

use super::error::ConnectionError;
use crate::account;
use crate::known_hosts::{readable, usable};
use crate::reason::reason;

const HELP: &str = "make it a file that you can read and write, run this where the site's inventory is yours, or pin \
                    `host_key` of every host in the inventory";

/// Whether a key that is new may be met on the way to a host: its own, unless it is pinned, or that of a jump host.
pub(crate) fn takes_new_keys(address: &Address) -> bool {
    address.host_key.is_none() || !address.jump.is_empty()
}

/// Sees that host keys can be remembered in this file, and that those are seen that the user knows already.
pub(crate) fn remembers(file: &Path) -> Result<(), ConnectionError> {
    usable(file).map_err(|error| {
        let message = format!("host keys cannot be remembered in {}: {}", file.display(), reason(&error));
        ConnectionError::local_with_help(message, HELP)
    })?;
    let own = account::home().map(|home| home.join(".ssh"));
    for file in own.iter().flat_map(|ssh| [ssh.join("known_hosts"), ssh.join("known_hosts2")]) {
        readable(&file).map_err(|error| {
            let file = file.display();
            ConnectionError::local_with_help(
                format!("the host keys in {file} cannot be read: {}", reason(&error)),
                format!("a host that is known there would be taken for a new one: make {file} readable, or remove it"),
            )
        })?;
    }
    Ok(())
}

/// A host that was reached and whose key is not where it should be now.
pub(super) fn unrecorded(host: &str, file: &Path) -> ConnectionError {
    ConnectionError::local_with_help(
        format!(
            "{host} was reached for the first time, and its host key did not get into {}: nothing was sent to it",
            file.display()
        ),
        HELP,
    )
}
