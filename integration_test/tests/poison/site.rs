//! The site that is built whole.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use integration_test::site::{target_folder, workspace};

use crate::POISON;

/// A site whose secrets are poison, and its own target folder.
pub(crate) struct Site {
    pub(crate) folder: PathBuf,
}

impl Site {
    /// Writes the site into the target folder, for all kinds of providers; with a target folder of its own.
    pub(crate) fn new() -> Self {
        let folder = target_folder().expect("a test lies in a target folder").join("poison");
        let site = Self { folder };
        for (file, text) in FILES {
            site.write(file, text);
        }
        let workspace = workspace().display();
        site.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"poisoned-site\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
                 [dependencies]\nparacrine = {{ path = \"{workspace}/paracrine\" }}\n\n\
                 [build-dependencies]\nparacrine-build = {{ path = \"{workspace}/paracrine-build\" }}\n\n\
                 [profile.dev]\ndebug = 1\n\n[workspace]\n"
            ),
        );
        let lock = fs::read_to_string(Path::new(&format!("{workspace}/Cargo.lock")))
            .expect("the workspace has a lock file");
        site.write("Cargo.lock", &lock);
        site.write("secrets/file", &format!("{POISON}-file\n"));
        for program in ["sops", "age"] {
            let path = format!("bin/{program}");
            site.write(&path, &format!("#!/bin/sh\necho {POISON}-{program}\n"));
            fs::set_permissions(site.folder.join(path), fs::Permissions::from_mode(0o755))
                .expect("a mode can be set");
        }
        site
    }

    /// Writes a file of it.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.folder.join(file);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder can be made");
        // Only what differs: cargo goes by times.
        if fs::read_to_string(&path).ok().as_deref() != Some(text) {
            fs::write(path, text).expect("a file can be written");
        }
    }

    /// Builds it with the secrets at hand.
    pub(crate) fn build(&self) -> Output {
        let mut path = self.folder.join("bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.folder).args(["build", "--target-dir", "target"]).env("PATH", path);
        cargo.env("POISONED_VARIABLE", format!("{POISON}-env")).env("RUST_BACKTRACE", "full");
        cargo.stdin(Stdio::null()).output().expect("cargo can be started")
    }

    /// Where cargo writes.
    pub(crate) fn target(&self) -> PathBuf {
        self.folder.join("target")
    }
}

/// Its template, as it builds.
pub(crate) const TEMPLATE: &str =
    "{{ env.from_file }} {{ env.from_variable }} {{ token }} {{ env.not_a_secret }}\n";

const FILES: &[(&str, &str)] = &[
    ("build.rs", "mod roles;\n\nfn main() {\n    paracrine_build::compile(roles::site);\n}\n"),
    ("src/main.rs", "paracrine::main!();\n"),
    (
        "config.yaml",
        "environments:\n  prod:\n    FROM_FILE: !file secrets/file\n    FROM_VARIABLE: !env POISONED_VARIABLE\n    \
         FROM_COMMAND: !command \"cat secrets/file\"\n    FROM_SOPS: !sops secrets/all.yaml#token\n    \
         FROM_AGE: !age secrets/token.age\n    NOT_A_SECRET: Digitalis-in-clear\n",
    ),
    (
        "inventory.yaml",
        "environment: prod\nservers:\n  - name: web1\n    ssh_hostname: 192.0.2.1\n    vars: { token: !file secrets/file }\n",
    ),
    ("secrets/all.yaml", "token: ENC[AES256_GCM,data:aaaa,type:str]\nsops:\n    version: 3.8.1\n"),
    ("secrets/token.age", "age-encryption.org/v1\n"),
    ("templates/all.j2", TEMPLATE),
    (
        "roles.rs",
        r#"use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let env = &cx.env;
    plan.file("/etc/all", template("all.j2", context! { env, token => cx.host.vars.token })).mode(0o600);
    plan.file("/etc/more", text!("{}{}{}", env.from_command, env.from_sops, env.from_age)).mode(0o600);
    plan.unit("app.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    plan.command(text!("printf %s {} > /etc/made", env.from_file)).creates("/etc/made");
}
"#,
    ),
];
