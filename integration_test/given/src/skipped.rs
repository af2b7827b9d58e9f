//! The list of what was skipped.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// The environment variable that names the file in which skipped tests are noted.
pub const SKIPPED: &str = "PARACRINE_SKIPPED";

/// Notes that the test at this line lacks something.
pub(crate) fn note(test: impl Display, what: &str) {
    eprintln!("{}", line(&test, what));
    if let Some(list) = std::env::var_os(SKIPPED) {
        // A skipped test that is not counted would pass for one that was run.
        add(Path::new(&list), &test, what).unwrap_or_else(|error| panic!("{}: {error}", list.display()));
    }
}

/// Adds to the list; tests of several processes do so at the same time.
fn add(list: &Path, test: &impl Display, what: &str) -> io::Result<()> {
    let mut list = OpenOptions::new().create(true).append(true).open(list)?;
    list.write_all(format!("{}\n", line(test, what)).as_bytes())
}

fn line(test: &impl Display, what: &str) -> String {
    format!("{test}: skipped, for it needs {what}")
}

/// The lines of a list, each once; none where nothing was skipped.
///
/// # Errors
/// A list that is there and cannot be read.
pub fn skipped(list: &Path) -> io::Result<BTreeSet<String>> {
    match std::fs::read_to_string(list) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_skipped_is_counted_once() {
        let directory = tempfile::tempdir().unwrap();
        let list = directory.path().join("skipped");
        assert!(skipped(&list).unwrap().is_empty());
        for _ in 0..2 {
            add(&list, &"a.rs:1:2", "root").unwrap();
            add(&list, &"b.rs:3:4", "/usr/sbin/sshd (apt install openssh-server)").unwrap();
        }
        let lines: Vec<_> = skipped(&list).unwrap().into_iter().collect();
        assert_eq!(
            lines,
            [
                "a.rs:1:2: skipped, for it needs root",
                "b.rs:3:4: skipped, for it needs /usr/sbin/sshd (apt install openssh-server)",
            ]
        );
    }

    #[test]
    fn a_list_that_cannot_be_read_is_no_empty_list() {
        let directory = tempfile::tempdir().unwrap();
        assert!(skipped(directory.path()).is_err());
    }

    #[test]
    fn only_what_is_not_given_is_skipped() {
        assert!(crate::that(true, "nothing"));
        assert!(crate::program("/bin/sh", "dash"));
    }
}
