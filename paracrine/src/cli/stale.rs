//! What is said where the site's files have changed since the binary was built.

use std::io::Write;

use crate::report::{HELP, WARNING, escaped_line};
use crate::site::Stale;

/// Says what has changed, if anything has, where a command goes on nevertheless.
pub(crate) fn warn(stale: &[Stale], help: &str) {
    if !stale.is_empty() {
        let _ = write!(
            anstream::stderr(),
            "{WARNING}warning:{WARNING:#} {}\n  {HELP}help:{HELP:#} {help}\n",
            escaped_line(&told(stale))
        );
    }
}

/// `this binary was built from other files than are here: config.yaml changed, roles.rs is gone and 3 more`
pub(crate) fn told(stale: &[Stale]) -> String {
    let some: Vec<_> = stale.iter().take(3).map(ToString::to_string).collect();
    let more = match stale.len().saturating_sub(3) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("this binary was built from other files than are here: {}{more}", some.join(", "))
}
