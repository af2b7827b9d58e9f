//! The generated site that is measured.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use integration_test::lab::TINY_PACKAGES;
use integration_test::site::{target_folder, workspace};

/// Writes and builds the site, in release, for so many hosts. Returns its folder and its binary.
pub(crate) fn build(hosts: usize) -> super::Result<(PathBuf, PathBuf)> {
    let target = target_folder()?;
    let folder = target.join("bench-site");
    let put = |name: &str, text: &str| -> std::io::Result<()> {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        // Only what differs: cargo goes by times.
        if fs::read_to_string(&path).ok().as_deref() == Some(text) { Ok(()) } else { fs::write(path, text) }
    };
    let workspace = workspace().display();
    put(
        "Cargo.toml",
        &format!(
            "[package]\nname = \"bench-site\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [dependencies]\nparacrine = {{ path = \"{workspace}/paracrine\" }}\n\n\
             [build-dependencies]\nparacrine-build = {{ path = \"{workspace}/paracrine-build\" }}\n\n[workspace]\n"
        ),
    )?;
    fs::copy(Path::new(&format!("{workspace}/Cargo.lock")), folder.join("Cargo.lock"))?;
    put("build.rs", "mod roles;\n\nfn main() {\n    paracrine_build::compile(roles::site);\n}\n")?;
    put("src/main.rs", "paracrine::main!();\n")?;
    put("config.yaml", "environments:\n  bench:\n    DOMAIN: bench.example.org\n    WORKERS: 4\n    TOKEN: !file secrets/token\n")?;
    put("secrets/token", "not-a-real-token\n")?;
    let mut inventory = String::from("environment: bench\ndefaults:\n  ssh_user: root\nservers:\n");
    for number in 1..=hosts {
        writeln!(inventory, "  - name: h{number}\n    ssh_hostname: 10.83.0.{}", 10 + number)?;
    }
    put("inventory.yaml", &inventory)?;
    for number in 0..10 {
        let line = "setting_{{ index }} = {{ domain }} # one of many lines, so that files have a usual size\n";
        put(&format!("templates/conf{number}.j2"), &format!("workers = {{{{ workers }}}}\n{}", line.repeat(20)))?;
    }
    let packages: Vec<String> = (1..=TINY_PACKAGES).map(|number| format!("\"tiny-{number:02}\"")).collect();
    put("roles.rs", &ROLES.replace("PACKAGES", &packages.join(", ")))?;

    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&folder).args(["build", "--quiet", "--release", "--target-dir"]).arg(&target).stdin(Stdio::null());
    if !cargo.status()?.success() {
        return Err("the site that is measured does not build".into());
    }
    Ok((folder, target.join("release/bench-site")))
}

const ROLES: &str = r#"use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub(crate) fn site(cx: &Context, plan: &Plan) {
    plan.packages([PACKAGES]);
    for user in 0..5 {
        plan.user(format!("bench{user}")).shell("/bin/sh");
    }
    for directory in 0..10 {
        plan.directory(format!("/srv/bench{directory}")).mode(0o750);
        for file in 0..10 {
            plan.file(
                format!("/srv/bench{directory}/file{file}.conf"),
                template(
                    &format!("conf{file}.j2"),
                    context! { index => directory, domain => cx.env.domain, workers => cx.env.workers },
                ),
            );
        }
        plan.link(format!("/srv/bench{directory}/current.conf"), "file0.conf");
        plan.unit(
            format!("bench{directory}.service"),
            "[Service]\nExecStart=/bin/sleep infinity\n\n[Install]\nWantedBy=multi-user.target\n",
        );
        plan.service(format!("bench{directory}")).enabled().running();
        plan.command(format!("touch /srv/bench{directory}/made")).creates(&format!("/srv/bench{directory}/made"));
    }
    plan.file("/srv/bench0/token", text!("{}\n", cx.env.token));
}
"#;
