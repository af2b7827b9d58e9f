//! Agents that were built before, in the target folder.
//!
//! `<target>/paracrine-agent/KEY/` holds an executable, its compressed form and its hash; `build/` is the target folder of
//! the cargo that builds them; `lock` is held by whoever does.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::{Compression, GzBuilder};
use paracrine_model::hash::Hash;
use paracrine_model::host::Arch;
use paracrine_model::source;

use super::agent::{Agent, Failure};

/// How many states of agents are kept.
const KEPT: usize = 8;

/// The folder of agents in a target folder.
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache of the build whose `OUT_DIR` this is.
    pub(super) fn new(out: &Path) -> Self {
        Self { folder: target_folder(out).join("paracrine-agent") }
    }

    /// The target folder of the cargo that builds agents.
    pub(super) fn build_folder(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// Waits until nobody else builds agents here; nobody does until what is returned is dropped.
    pub(super) fn lock(&self) -> Result<File, Failure> {
        let locked = fs::create_dir_all(&self.folder)
            .and_then(|()| {
                File::options().create(true).truncate(false).write(true).open(self.folder.join("lock"))
            })
            .and_then(|file| file.lock().map(|()| file));
        locked.map_err(|error| self.failure(&error))
    }

    /// The agent of that key, if it was built before.
    pub(super) fn get(&self, arch: Arch, key: &str) -> Option<Agent> {
        let folder = self.folder.join(key);
        let hash: Hash = serde_json::from_slice(&fs::read(folder.join("hash.json")).ok()?).ok()?;
        let compressed = fs::read(folder.join("agent.gz")).ok()?;
        Some(Agent { arch, hash, compressed })
    }

    /// Keeps an executable under a key.
    pub(super) fn put(&self, arch: Arch, key: &str, executable: &Path) -> Result<Agent, Failure> {
        self.keep(arch, key, executable).map_err(|error| self.failure(&error))
    }

    fn keep(&self, arch: Arch, key: &str, executable: &Path) -> io::Result<Agent> {
        let bytes = fs::read(executable)?;
        let agent = Agent { arch, hash: Hash::of(&bytes), compressed: compress(&bytes)? };
        // Whole or not at all: it may be interrupted at any time.
        let unfinished = self.folder.join(format!("{key}.unfinished"));
        let finished = self.folder.join(key);
        for leftover in [&unfinished, &finished] {
            if leftover.exists() {
                fs::remove_dir_all(leftover)?;
            }
        }
        fs::create_dir_all(&unfinished)?;
        fs::write(unfinished.join("agent"), &bytes)?;
        fs::write(unfinished.join("agent.gz"), &agent.compressed)?;
        fs::write(unfinished.join("hash.json"), serde_json::to_vec(&agent.hash)?)?;
        fs::rename(&unfinished, &finished)?;
        self.forget_old();
        Ok(agent)
    }

    /// Removes all but the newest; what cannot be removed stays.
    fn forget_old(&self) {
        let mut known: Vec<(SystemTime, PathBuf)> = fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().join("hash.json").exists())
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        known.sort();
        known.reverse();
        for (_, old) in known.into_iter().skip(KEPT) {
            let _stays = fs::remove_dir_all(old);
        }
    }

    fn failure(&self, error: &io::Error) -> Failure {
        Failure::new(format!("cannot be kept in `{}`: {}", self.folder.display(), source::why(error)))
    }
}

/// The executable in the form in which it is embedded and sent.
pub(super) fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// The target folder that an `OUT_DIR` lies in: cargo marks it.
fn target_folder(out: &Path) -> PathBuf {
    let marked = out.ancestors().skip(1).find(|folder| folder.join("CACHEDIR.TAG").is_file());
    // `<target>/<profile>/build/<package>/out`
    marked.or_else(|| out.ancestors().nth(4)).unwrap_or(out).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_kept_whole_and_old_ones_forgotten() {
        let target = tempfile::tempdir().unwrap();
        fs::write(target.path().join("CACHEDIR.TAG"), "").unwrap();
        let cache = Cache::new(&target.path().join("debug/build/site-1/out"));
        assert_eq!(cache.build_folder(), target.path().join("paracrine-agent/build"));
        let executable = target.path().join("agent");
        fs::write(&executable, "an agent").unwrap();
        let _locked = cache.lock().unwrap_or_else(|failure| panic!("{}", failure.why));
        for number in 0..12 {
            let put = cache.put(Arch::X86_64, &format!("key{number}"), &executable);
            assert_eq!(put.unwrap_or_else(|failure| panic!("{}", failure.why)).hash, Hash::of(b"an agent"));
        }
        let agent = cache.get(Arch::X86_64, "key11").unwrap();
        let mut text = String::new();
        io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&agent.compressed[..]), &mut text)
            .unwrap();
        assert_eq!(text, "an agent");
        let kept = (0..12).filter(|number| cache.get(Arch::X86_64, &format!("key{number}")).is_some());
        assert_eq!(kept.count(), KEPT);
    }
}
