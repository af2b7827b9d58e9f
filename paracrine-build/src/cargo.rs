//! The build script of a site: what it makes, and what it has cargo watch.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use paracrine_model::diagnostic::{Code, Diagnostic};

use crate::checked::Checked;
use crate::{agents, fingerprint, input_files, local_files, output, show, template};

/// Compiles the package that cargo is building with `check`, and says what came of it.
pub(crate) fn run(check: impl FnOnce(&Path) -> Checked) {
    let root = package();
    let Some(out) = std::env::var_os("OUT_DIR").map(PathBuf::from) else {
        eprintln!("paracrine_build::compile is for build scripts: OUT_DIR is not set");
        return;
    };
    let mut checked = check(&root);
    let mut watch = Watch::new(&root, &checked);
    if !checked.has_errors() {
        let mut problems = finish(&root, &out, &checked, &mut watch);
        checked.diagnostics_mut().append(&mut problems);
    }
    if checked.has_errors()
        && let Err(error) = output::placeholder(&out, &root)
    {
        checked.diagnostics_mut().push(*error);
    }
    watch.print();
    show::show(&root, checked.diagnostics());
}

/// The folder of the package that is being built.
fn package() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// Builds the agents and writes the outputs of a site without errors.
fn finish(root: &Path, out: &Path, checked: &Checked, watch: &mut Watch) -> Vec<Diagnostic> {
    let Some(site) = checked.plan() else {
        let nothing = Diagnostic::error(Code::OUTPUT, "there is no plan");
        return vec![nothing];
    };
    let agents = match agents::all(site, out) {
        Ok(agents) => agents,
        Err(problems) => return problems,
    };
    watch.paths.extend(agents.watched);
    let fingerprint = fingerprint::of(root, checked.inputs().to_vec());
    watch.paths.extend(fingerprint.watched.iter().cloned());
    match output::write(out, root, site, &fingerprint, &agents.built) {
        Ok(object) => {
            if let Some(object) = object {
                println!("cargo::rustc-link-arg-bins={}", object.display());
            }
            Vec::new()
        }
        Err(problem) => vec![*problem],
    }
}

/// What cargo should watch. Only what exists: a watched path that does not reruns the build script every time.
///
/// The environment variables of secrets are not among it: cargo writes the values of watched variables into the target
/// folder.
struct Watch {
    paths: BTreeSet<PathBuf>,
}

const VARIABLES: [&str; 5] = [
    "PARACRINE_SECRETS",
    "PARACRINE_DIAGNOSTICS",
    "PARACRINE_AGENT",
    "PARACRINE_AGENT_X86_64",
    "PARACRINE_AGENT_AARCH64",
];

impl Watch {
    fn new(root: &Path, checked: &Checked) -> Self {
        let mut paths: BTreeSet<PathBuf> = BTreeSet::new();
        for folder in [template::FOLDER, local_files::FOLDER] {
            paths.insert(root.join(folder));
        }
        for path in checked.looked_for() {
            let path = input_files::resolve(root, path);
            // What is not there may come: its folder tells, unless that is the site's own, where cargo's outputs are.
            match path.parent() {
                Some(parent) if !path.exists() && !root.starts_with(parent) => {
                    paths.insert(parent.to_owned())
                }
                _ => paths.insert(path),
            };
        }
        Self { paths }
    }

    fn print(&self) {
        for path in self.paths.iter().filter(|path| path.exists()) {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        for variable in VARIABLES {
            println!("cargo::rerun-if-env-changed={variable}");
        }
    }
}
