//! What a site was built from: the hashes of its inputs and the commit.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use paracrine_model::hash::Hash;

use crate::rust_places::RustPlaces;

/// What a site was built from.
pub(crate) struct Fingerprint {
    /// Path, relative to the site, and hash of each file. Never secrets.
    pub(crate) inputs: Vec<(String, Hash)>,
    /// The commit, with `+` where tracked files were changed.
    pub(crate) commit: Option<String>,
    /// What changes with the commit.
    pub(crate) watched: Vec<PathBuf>,
}

impl Fingerprint {
    /// Of inputs alone.
    pub(crate) fn without_commit(inputs: Vec<(String, Hash)>) -> Self {
        Self { inputs, commit: None, watched: Vec::new() }
    }
}

/// The fingerprint of the site at `root` with the files that were read for it.
pub(crate) fn of(root: &Path, mut inputs: Vec<(String, Hash)>) -> Fingerprint {
    inputs.extend(rust_sources(root));
    inputs.sort();
    inputs.dedup();
    let (commit, watched) = commit(root);
    Fingerprint { inputs, commit, watched }
}

/// The Rust files of the build script: `build.rs`, roles and what else it is made of, as rustc wrote them down.
fn rust_sources(root: &Path) -> Vec<(String, Hash)> {
    let places = RustPlaces::new(root);
    dependencies()
        .unwrap_or_default()
        .iter()
        .filter_map(|file| {
            let path = places.relative(file)?;
            let bytes = std::fs::read(root.join(&path)).ok()?;
            Some((path, Hash::of(&bytes)))
        })
        .collect()
}

/// The files that this build script was compiled from, from the list that lies beside it.
fn dependencies() -> Option<Vec<String>> {
    let folder = std::env::current_exe().ok()?.parent()?.to_owned();
    let list = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).find(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("build_script_") && name.ends_with(".d")
    })?;
    let list = std::fs::read_to_string(list).ok()?;
    Some(parse_dependencies(&list))
}

/// The Rust files that a makefile of rustc names: `target: a.rs b\ c.rs`.
fn parse_dependencies(list: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in list.lines() {
        let Some((_, sources)) = line.split_once(": ") else {
            continue;
        };
        let mut file = String::new();
        let mut chars = sources.chars().peekable();
        loop {
            match chars.next() {
                Some('\\') if chars.peek() == Some(&' ') => {
                    chars.next();
                    file.push(' ');
                }
                Some(c) if c != ' ' => file.push(c),
                end => {
                    if file.ends_with(".rs") {
                        files.push(std::mem::take(&mut file));
                    }
                    file.clear();
                    if end.is_none() {
                        break;
                    }
                }
            }
        }
    }
    files.sort();
    files.dedup();
    files
}

/// The commit that is checked out, and the files that change with it.
fn commit(root: &Path) -> (Option<String>, Vec<PathBuf>) {
    let Some(git) = root.ancestors().map(|folder| folder.join(".git")).find(|path| path.exists()) else {
        return (None, Vec::new());
    };
    let commit = head(root);
    (commit, heads(&git))
}

/// One process for both: what is checked out, and whether something is changed.
fn head(root: &Path) -> Option<String> {
    let output = Command::new("git")
        .args(["--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=no"])
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    parse_status(&String::from_utf8_lossy(&output.stdout))
}

fn parse_status(status: &str) -> Option<String> {
    let oid = status.lines().find_map(|line| line.strip_prefix("# branch.oid "))?;
    let short = oid.get(..12).filter(|short| short.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let changed = status.lines().any(|line| !line.starts_with('#'));
    Some(format!("{short}{}", if changed { "+" } else { "" }))
}

/// The files in which git keeps what is checked out.
fn heads(git: &Path) -> Vec<PathBuf> {
    // In a worktree or submodule `.git` is a file that names the folder.
    let folder = match std::fs::read_to_string(git) {
        Ok(pointer) => match pointer.trim().strip_prefix("gitdir: ").zip(git.parent()) {
            Some((folder, parent)) => parent.join(folder),
            None => return Vec::new(),
        },
        Err(_) => git.to_owned(),
    };
    let common = match std::fs::read_to_string(folder.join("commondir")) {
        Ok(common) => folder.join(common.trim()),
        Err(_) => folder.clone(),
    };
    let head = folder.join("HEAD");
    let branch = std::fs::read_to_string(&head).ok();
    let branch =
        branch.as_deref().and_then(|head| head.trim().strip_prefix("ref: ")).map(|name| common.join(name));
    let candidates = [Some(head), branch, Some(common.join("packed-refs"))];
    candidates.into_iter().flatten().filter(|path| path.is_file()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_rustc_are_read() {
        let list = "/t/x.d: build.rs roles.rs my\\ roles/web.rs config.yaml\n\n\
                    /t/x: build.rs roles.rs\n\nbuild.rs:\nroles.rs:\n\n# env-dep:CARGO\n";
        assert_eq!(parse_dependencies(list), ["build.rs", "my roles/web.rs", "roles.rs"]);
    }

    #[test]
    fn commits_are_read() {
        let clean = "# branch.oid 0123456789abcdef0123456789abcdef01234567\n# branch.head main\n";
        assert_eq!(parse_status(clean).as_deref(), Some("0123456789ab"));
        let changed = format!("{clean}1 .M N... 100644 100644 100644 a b config.yaml\n");
        assert_eq!(parse_status(&changed).as_deref(), Some("0123456789ab+"));
        assert_eq!(parse_status("# branch.oid (initial)\n"), None);
    }
}
