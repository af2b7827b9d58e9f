//! A file that nobody can hold in memory: it travels piece by piece, and an interrupt in the middle leaves nothing.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use integration_test::lab::Lab;
use integration_test::site::{Site, generate, target_folder};

const NAME: &str = "large";
const LENGTH: usize = 128 * 1024 * 1024;
/// What the controller may have of its own, be a content as large as it may.
const PRIVATE_KIB: u64 = 64 * 1024;

const ROLES: &str = r#"use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory/dev.yaml"],
}

pub fn site(_cx: &Context, plan: &Plan) {
    plan.file("/opt/large.bin", local_file("large.bin"));
}
"#;

/// Bytes that no packing makes less.
fn write_noise(path: &Path) {
    if fs::metadata(path).is_ok_and(|there| there.len() == LENGTH as u64) {
        return;
    }
    fs::create_dir_all(path.parent().expect("it has one")).expect("a folder can be made");
    let mut file = std::io::BufWriter::new(fs::File::create(path).expect("a file can be made"));
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..LENGTH / 8 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        file.write_all(&seed.to_le_bytes()).expect("it can be written");
    }
    file.flush().expect("it can be written");
}

/// Starts an apply, and returns it once the first piece has been sent.
fn apply_until_sent(site: &Site<'_>) -> (Child, BufReader<ChildStdout>) {
    let mut command = site.command();
    command.args(["apply", "dev", "--persist", "0", "--format", "json"]);
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary starts");
    let mut events = BufReader::new(run.stdout.take().expect("it is piped"));
    let mut line = String::new();
    while events.read_line(&mut line).expect("events can be read") > 0 {
        let event: serde_json::Value = serde_json::from_str(&line).expect("events are JSON");
        if event["event"] == "sent" {
            assert_eq!(event["of"], LENGTH, "{line}");
            return (run, events);
        }
        line.clear();
    }
    let status = run.wait().expect("it ends");
    panic!("nothing was sent; the run ended with {status}");
}

/// In KiB: what a process has of its own, without what is mapped from files.
fn private(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[test]
fn a_large_file_travels_in_little_memory_and_an_interrupt_in_the_middle_leaves_nothing() {
    let source = target_folder().expect("tests lie in one").join("sites").join(NAME).join("files/large.bin");
    write_noise(&source);
    let lab = Lab::start(&["web1"]).expect("the lab starts");
    let host = lab.host("web1").expect("it is there");
    let inventory = format!(
        "environment: dev\nservers:\n  - name: web1\n    ssh_hostname: {}\n    ssh_user: root\n",
        host.address()
    );
    let files = [
        ("config.yaml", "environments:\n  dev: {}\n"),
        ("inventory/dev.yaml", inventory.as_str()),
        ("roles.rs", ROLES),
    ];
    let (folder, binary) = generate(NAME, &files, false).expect("the site builds");
    let site = Site::new(&lab, NAME, &folder, binary).expect("the site can be used");

    let (mut run, mut events) = apply_until_sent(&site);
    let status = Command::new("kill").arg("-INT").arg(run.id().to_string()).status().expect("kill starts");
    assert!(status.success());
    let mut rest = String::new();
    events.read_to_string(&mut rest).expect("events can be read");
    assert_eq!(run.wait().expect("it ends").code(), Some(1), "{rest}");
    assert!(rest.contains(r#""status":"stopped""#), "{rest}");
    assert_eq!(lab.run("web1", "ls -A /opt").expect("the host is up"), "");

    let (mut run, events) = apply_until_sent(&site);
    let mut most = 0;
    for line in events.lines() {
        line.expect("events can be read");
        most = most.max(private(run.id()).unwrap_or_default());
    }
    assert_eq!(run.wait().expect("it ends").code(), Some(0));
    assert!((1..PRIVATE_KIB).contains(&most), "{most} KiB");
    let sum = |words: String| words.split_whitespace().next().map(str::to_owned);
    let there = lab.run("web1", "sha256sum /opt/large.bin").expect("the host is up");
    let here = Command::new("sha256sum").arg(&source).output().expect("sha256sum starts");
    assert_eq!(sum(there), sum(String::from_utf8(here.stdout).expect("it is text")));

    let again = site.run(&["apply", "dev", "--format", "json"]).expect("the binary starts");
    assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);
    assert!(again.stdout.contains(r#""status":"as_planned""#), "{}", again.stdout);
}
