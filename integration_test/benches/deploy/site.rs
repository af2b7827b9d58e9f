//! The generated site that is measured.

use std::fmt::Write as _;
use std::path::PathBuf;

use integration_test::lab::TINY_PACKAGES;
use integration_test::site::generate;

/// Writes and builds the site, in release, for so many hosts. Returns its folder and its binary.
pub(crate) fn build(hosts: usize) -> super::Result<(PathBuf, PathBuf)> {
    let mut inventory = String::from("environment: bench\ndefaults:\n  ssh_user: root\nservers:\n");
    for number in 1..=hosts {
        writeln!(inventory, "  - name: h{number}\n    ssh_hostname: 10.83.0.{}", 10 + number)?;
    }
    let line = "setting_{{ index }} = {{ domain }} # one of many lines, so that files have a usual size\n";
    let template = format!("workers = {{{{ workers }}}}\n{}", line.repeat(20));
    let templates: Vec<String> = (0..10).map(|number| format!("templates/conf{number}.j2")).collect();
    let packages: Vec<String> = (1..=TINY_PACKAGES).map(|number| format!("\"tiny-{number:02}\"")).collect();
    let roles = ROLES.replace("PACKAGES", &packages.join(", "));
    let mut files = vec![
        ("config.yaml", CONFIG),
        ("secrets/token", "not-a-real-token\n"),
        ("inventory.yaml", &inventory),
        ("roles.rs", &roles),
    ];
    files.extend(templates.iter().map(|path| (path.as_str(), template.as_str())));
    Ok(generate("bench-site", &files, true)?)
}

const CONFIG: &str = "\
environments:
  bench:
    DOMAIN: bench.example.org
    WORKERS: 4
    TOKEN: !file secrets/token
";

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
        plan.command(format!("touch /srv/bench{directory}/made")).creates(format!("/srv/bench{directory}/made"));
    }
    plan.file("/srv/bench0/token", text!("{}\n", cx.env.token));
}
"#;
