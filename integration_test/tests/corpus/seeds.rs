//! The good sites that are mutated, and the check of a changed one without cargo.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use paracrine_build::Checked;
use paracrine_build::model::diagnostic::Severity;

use crate::judge::Said;
use crate::mutation::{Demand, Mutation};
use crate::{blind, content, rust, template, yaml};

/// A good site.
#[derive(Clone, Copy)]
pub(crate) struct Seed {
    /// Its folder.
    pub(crate) name: &'static str,
    /// Where that lies.
    pub(crate) below: &'static str,
    /// Its inventories, as `site!` names them: for the build of a whole site.
    #[cfg_attr(not(feature = "corpus"), expect(dead_code))]
    pub(crate) inventories: &'static [&'static str],
    /// Checks a site with these roles, that lies in a folder.
    pub(crate) check: fn(&Path) -> Checked,
}

/// Declares the good sites: their roles are modules of this test, whose types are those of the site as it is. A check of a
/// changed site says of values that have another type now that they were different "when `site!` read it".
macro_rules! seeds {
    ($(#[$doc:meta])* $all:ident of $below:ident in $folder:literal: $($name:ident [$($inventory:literal),+];)+) => {
        mod $below {
            $(pub mod $name { pub mod roles; })+
        }

        $(#[$doc])*
        pub(crate) const $all: &[$crate::seeds::Seed] = &[$({
            struct Context($below::$name::roles::Context);

            impl paracrine_build::SiteContext for Context {
                const CONFIG: &'static str = "config.yaml";
                const INVENTORIES: &'static [&'static str] = &[$($inventory),+];

                fn contexts(
                    deployment: &paracrine_build::model::deployment::Deployment,
                ) -> Result<Vec<(usize, Self)>, paracrine_build::model::value::Mismatch> {
                    let all = <$below::$name::roles::Context as paracrine_build::SiteContext>::contexts(deployment)?;
                    Ok(all.into_iter().map(|(host, context)| (host, Self(context))).collect())
                }
            }

            $crate::seeds::Seed {
                name: stringify!($name),
                below: $folder,
                inventories: &[$($inventory),+],
                check: |root| {
                    paracrine_build::Compile::new(|cx: &Context, plan| $below::$name::roles::site(&cx.0, plan)).check(root)
                },
            }
        }),+];
    };
}
pub(crate) use seeds;

impl Seed {
    /// Where it lies.
    pub(crate) fn folder(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(self.below).join(self.name)
    }

    /// Its files, relative to its folder, with their texts.
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        collect(&self.folder(), "", &mut found);
        found.sort();
        found
    }

    /// All mutations of it.
    pub(crate) fn mutations(&self) -> Vec<Mutation> {
        let mut found = Vec::new();
        for (file, text) in self.files() {
            let file = file.as_str();
            if file.starts_with("secrets/") || file.contains("/configs/") {
                continue;
            }
            if file.ends_with(".yaml") || file.ends_with(".json") {
                found.extend(yaml::mutations(self.name, file, &text));
            } else if file.ends_with(".rs") {
                found.extend(rust::mutations(self.name, file, &text));
            } else if file.ends_with(".j2") {
                found.extend(template::mutations(self.name, file, &text));
            }
            found.extend(content::mutations(self.name, file, &text));
            found.extend(blind::mutations(self.name, file, &text));
        }
        // In roles, one of each operator for each argument of each method, and one of everything else.
        let mut fields = std::collections::HashSet::new();
        let is_field =
            |mutation: &Mutation| mutation.file.ends_with(".rs") && mutation.spot.contains(" of `");
        found.retain(|mutation| {
            !is_field(mutation) || fields.insert((mutation.operator, mutation.spot.clone()))
        });
        // Two operators may come to the same; the one that demands more stands first.
        let mut seen = std::collections::HashSet::new();
        let files = self.files();
        found.retain(|mutation| {
            mutation.text != text_of(&files, &mutation.file)
                && seen.insert((mutation.file.clone(), mutation.text.clone()))
        });
        found
    }

    /// Writes it into a folder.
    pub(crate) fn write(&self, folder: &Path) {
        for (file, text) in self.files() {
            let path = folder.join(&file);
            put(&path, &text);
            // Keys that others can read are warned of, and git does not keep modes.
            if file.contains("/configs/") {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode can be set");
            }
        }
    }
}

/// The text of a file.
pub(crate) fn text_of<'f>(files: &'f [(String, String)], file: &str) -> &'f str {
    files.iter().find(|(name, _)| name == file).map_or("", |(_, text)| text)
}

/// Writes a file, with the folders that it needs.
pub(crate) fn put(path: &Path, text: &str) {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).expect("a folder can be made");
    }
    fs::write(path, text).expect("a file can be written");
}

/// What lies in a site's folder besides what makes it a package.
fn collect(root: &Path, name: &str, found: &mut Vec<(String, String)>) {
    const OTHER: [&str; 10] = [
        "target",
        "src",
        "tests",
        "build.rs",
        "Cargo.toml",
        "Cargo.toml.liquid",
        "cargo-generate.toml",
        "README.md",
        ".gitignore",
        "known_hosts",
    ];
    let path = root.join(name);
    if path.is_dir() {
        for entry in fs::read_dir(&path).expect("a folder can be read").flatten() {
            let inner = entry.file_name().to_string_lossy().into_owned();
            if name.is_empty() && !OTHER.contains(&inner.as_str()) {
                collect(root, &inner, found);
            } else if !name.is_empty() {
                collect(root, &format!("{name}/{inner}"), found);
            }
        }
    } else {
        found.push((name.to_owned(), fs::read_to_string(&path).expect("a file of these sites is text")));
    }
}

/// Checks mutations of files that are no Rust, each with what was said of it.
pub(crate) fn check_all(seed: &Seed, mutations: Vec<Mutation>) -> Vec<(Mutation, Vec<Said>)> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    seed.write(folder.path());
    let files = seed.files();
    let check = |mutation: Mutation| {
        let path = folder.path().join(&mutation.file);
        fs::write(&path, &mutation.text).expect("a file can be written");
        let checked = (seed.check)(folder.path());
        let said = checked.diagnostics().iter().map(Said::of).collect();
        fs::write(&path, text_of(&files, &mutation.file)).expect("a file can be written");
        (mutation, said)
    };
    mutations.into_iter().map(check).collect()
}

impl Said {
    /// Of a diagnostic.
    pub(crate) fn of(diagnostic: &paracrine_build::model::diagnostic::Diagnostic) -> Self {
        let notes = diagnostic.primary.iter().chain(&diagnostic.related);
        Self {
            error: diagnostic.severity == Severity::Error,
            message: diagnostic.to_string(),
            places: notes.map(|note| (note.place.file.to_string(), note.place.line)).collect(),
        }
    }
}

/// Whether a mutation demands anything.
pub(crate) fn is_blind(mutation: &Mutation) -> bool {
    mutation.demand == Demand::Nothing
}
