//! Mutations that only a whole build can judge, with rustc: those of roles, and those of values whose types or names roles
//! use. All of them are modules of one generated package, each a site of its own.
//!
//! rustc stops after parsing, after resolving names and after checking types, if there are errors. So the package is built
//! again without the modules that have errors, until it builds; then it runs, and checks every site that is left. It is
//! one program for each of two cores, as rustc reads a program on one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use integration_test::site::{target_folder, workspace};

use crate::judge::Said;
use crate::mutation::Mutation;
use crate::seeds::{Seed, put};

/// Builds and checks mutations; what was said of each, in their order.
pub(crate) fn build(mutations: &[(&Seed, &Mutation)]) -> Vec<Vec<Said>> {
    let package = Package::write(mutations);
    let mut left: BTreeSet<usize> = (0..mutations.len()).collect();
    let mut said: Vec<Vec<Said>> = vec![Vec::new(); mutations.len()];
    loop {
        package.programs(&left);
        let began = std::time::Instant::now();
        let found = package.build();
        println!("{} sites, {} with errors: {:.0} s", left.len(), found.len(), began.elapsed().as_secs_f64());
        if found.is_empty() {
            break;
        }
        for (module, found) in found {
            assert!(left.remove(&module), "{} was left out already", name(module));
            said[module] = found;
        }
    }
    for (module, found) in package.run() {
        said[module] = found;
    }
    said
}

/// The name of a mutation's module.
fn name(module: usize) -> String {
    format!("m{module:04}")
}

/// The module of a path like `src/m0007/roles/web.rs`.
fn module_of(path: &str) -> Option<usize> {
    path.strip_prefix("src/m")?.get(..4)?.parse().ok()
}

struct Package {
    folder: PathBuf,
    target: PathBuf,
}

impl Package {
    fn write(mutations: &[(&Seed, &Mutation)]) -> Self {
        // A target folder of its own: whoever else builds does not have to wait.
        let folder = target_folder().expect("a test lies in a target folder").join("corpus");
        let target = folder.join("target");
        // The modules of another day.
        let _ = std::fs::remove_dir_all(folder.join("src"));
        put(&folder.join("Cargo.toml"), &manifest());
        put(
            &folder.join("Cargo.lock"),
            &std::fs::read_to_string(workspace().join("Cargo.lock")).expect("the workspace has a lock file"),
        );
        for (module, (seed, mutation)) in mutations.iter().enumerate() {
            let site = folder.join("src").join(name(module));
            seed.write(&site);
            put(&site.join(&mutation.file), &mutation.text);
            put(&folder.join("src").join(format!("{}.rs", name(module))), &glue(seed, module));
        }
        Self { folder, target }
    }

    /// The programs: all modules that are left.
    fn programs(&self, left: &BTreeSet<usize>) {
        for (part, program) in PROGRAMS.iter().enumerate() {
            let mut text = MAIN.to_owned();
            let mut all = String::new();
            for module in left.iter().filter(|module| *module % PROGRAMS.len() == part) {
                let _ = writeln!(text, "mod {};", name(*module));
                let _ = writeln!(all, "    ({module}, {}::check),", name(*module));
            }
            let _ = write!(text, "\nconst ALL: &[(usize, fn() -> paracrine_build::Checked)] = &[\n{all}];\n");
            put(&self.folder.join(format!("src/{program}.rs")), &text);
        }
    }

    /// What rustc says of each module; nothing if all of it builds.
    fn build(&self) -> BTreeMap<usize, Vec<Said>> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(&self.folder)
            .args(["build", "--quiet", "--keep-going", "--message-format=json", "--target-dir"])
            .arg(&self.target);
        let output =
            cargo.stdin(Stdio::null()).stderr(Stdio::piped()).output().expect("cargo can be started");
        let mut found: BTreeMap<usize, Vec<Said>> = BTreeMap::new();
        let mut strays = String::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Ok(message) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let message = &message["message"];
            if message["level"] != "error" {
                continue;
            }
            let said = said(message);
            match said.places.iter().find_map(|(file, _)| module_of(file)) {
                Some(module) => found.entry(module).or_default().push(said),
                // The last line: "aborting due to …".
                None if message["spans"].as_array().is_some_and(Vec::is_empty) => {}
                None => strays.push_str(&said.message),
            }
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() || !found.is_empty(), "the corpus does not build: {strays}{stderr}");
        found
    }

    /// What the checks say of each module that rustc has nothing against.
    fn run(&self) -> BTreeMap<usize, Vec<Said>> {
        let mut found: BTreeMap<usize, Vec<Said>> = BTreeMap::new();
        for program in PROGRAMS {
            let output = Command::new(self.target.join("debug").join(program))
                .current_dir(&self.folder)
                .stdin(Stdio::null())
                .output()
                .expect("it can be started");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                let line: serde_json::Value = serde_json::from_str(line).expect("it prints JSON");
                let module = usize::try_from(line["module"].as_u64().unwrap_or_default()).unwrap_or_default();
                let places = line["places"].as_array().into_iter().flatten();
                let places = places.map(|place| (text(&place["file"]), number(&place["line"])));
                found.entry(module).or_default().push(Said {
                    error: line["error"] == true,
                    message: text(&line["message"]),
                    places: places.collect(),
                });
            }
        }
        found
    }
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &serde_json::Value) -> u32 {
    value.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
}

/// An error of rustc, with the places of its notes; and those that `site!` draws into its text: ` --> config.yaml:3:5`.
fn said(message: &serde_json::Value) -> Said {
    let mut places = Vec::new();
    let mut words = text(&message["message"]);
    let children = message["children"].as_array().into_iter().flatten();
    for part in std::iter::once(message).chain(children) {
        for span in part["spans"].as_array().into_iter().flatten() {
            // A span inside of a macro's output means the call.
            let mut span = span;
            while !span["expansion"]["span"].is_null() && module_of(&text(&span["file_name"])).is_none() {
                span = &span["expansion"]["span"];
            }
            for line in
                number(&span["line_start"])..=number(&span["line_end"]).min(number(&span["line_start"]) + 3)
            {
                places.push((text(&span["file_name"]), line));
            }
            let _ = write!(words, " {}", text(&span["label"]));
        }
        let _ = write!(words, " {}", text(&part["message"]));
    }
    for line in text(&message["message"]).lines() {
        let Some((_, place)) = line.split_once("--> ").or_else(|| line.split_once("::: ")) else { continue };
        let mut parts = place.trim().rsplitn(3, ':');
        if let (Some(_), Some(line), Some(file)) = (parts.next(), parts.next(), parts.next()) {
            places.push((file.to_owned(), line.parse().unwrap_or_default()));
        }
    }
    Said { error: true, message: words, places }
}

/// What stands in for a site's `build.rs`.
fn glue(seed: &Seed, module: usize) -> String {
    format!(
        "//! What stands in for `build.rs`.\n\n\
         pub mod roles;\n\n\
         struct Context(roles::Context);\n\n\
         impl paracrine_build::SiteContext for Context {{\n    \
             const CONFIG: &'static str = \"config.yaml\";\n    \
             const INVENTORIES: &'static [&'static str] = &{:?};\n\n    \
             fn contexts(\n        deployment: &paracrine_build::model::deployment::Deployment,\n    \
             ) -> Result<Vec<(usize, Self)>, paracrine_build::model::value::Mismatch> {{\n        \
                 let all = <roles::Context as paracrine_build::SiteContext>::contexts(deployment)?;\n        \
                 Ok(all.into_iter().map(|(host, context)| (host, Self(context))).collect())\n    \
             }}\n\
         }}\n\n\
         pub fn check() -> paracrine_build::Checked {{\n    \
             paracrine_build::Compile::new(|cx: &Context, plan| roles::site(&cx.0, plan)).check(\"src/{}\")\n\
         }}\n",
        seed.inventories,
        name(module),
    )
}

/// `site!` reads the files of hundreds of sites, several times: it is worth optimising.
fn manifest() -> String {
    let workspace = workspace().display();
    let programs: String = PROGRAMS
        .iter()
        .map(|name| format!("[[bin]]\nname = \"{name}\"\npath = \"src/{name}.rs\"\n\n"))
        .collect();
    format!(
        "[package]\nname = \"corpus-of-mutations\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n{programs}\
         [dependencies]\nparacrine-build = {{ path = \"{workspace}/paracrine-build\" }}\n\n\
         [profile.dev]\ndebug = 0\n\n[profile.dev.build-override]\nopt-level = 1\n\n[workspace]\n"
    )
}

const PROGRAMS: [&str; 2] = ["even", "odd"];

const MAIN: &str = r#"//! Sites with a mistake each; prints what is said of them. Written by the corpus of mutations.

#![allow(warnings)]

fn main() {
    for (module, check) in ALL {
        for said in check().diagnostics() {
            let places: Vec<String> = said.primary.iter().chain(&said.related)
                .map(|note| format!("{{\"file\":{:?},\"line\":{}}}", &*note.place.file, note.place.line))
                .collect();
            let error = said.severity == paracrine_build::model::diagnostic::Severity::Error;
            let message: String = said.to_string().chars().map(|c| if c.is_control() || c == '\\' || c == '"' { '\'' } else { c }).collect();
            println!("{{\"module\":{module},\"error\":{error},\"message\":\"{message}\",\"places\":[{}]}}", places.join(","));
        }
    }
}

"#;
