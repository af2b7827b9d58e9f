//! A large site: what its build script costs.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use integration_test::site::{target_folder, workspace};

use crate::{Result, manifest, put, spread};

/// How cargo compiles the build script and what it uses.
const PROFILES: [(&str, &str); 3] = [
    ("optimised (opt-level = 3)", "[profile.dev.build-override]\nopt-level = 3\n"),
    ("as in the template (opt-level = 1)", "[profile.dev.build-override]\nopt-level = 1\n"),
    ("not optimised (cargo's default)", ""),
];

/// Builds the site with each profile, and times its build script.
pub(crate) fn run(hosts: usize, rounds: usize) -> Result<()> {
    println!(
        "\n{hosts} hosts with 200 tasks each: the build script, from its start to all outputs written, seconds"
    );
    for (number, (name, profile)) in PROFILES.into_iter().enumerate() {
        let site = Large::write(hosts, number, profile)?;
        let script = site.build()?;
        let mut times = Vec::new();
        let mut peak = 0;
        let mut tasks = 0;
        for _ in 0..rounds {
            let run = site.run(&script)?;
            times.push(run.took);
            peak = peak.max(run.peak_kib);
            tasks = run.plan_bytes;
        }
        println!("{name:>42}  {}, at most {} MiB, plan of {} MiB", spread(times), peak / 1024, tasks >> 20);
    }
    Ok(())
}

struct Large {
    folder: PathBuf,
    target: PathBuf,
}

struct Run {
    took: Duration,
    peak_kib: u64,
    plan_bytes: u64,
}

impl Large {
    fn write(hosts: usize, number: usize, profile: &str) -> Result<Self> {
        let bench = target_folder()?.join("bench-build");
        let folder = bench.join(format!("large-{number}"));
        put(&folder.join("Cargo.toml"), &manifest(&format!("large-{number}"), profile))?;
        fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock"))?;
        put(
            &folder.join("build.rs"),
            "mod roles;\n\nfn main() {\n    paracrine_build::compile(roles::site);\n}\n",
        )?;
        put(&folder.join("src/main.rs"), "paracrine::main!();\n")?;
        put(&folder.join("config.yaml"), CONFIG)?;
        put(&folder.join("secrets/token"), "not-a-real-token\n")?;
        put(&folder.join("roles.rs"), ROLES)?;
        let mut inventory = String::from("environment: prod\ndefaults:\n  ssh_user: root\nservers:\n");
        for host in 0..hosts {
            let (a, b) = (host / 250, host % 250 + 1);
            let role = if host % 5 == 0 { "db" } else { "web" };
            writeln!(
                inventory,
                "  - name: host{host}\n    ssh_hostname: 10.9.{a}.{b}\n    wireguard_ip: 10.8.{a}.{b}\n    roles: [{role}]\n    \
                 vars: {{ weight: {b}, rack: r{a} }}"
            )?;
        }
        put(&folder.join("inventory.yaml"), &inventory)?;
        for template in 0..10 {
            let line =
                "setting_{{ index }} = {{ domain }} # one of many lines, so that files have a usual size\n";
            let own = if template % 2 == 0 { "host = {{ host.name }} {{ host.vars.rack }}\n" } else { "" };
            let text = format!("workers = {{{{ workers }}}}\n{own}{}", line.repeat(20));
            put(&folder.join(format!("templates/conf{template}.j2")), &text)?;
        }
        put(&folder.join("templates/app.service.j2"), UNIT)?;
        Ok(Self { folder, target: bench.join("target") })
    }

    /// Builds it without agents; the build script.
    fn build(&self) -> Result<PathBuf> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(&self.folder)
            .args(["build", "--quiet", "--message-format=json", "--target-dir"])
            .arg(&self.target);
        let output =
            cargo.env("PARACRINE_AGENT", "skip").stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err("the large site does not build".into());
        }
        // What it was run with, beside what it is.
        for line in String::from_utf8(output.stdout)?.lines() {
            let message: serde_json::Value = serde_json::from_str(line)?;
            let is_it = message["reason"] == "compiler-artifact"
                && message["target"]["kind"][0] == "custom-build"
                && message["manifest_path"]
                    .as_str()
                    .is_some_and(|path| Path::new(path).starts_with(&self.folder));
            if let (true, Some(file)) = (is_it, message["filenames"][0].as_str()) {
                return Ok(Path::new(file).to_owned());
            }
        }
        Err("cargo names no build script".into())
    }

    /// Runs the build script as cargo does, into an empty folder.
    fn run(&self, script: &Path) -> Result<Run> {
        let out = self.folder.join("out");
        let _ = fs::remove_dir_all(&out);
        fs::create_dir_all(&out)?;
        let mut measured = Command::new(std::env::current_exe()?);
        measured.arg("measure").arg(script).current_dir(&self.folder);
        measured.env("OUT_DIR", &out).env("CARGO_MANIFEST_DIR", &self.folder).env("CARGO_PKG_NAME", "large");
        measured.env("PARACRINE_AGENT", "skip").stdin(Stdio::null());
        let output = measured.output()?;
        let text = String::from_utf8(output.stdout)?;
        let last = text.lines().last().unwrap_or_default();
        let (took, peak) = last.split_once(' ').ok_or("nothing was measured")?;
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("error") || !output.status.success() {
            return Err(format!("the build script failed: {said}").into());
        }
        Ok(Run {
            took: Duration::from_secs_f64(took.parse()?),
            peak_kib: peak.parse()?,
            plan_bytes: fs::metadata(out.join("plan.bin"))?.len(),
        })
    }
}

/// Runs a command and prints its time in seconds and its peak resident size in KiB.
pub(crate) fn measure(words: &[String]) -> ExitCode {
    use nix::sys::resource::{UsageWho, getrusage};
    let Some((program, arguments)) = words.split_first() else { return ExitCode::FAILURE };
    let began = Instant::now();
    let status = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status();
    let took = began.elapsed();
    let (Ok(status), Ok(usage)) = (status, getrusage(UsageWho::RUSAGE_CHILDREN)) else {
        return ExitCode::FAILURE;
    };
    println!("\n{} {}", took.as_secs_f64(), usage.max_rss());
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

const CONFIG: &str = "environments:\n  prod:\n    DOMAIN: example.org\n    WORKERS: 4\n    ADMINS: [ann, bob, cid, dan, eve]\n    \
                      TOKEN: !file secrets/token\n";

const UNIT: &str = "[Unit]\nDescription=Number {{ index }}\nAfter=network.target\n\n[Service]\nUser=app\nExecStart=/usr/bin/app \
                    {{ index }}\nRestart=on-failure\n\n[Install]\nWantedBy=multi-user.target\n";

/// 201 tasks: 21 packages, 7 accounts, 13 directories, 112 files, 12 links, 12 units, 12 services, 12 commands.
const ROLES: &str = r#"use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let env = &cx.env;
    for package in 0..20 {
        plan.package(format!("package-{package}"));
    }
    plan.group("operators");
    for admin in &env.admins {
        plan.user(admin).groups(["operators"]).shell("/bin/bash");
    }
    plan.user("app").system();
    plan.directory("/etc/app").group("app").mode(0o750);
    plan.file("/etc/app/token", text!("{}\n", env.token)).group("app").mode(0o640);
    let peers: Vec<&str> = cx.hosts_with(Role::Db).take(10).map(|host| host.name.as_str()).collect();
    plan.file("/etc/app/peers", peers.join("\n"));
    plan.file("/etc/app/me", text!("{} {}\n", cx.host.name, cx.host.ssh_hostname));
    for directory in 0..12 {
        plan.directory(format!("/srv/app{directory}")).owner("app").mode(0o750);
        for file in 0..9 {
            plan.file(
                format!("/srv/app{directory}/file{file}.conf"),
                template(
                    format!("conf{file}.j2"),
                    context! { index => directory, domain => env.domain, workers => env.workers, host => cx.host },
                ),
            )
            .owner("app");
        }
        plan.link(format!("/srv/app{directory}/current.conf"), "file0.conf");
        let unit = plan.unit(format!("app{directory}.service"), template("app.service.j2", context! { index => directory }));
        plan.service(format!("app{directory}")).enabled().running().restart_on(&unit);
        plan.command(format!("touch /srv/app{directory}/made")).creates(format!("/srv/app{directory}/made"));
    }
    plan.file("/etc/motd", template("conf9.j2", context! { index => 0, domain => env.domain, workers => env.workers }));
    for role in &cx.host.roles {
        match role {
            Role::Web => drop(plan.package("nginx")),
            Role::Db => drop(plan.package("postgresql")),
        }
    }
}
"#;
