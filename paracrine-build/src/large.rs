//! Large local files: hashed where they lie, never held in memory, and linked into the deploy binary as a section of its
//! own. `include_bytes!` would take rustc five times their size, twelve times in a release build.

mod hashes;
mod object;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use paracrine_model::content::{LargeFile, Stamp};

pub(crate) use hashes::Hashes;

/// The object file in cargo's output directory that holds all large contents.
const OBJECT: &str = "contents.o";

/// What tells that a file is the one it was.
pub(crate) fn stamp(path: &Path) -> io::Result<Stamp> {
    Stamp::of(&std::fs::metadata(path)?)
}

/// Writes the object file with the contents, unless it holds just these already. Returns what the linker is to be given.
///
/// # Errors
/// A content that cannot be read or is another by now, an object file that cannot be written.
pub(crate) fn write(out: &Path, contents: &[LargeFile]) -> io::Result<Option<PathBuf>> {
    let (object, list) = (out.join(OBJECT), out.join("contents.list"));
    if contents.is_empty() {
        for path in [object, list] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        return Ok(None);
    }
    let wanted: String =
        contents.iter().map(|content| format!("{} {}\n", content.hash, content.stamp.length)).collect();
    let there = std::fs::read_to_string(&list).is_ok_and(|list| list == wanted);
    if !(there && object.exists()) {
        // A run that is cut off leaves no list that names what the object file lacks.
        let _ = std::fs::remove_file(&list);
        object::write(&object, contents.iter().map(|content| content.stamp.length).sum(), |to| {
            contents.iter().try_for_each(|content| copy(content, to))
        })?;
        std::fs::write(&list, wanted)?;
    }
    Ok(Some(object))
}

/// Copies a content that has to be of the length that it was hashed with.
fn copy(content: &LargeFile, to: &mut File) -> io::Result<()> {
    let copied = io::copy(&mut File::open(&content.path)?.take(content.stamp.length + 1), to)?;
    if copied == content.stamp.length {
        return Ok(());
    }
    Err(io::Error::other(format!("`{}` changed while it was read", content.path.display())))
}
