//! From an edit of the example site to what is said of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use integration_test::site::{target_folder, workspace};

use crate::{Result, manifest, put, spread};

struct Example {
    folder: PathBuf,
}

/// An edit: the file, what it replaces, and by what; whether it is a mistake.
type Edit = (&'static str, &'static str, &'static str, &'static str, bool);

const EDITS: &[Edit] = &[
    ("a value gets another type", "config.yaml", "WORKERS: 16", "WORKERS: many", true),
    ("a host gets a bad port", "inventory/dev.yaml", "ssh_hostname: 10.83.0.11", "ssh_port: 99999", true),
    ("a template uses an undefined name", "templates/app.nginx.j2", "workers > 8", "wrokers > 8", true),
    ("a role has a relative path", "roles/base.rs", "\"/etc/motd\"", "\"etc/motd\"", true),
    (
        "a role uses a field that is not there",
        "roles/db.rs",
        "cx.env.backup_hour",
        "cx.env.backup_huor",
        true,
    ),
    ("a value changes", "config.yaml", "Hello from dev", "Hello again from dev", false),
    ("a template changes", "templates/index.html.j2", "Served by", "Brought by", false),
    ("a role changes", "roles/base.rs", "deployed by Paracrine", "made by Paracrine", false),
];

/// Times each edit, and its being taken back.
pub(crate) fn run(rounds: usize) -> Result<()> {
    let example = Example::new()?;
    println!("building the example site");
    example.build(true)?;
    println!("\nthe example site, from the edit to the end of `cargo build`: seconds, medians of {rounds}");
    let nothing: Vec<Duration> = (0..rounds).map(|_| example.build(true)).collect::<Result<_>>()?;
    println!("{:>42}  {}", "nothing", spread(nothing));
    for (what, file, old, new, wrong) in EDITS {
        let path = example.folder.join(file);
        let right = fs::read_to_string(&path)?;
        assert!(right.contains(old), "{file} does not hold {old}");
        let mut times = Vec::new();
        for round in 0..rounds {
            // Other bytes each time: cargo and rustc know old ones again.
            let new = if *wrong { (*new).to_owned() } else { format!("{new} {round}") };
            fs::write(&path, right.replacen(old, &new, 1))?;
            times.push(example.build(!wrong)?);
            fs::write(&path, &right)?;
            example.build(true)?;
        }
        println!("{what:>42}  {}", spread(times));
    }
    Ok(())
}

impl Example {
    fn new() -> Result<Self> {
        let folder = target_folder()?.join("bench-build/example");
        let source = workspace().join("integration_test/site");
        copy(&source, &folder)?;
        put(
            &folder.join("Cargo.toml"),
            &manifest("example-site", "[profile.dev.build-override]\nopt-level = 1\n"),
        )?;
        fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock"))?;
        Ok(Self { folder })
    }

    /// How long a build takes; it has to end as it should.
    fn build(&self, good: bool) -> Result<Duration> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.folder).args(["build", "--target-dir", "../target"]);
        let began = Instant::now();
        let output = cargo.stdin(Stdio::null()).output()?;
        let took = began.elapsed();
        if output.status.success() == good {
            return Ok(took);
        }
        Err(format!("a build did not end as it should:\n{}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if entry.file_name() != "Cargo.toml" {
            put(&target, &fs::read_to_string(entry.path())?)?;
        }
    }
    Ok(())
}
