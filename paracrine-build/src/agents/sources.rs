//! What an agent is built from.

use std::path::{Path, PathBuf};

use paracrine_model::hash::Hash;
use paracrine_model::source;

use super::agent::Failure;
use crate::folder;

/// The folder of the agent's package.
pub(super) const AGENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../paracrine/agent");
/// What its executable leaves out, where it is linked with glibc.
pub(super) const LINKER_SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../paracrine/agent/static.ld");
/// The folder of the package that it depends on.
const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../paracrine/model");
/// The folder of the workspace they belong to.
pub(super) const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The files and folders that cargo should watch.
pub(super) fn watched() -> Vec<PathBuf> {
    let mut watched = Vec::new();
    for package in [AGENT, MODEL] {
        watched.push(Path::new(package).join("src"));
        watched.push(Path::new(package).join("Cargo.toml"));
    }
    for file in ["Cargo.toml", "Cargo.lock"] {
        watched.push(Path::new(WORKSPACE).join(file));
    }
    watched.push(LINKER_SCRIPT.into());
    watched.retain(|path| path.exists());
    watched
}

/// Names a state of all that an agent is built from: sources, manifests, and what else is named here.
pub(super) fn key(parts: &[(&str, &str)]) -> Result<String, Failure> {
    let mut all = Vec::new();
    let mut add = |name: &str, bytes: &[u8]| {
        for part in [name.as_bytes(), bytes] {
            all.extend_from_slice(&(part.len() as u64).to_be_bytes());
            all.extend_from_slice(part);
        }
    };
    for path in watched() {
        let names = match path.is_dir() {
            true => folder::files(&path).into_iter().collect(),
            false => vec![String::new()],
        };
        for name in names {
            let file = if name.is_empty() { path.clone() } else { path.join(&name) };
            let bytes = std::fs::read(&file).map_err(|error| {
                Failure::new(format!("has unreadable sources: `{}`: {}", file.display(), source::why(&error)))
            })?;
            add(&file.to_string_lossy(), &bytes);
        }
    }
    for (name, part) in parts {
        add(name, part.as_bytes());
    }
    Ok(Hash::of(&all).short())
}
