//! What is in a folder of the site.

use std::collections::BTreeSet;
use std::path::Path;

/// All files below a folder, as paths relative to it that use `/`. A folder that is not there has none.
pub(crate) fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(folder, "", 0, &mut found);
    found
}

fn collect(folder: &Path, prefix: &str, depth: usize, found: &mut BTreeSet<String>) {
    // Links may form circles.
    if depth > 32 {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = format!("{prefix}{name}");
        match std::fs::metadata(entry.path()) {
            Ok(metadata) if metadata.is_dir() => {
                collect(&entry.path(), &format!("{path}/"), depth + 1, found)
            }
            Ok(_) => {
                found.insert(path);
            }
            Err(_) => {}
        }
    }
}

/// Whether a file is one that editors and systems leave behind.
pub(crate) fn is_clutter(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with('.') || name.ends_with('~') || name.ends_with(".swp") || name.ends_with(".orig")
}
