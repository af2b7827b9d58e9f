//! The compiled site and the files beside it: whether they are still what it was built from.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use paracrine_model::artifact::{Artifact, Broken, Index};
use paracrine_model::content::Stamp;
use paracrine_model::hash::Hash;

use crate::embedded::Embedded;

/// The compiled site and where its files are.
pub(crate) struct Site {
    /// The compiled site.
    pub artifact: Artifact<'static>,
    /// The site's directory: the current one or one above it if they are the same package, else the one that it was
    /// built in; `None` where neither is here.
    pub directory: Option<PathBuf>,
}

/// An input that is not what it was when the site was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stale {
    /// Relative to the site.
    pub path: String,
    /// `changed`, `is gone`, `cannot be read: …`
    pub what: String,
}

/// `config.yaml changed`
impl std::fmt::Display for Stale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.path, self.what)
    }
}

impl Site {
    /// Opens the compiled site and looks for its files, from `current` upwards.
    pub(crate) fn open(embedded: &Embedded, current: Option<&Path>) -> Result<Self, Broken> {
        let artifact = embedded.artifact()?;
        let name = &artifact.index.site;
        let built = Path::new(embedded.directory);
        let directory = current
            .into_iter()
            .flat_map(Path::ancestors)
            .chain(built.is_absolute().then_some(built))
            .find(|directory| is_package(directory, name))
            .map(Path::to_owned);
        Ok(Self { artifact, directory })
    }

    /// The inputs that have changed since the build; none where the site's files are not here.
    pub(crate) fn stale(&self) -> Vec<Stale> {
        let Some(directory) = &self.directory else {
            return Vec::new();
        };
        let untouched = |path: &String, file: &Path| {
            self.index().stamps.get(path).is_some_and(|built| stamp(file).is_ok_and(|now| now == *built))
        };
        let changed = |(path, built): &(String, Hash)| {
            if untouched(path, &directory.join(path)) {
                return None;
            }
            let what = match File::open(directory.join(path)).and_then(Hash::of_reader) {
                Ok(now) if now == *built => return None,
                Ok(_) => "changed".to_owned(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => "is gone".to_owned(),
                Err(error) => format!("cannot be read: {error}"),
            };
            Some(Stale { path: path.clone(), what })
        };
        self.index().inputs.iter().filter_map(changed).collect()
    }

    /// What the compiled site holds.
    pub(crate) fn index(&self) -> &Index {
        &self.artifact.index
    }
}

/// How a large file is, without reading it.
fn stamp(path: &Path) -> io::Result<Stamp> {
    Stamp::of(&std::fs::metadata(path)?)
}

/// Whether the directory holds the Cargo package of that name.
fn is_package(directory: &Path, name: &str) -> bool {
    std::fs::read_to_string(directory.join("Cargo.toml")).is_ok_and(|toml| package_name(&toml) == Some(name))
}

/// The name of the package in a `Cargo.toml`, as cargo and people write it: a line `name = "…"` under `[package]`.
fn package_name(toml: &str) -> Option<&str> {
    let lines = toml.lines().map(str::trim);
    let mut package =
        lines.skip_while(|line| *line != "[package]").skip(1).take_while(|line| !line.starts_with('['));
    let value =
        package.find_map(|line| line.strip_prefix("name")?.trim_start().strip_prefix('='))?.trim_start();
    let quote = value.chars().next().filter(|c| ['"', '\''].contains(c))?;
    value[1..].split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestSite;

    fn package(parent: &Path, directory: &str, name: &str) -> PathBuf {
        let path = parent.join(directory);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("Cargo.toml"), format!("[workspace]\n[package]\nname = \"{name}\"\n"))
            .unwrap();
        path
    }

    #[test]
    fn the_site_is_looked_for_here_then_above_then_where_it_was_built() {
        let parent = tempfile::tempdir().unwrap();
        let here = package(parent.path(), "clone", "shop");
        let built = package(parent.path(), "built", "shop");
        let other = package(parent.path(), "other", "other");
        let inner = here.join("roles/deep");
        std::fs::create_dir_all(&inner).unwrap();
        let embedded = TestSite::new().built_in(&built.display().to_string());
        let found = |current: Option<&Path>| Site::open(embedded, current).unwrap().directory;
        assert_eq!(found(Some(&here)).as_ref(), Some(&here));
        assert_eq!(found(Some(&inner)).as_ref(), Some(&here));
        assert_eq!(found(Some(&other)).as_ref(), Some(&built));
        assert_eq!(found(None).as_ref(), Some(&built));
        std::fs::remove_dir_all(&built).unwrap();
        assert_eq!(found(Some(&other)), None);
        assert!(Site::open(embedded, None).unwrap().stale().is_empty());
    }

    #[test]
    fn the_name_of_a_package_is_read_as_it_is_written() {
        assert_eq!(package_name("[package]\nname = \"a\"\n"), Some("a"));
        assert_eq!(package_name("[package]\r\nversion = '1'\r\n  name='b' # so\r\n"), Some("b"));
        assert_eq!(package_name("[dependencies]\nname = \"x\"\n[package]\nname = \"c\""), Some("c"));
        assert_eq!(package_name("[package]\n[lib]\nname = \"x\""), None);
        assert_eq!(package_name("[package]\nname.workspace = true"), None);
        assert_eq!(package_name(""), None);
    }

    #[test]
    fn bytes_that_are_no_site_are_told() {
        let broken = Embedded { plan: b"nonsense", agents: &[], directory: "" };
        let error = Site::open(&broken, None).err().unwrap();
        assert_eq!(error.to_string(), "the compiled site cannot be read: not one of this version");
    }
}
