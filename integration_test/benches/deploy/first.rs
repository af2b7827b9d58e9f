//! First deploys: a thousand small files against `tar c | ssh tar x`, and a file that does not compress against
//! `ssh host 'cat > f; sync f'`, both over a connection of their own.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use integration_test::lab::Lab;
use integration_test::site::{Site, generate, target_folder};

use super::{Result, Spread};

/// Where the files go that Paracrine deploys, and those of the yardstick.
const OURS: &str = "/srv/ours";
const YARDSTICK: &str = "/srv/yardstick";

const SMALL: &str = r##"use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub(crate) fn site(_cx: &Context, plan: &Plan) {
    plan.directory("/srv/ours");
    for directory in 0..10 {
        plan.directory(format!("/srv/ours/{directory}"));
        for file in 0..100 {
            let line = format!("setting = {file} # one of many lines, so that files have a usual size\n");
            plan.file(format!("/srv/ours/{directory}/{file}.conf"), format!("# {directory}\n{}", line.repeat(20)));
        }
    }
}
"##;

const LARGE: &str = r#"use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub(crate) fn site(_cx: &Context, plan: &Plan) {
    plan.directory("/srv/ours");
    plan.file("/srv/ours/large.bin", local_file("large.bin"));
}
"#;

const CONFIG: &str = "environments:\n  bench: {}\n";
const INVENTORY: &str =
    "environment: bench\ndefaults:\n  ssh_user: root\nservers:\n  - name: h1\n    ssh_hostname: 10.83.0.11\n";

/// A thousand small files.
pub(crate) fn small(lab: &Lab, rounds: usize) -> Result<()> {
    let files = [("config.yaml", CONFIG), ("inventory.yaml", INVENTORY), ("roles.rs", SMALL)];
    let (folder, binary) = generate("bench-small", &files, true)?;
    let site = Site::new(lab, "small", &folder, binary)?;
    apply(&site, lab)?;
    // The yardstick brings the same files.
    let same = lab.folder().join("same");
    let mut tar = lab.ssh("h1")?;
    let fetched = tar.arg(format!("tar c -C {OURS} .")).stdout(Stdio::piped()).spawn()?;
    fs::create_dir_all(&same)?;
    unpack(fetched, Command::new("tar").arg("x").arg("-C").arg(&same))?;
    let packed = |to: &str| -> Result<Duration> {
        clear(lab)?;
        let began = Instant::now();
        let packed =
            Command::new("tar").arg("c").arg("-C").arg(&same).arg(".").stdout(Stdio::piped()).spawn()?;
        unpack(packed, lab.ssh("h1")?.arg(to))?;
        Ok(began.elapsed())
    };
    let unpacks = format!("mkdir {YARDSTICK} && tar x -C {YARDSTICK}");
    let unpacks_and_syncs = format!("{unpacks} && sync -f {YARDSTICK}");
    let mut times = [(); 3].map(|()| Vec::new());
    for _ in 0..rounds {
        times[0].push(packed(&unpacks)?);
        times[1].push(packed(&unpacks_and_syncs)?);
        times[2].push(apply(&site, lab)?);
    }
    let [tar, synced, ours] = times.map(Spread::of);
    println!(
        "1,000 small files: tar | ssh tar {tar}, with sync -f {synced}, apply {ours}; ratios {:.2}, {:.2}",
        ours.median / tar.median,
        ours.median / synced.median
    );
    Ok(())
}

/// A file of so many megabytes, of which no packing makes less.
pub(crate) fn large(lab: &Lab, rounds: usize, megabytes: usize) -> Result<()> {
    let name = format!("bench-large-{megabytes}");
    let source = target_folder()?.join("sites").join(&name).join("files/large.bin");
    write_noise(&source, megabytes * 1_000_000)?;
    let files = [("config.yaml", CONFIG), ("inventory.yaml", INVENTORY), ("roles.rs", LARGE)];
    let began = Instant::now();
    let (folder, binary) = generate(&name, &files, true)?;
    let built = began.elapsed();
    let site = Site::new(lab, &name, &folder, binary)?;
    let mut times = [(); 2].map(|()| Vec::new());
    for _ in 0..rounds {
        clear(lab)?;
        let began = Instant::now();
        let mut cat = lab.ssh("h1")?;
        cat.arg(format!("cat > {YARDSTICK}; sync {YARDSTICK}")).stdin(fs::File::open(&source)?);
        if !cat.status()?.success() {
            return Err("cat failed".into());
        }
        times[0].push(began.elapsed());
        times[1].push(apply(&site, lab)?);
    }
    let [cat, ours] = times.map(Spread::of);
    println!(
        "{megabytes} MB: ssh 'cat > f; sync f' {cat}, apply {ours}; ratio {:.2} (built in {:.1} s)",
        ours.median / cat.median,
        built.as_secs_f64()
    );
    clear(lab)
}

/// Applies to a host that has none of it.
fn apply(site: &Site<'_>, lab: &Lab) -> Result<Duration> {
    clear(lab)?;
    let run = site.run(&["apply", "bench", "--adopt", "--persist", "0"])?;
    if run.code != Some(0) {
        return Err(format!("{}{}", run.stdout, run.stderr).into());
    }
    Ok(run.took)
}

/// Removes what was deployed, and has nothing left to be written that is not of the next round.
fn clear(lab: &Lab) -> Result<()> {
    lab.run("h1", &format!("rm -rf {OURS} {YARDSTICK}; sync -f /srv"))?;
    Ok(())
}

fn unpack(mut packed: std::process::Child, with: &mut Command) -> Result<()> {
    let from = packed.stdout.take().ok_or("nothing is piped")?;
    let unpacked = with.stdin(from).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if packed.wait()?.success() && unpacked.success() { Ok(()) } else { Err("tar failed".into()) }
}

fn write_noise(path: &PathBuf, length: usize) -> Result<()> {
    if fs::metadata(path).is_ok_and(|there| there.len() == length as u64) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    let mut file = std::io::BufWriter::new(fs::File::create(path)?);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..length / 8 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        file.write_all(&seed.to_le_bytes())?;
    }
    file.flush()?;
    Ok(())
}
