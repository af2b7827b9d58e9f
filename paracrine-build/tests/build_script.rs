//! A whole site built by cargo: what is rebuilt when, what people see, what is in the target folder.
//!
//! The site lies in the target folder, with a target folder of its own that later runs find built.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the secrets are; searched for where it must not be.
const POISON: &str = "pZ7-poisoned-4Kq";

/// One site for all tests: one at a time.
static SITE: Mutex<()> = Mutex::new(());

struct Site {
    folder: PathBuf,
    _one_at_a_time: MutexGuard<'static, ()>,
}

const FILES: [(&str, &str); 11] = [
    ("build.rs", "mod roles;\n\nfn main() {\n    paracrine_build::compile(roles::site);\n}\n"),
    (
        "roles.rs",
        r#"use paracrine_build::prelude::*;

site! { config: "config.yaml", inventories: ["inventory.yaml"] }

pub fn site(cx: &Context, plan: &Plan) {
    for role in &cx.host.roles {
        match role {
            Role::Web => {
                plan.file("/etc/app.conf", template("app.conf.j2", context! { env => cx.env, host => cx.host }));
                plan.file("/etc/app.env", text!("PASSWORD={}\nTOKEN={}\n", cx.env.password, cx.env.token));
            }
        }
    }
}
"#,
    ),
    (
        "config.yaml",
        "environments:\n  prod:\n    APP_HOST: app.example.org\n    PASSWORD: !file password\n    TOKEN: !env SITE_TOKEN\n",
    ),
    (
        "inventory.yaml",
        "environment: prod\nservers:\n  - name: web1\n    ssh_hostname: web1.example.org\n    roles: [web]\n",
    ),
    ("templates/app.conf.j2", "{{ env.app_host }} {{ host.name }} {{ env.password }}\n"),
    ("password", POISON),
    (".cargo/config.toml", ""),
    ("mock/Cargo.toml", "[package]\nname = \"paracrine\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
    (
        "mock/src/lib.rs",
        "pub struct Embedded {\n    pub plan: &'static [u8],\n    pub agents: &'static [(&'static str, &'static [u8])],\n    \
         pub directory: &'static str,\n}\n",
    ),
    (
        "src/main.rs",
        "include!(concat!(env!(\"OUT_DIR\"), \"/site.rs\"));\n\nfn main() {\n    \
         println!(\"{} agents, in {}\", SITE.agents.len(), SITE.directory);\n    assert!(SITE.plan.starts_with(b\"PRCRNE\"));\n}\n",
    ),
    ("README.md", "not watched\n"),
];

/// The target folder that these tests were built in.
fn target() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).unwrap().to_owned()
}

impl Site {
    /// The site as it should be.
    fn new() -> Self {
        let guard = SITE.lock().unwrap_or_else(PoisonError::into_inner);
        let site = Self { folder: target().join("build-script-test"), _one_at_a_time: guard };
        let build = env!("CARGO_MANIFEST_DIR");
        let manifest = format!(
            "[package]\nname = \"my-site\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
             paracrine = {{ path = \"mock\" }}\n\n[build-dependencies]\nparacrine-build = {{ path = {build:?} }}\n"
        );
        site.write("Cargo.toml", &manifest);
        let lock = Path::new(build).join("../Cargo.lock");
        site.write("Cargo.lock", &std::fs::read_to_string(lock).unwrap());
        for (path, text) in FILES {
            site.write(path, text);
        }
        let _none = std::fs::remove_file(site.folder.join("templates/other.j2"));
        site
    }

    /// Writes a file, unless it is so already.
    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        if std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
            return;
        }
        std::fs::write(&path, text).unwrap();
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.folder.join(path)).unwrap();
        assert!(text.contains(from), "{text}");
        self.write(path, &text.replace(from, to));
    }

    /// Builds and runs it; what was said and whether it went well.
    fn run(&self) -> (bool, String) {
        let mut command = Command::new(env!("CARGO"));
        command.args(["run", "--offline"]).current_dir(&self.folder);
        for (name, _) in std::env::vars() {
            if name.starts_with("CARGO_") && name != "CARGO_HOME" {
                command.env_remove(name);
            }
        }
        command.env("CARGO_TARGET_DIR", self.folder.join("target")).env("PARACRINE_AGENT", "skip");
        command.env("SITE_TOKEN", format!("{POISON}-token")).env("CARGO_PROFILE_DEV_DEBUG", "0");
        let output = command.output().unwrap();
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        (output.status.success(), text)
    }

    fn builds(&self) -> String {
        let (ok, said) = self.run();
        assert!(ok, "{said}");
        said
    }

    fn fails(&self) -> String {
        let (ok, said) = self.run();
        assert!(!ok, "{said}");
        said
    }
}

/// The files in which a word stands. `grep` is faster than anything that is not optimised, and the folder is large.
fn holding(folder: &Path, word: &str) -> Vec<PathBuf> {
    let output = Command::new("grep").args(["-rlFa", word]).arg(folder).output().unwrap();
    assert!(output.status.code().is_some_and(|code| code < 2), "{output:?}");
    String::from_utf8_lossy(&output.stdout).lines().map(PathBuf::from).collect()
}

const COMPILING: &str = "Compiling my-site";

#[test]
fn only_what_matters_is_rebuilt() {
    let site = Site::new();
    let said = site.builds();
    assert!(said.contains("0 agents, in "), "{said}");
    assert!(!site.builds().contains(COMPILING), "nothing had changed");
    site.write("README.md", "edited\n");
    assert!(!site.builds().contains(COMPILING), "nothing that matters had changed");
    for (path, from, to) in [
        ("config.yaml", "app.example.org", "app2.example.org"),
        ("templates/app.conf.j2", "{{ host.name }}", "host {{ host.name }}"),
        ("inventory.yaml", "web1.example.org", "web2.example.org"),
        ("roles.rs", "/etc/app.conf", "/etc/app2.conf"),
        ("password", "poisoned", "poisoned!"),
    ] {
        site.edit(path, from, to);
        let said = site.builds();
        assert!(said.contains(COMPILING), "{path} was edited: {said}");
    }
    site.write("templates/other.j2", "new\n");
    let said = site.builds();
    assert!(said.contains("template `other.j2` is not used by any host"), "{said}");
    assert!(!site.builds().contains(COMPILING), "nothing was edited again");
    assert!(!site.folder.join("target/paracrine-agent/build").exists(), "no cargo was started for agents");
}

#[test]
fn no_secret_is_in_the_target_folder() {
    let site = Site::new();
    site.builds();
    let target = site.folder.join("target");
    assert_eq!(holding(&target, POISON), Vec::<PathBuf>::new());
    // And the search finds what is there: values that are no secrets.
    let binary = holding(&target, "web1.example.org");
    assert!(binary.iter().any(|path| path.ends_with("debug/my-site")), "{binary:?}");
}

#[test]
fn people_see_the_drawn_problem_and_programs_a_line() {
    let site = Site::new();
    site.edit("templates/app.conf.j2", "env.app_host", "env.app_hots");
    let said = site.fails();
    let drawn =
        "error[P0703]: `env` has no `app_hots`\n --> templates/app.conf.j2:1:8\n  |\n1 | {{ env.app_hots }}";
    assert!(said.contains(drawn), "{said}");
    let line = "error: my-site@0.1.0: templates/app.conf.j2:1:8: P0703: `env` has no `app_hots`; did you mean `app_host`?\n";
    assert!(said.contains(line), "{said}");
    assert!(!said.contains("rerun-if"), "{said}");
    // It is said again, and no more once it is mended.
    assert!(site.fails().contains(line));
    site.edit("templates/app.conf.j2", "env.app_hots", "env.app_host");
    assert!(!site.builds().contains("P0703"));
}

#[test]
fn a_role_that_nothing_handles_is_rustcs_error() {
    let site = Site::new();
    site.edit("inventory.yaml", "[web]", "[web, db]");
    let said = site.fails();
    assert!(said.contains("error[E0004]: non-exhaustive patterns: `&Role::Db` not covered"), "{said}");
    assert!(said.contains("roles.rs:7:15"), "{said}");
}

#[test]
fn a_field_that_no_environment_has_is_rustcs_error() {
    let site = Site::new();
    site.edit("roles.rs", "cx.env.password", "cx.env.pasword");
    let said = site.fails();
    assert!(said.contains("error[E0609]: no field `pasword`"), "{said}");
    assert!(said.contains("a field with a similar name exists"), "{said}");
}
