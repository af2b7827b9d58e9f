//! The lab itself, for real: it needs root, and Debian's mirror when its image is not in the cache.
#![allow(clippy::unwrap_used, reason = "what fails here is a failed test")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use integration_test::lab::Lab;

#[test]
fn hosts_are_real() {
    let lab = Lab::start(&["web1", "db1"]).unwrap();
    let id = lab.id().to_owned();
    let ssh = |user: &str, host: &str, script: &str| {
        let output = lab.ssh_as(user, host).unwrap().arg(script).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
            .ok_or(error)
    };

    // Real Debian with real systemd, each with an identity of its own.
    for host in ["web1", "db1"] {
        assert_eq!(ssh("root", host, "hostname").as_deref(), Ok(host));
        assert_eq!(ssh("root", host, "systemctl is-system-running").as_deref(), Ok("running"));
        assert_eq!(lab.run(host, ". /etc/os-release; echo $ID $VERSION_ID").unwrap(), "debian 12");
    }
    for file in ["etc/machine-id", "etc/ssh/ssh_host_ed25519_key.pub"] {
        let read = |host| fs::read_to_string(lab.root(host).unwrap().join(file)).unwrap();
        assert_ne!(read("web1"), read("db1"), "{file}");
    }

    // Users.
    assert_eq!(ssh("deploy", "web1", "sudo -n id -un").as_deref(), Ok("root"));
    assert!(ssh("nosudo", "web1", "sudo -n id -un").is_err());
    assert!(ssh("asksudo", "web1", "sudo -n id -un").is_err());
    assert_eq!(ssh("asksudo", "web1", "echo paracrine | sudo -S -p '' id -un").as_deref(), Ok("root"));

    // Packages, without an index update and without the network.
    lab.run("web1", "apt-get install -y paracrine-hello=1.0 && paracrine-hello | grep -x 'hello 1.0'")
        .unwrap();
    lab.run("web1", "apt-get install -y paracrine-world tiny-01 paracrine-service nginx").unwrap();
    assert_eq!(lab.run("web1", "systemctl is-active nginx paracrine-service").unwrap(), "active\nactive");
    lab.run("db1", "apt-get install -y paracrine-world && paracrine-hello | grep -x 'hello 2.0'").unwrap();
    let web1 = SocketAddr::from((lab.host("web1").unwrap().address(), 80));
    let page = lab.within(|| {
        let mut stream = TcpStream::connect_timeout(&web1, Duration::from_secs(5)).unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page
    });
    assert!(page.unwrap().contains("Welcome to nginx"));

    // Hosts reach each other by name, know nothing of each other's services, and reach nothing else.
    lab.run("db1", "exec 3<>/dev/tcp/web1/80").unwrap_err();
    lab.run("db1", "bash -c 'exec 3<>/dev/tcp/web1/80'").unwrap();
    lab.run("web1", "systemctl stop cron").unwrap();
    assert_eq!(lab.run("db1", "systemctl is-active cron").unwrap(), "active");
    let start = Instant::now();
    assert!(!lab.exec("db1", "getent hosts deb.debian.org").unwrap().status.success());
    assert!(!lab.exec("db1", "bash -c 'exec 3<>/dev/tcp/203.0.113.1/80'").unwrap().status.success());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());

    let busy = || lab.host("db1").unwrap().cpu_time().unwrap();
    let before = busy();
    let burn = "timeout 0.5 sh -c 'while :; do :; done' || true";
    assert!(ssh("root", "db1", burn).is_ok());
    assert!(busy() - before > Duration::from_millis(50));

    // The machine's own network has no part in it. (Trying to connect from there would send packets who knows where.)
    let own = Command::new("ip").args(["address", "show"]).output().unwrap().stdout;
    assert!(!String::from_utf8_lossy(&own).contains("10.83.0."));

    lab.down().unwrap();
    assert_eq!(left_of(&id), Vec::<String>::new());
}

#[test]
fn misfortunes() {
    let lab = Lab::start(&["a", "b"]).unwrap();
    let (a, b) = (lab.host("a").unwrap(), lab.host("b").unwrap());
    let answers = |host: &str| {
        let mut ssh = lab.ssh(host).unwrap();
        ssh.args(["-o", "ConnectTimeout=2", "true"]).stderr(Stdio::null()).status().unwrap().success()
    };

    a.run("echo kept >/root/file").unwrap();
    a.stop().unwrap();
    assert!(!answers("a") && answers("b"));
    assert!(a.exec("true").is_err() && a.leader().is_none());
    a.start().unwrap();
    assert!(answers("a"));
    assert_eq!(a.run("cat /root/file").unwrap(), "kept");
    assert!(a.start().is_err());

    let before = a.run("cat /proc/sys/kernel/random/boot_id").unwrap();
    a.reboot().unwrap();
    assert_ne!(a.run("cat /proc/sys/kernel/random/boot_id").unwrap(), before);
    assert!(answers("a"));

    b.pause().unwrap();
    assert!(!answers("b"));
    b.resume().unwrap();
    assert!(answers("b"));

    b.disconnect().unwrap();
    assert!(!answers("b") && answers("a"));
    assert_eq!(b.run("hostname").unwrap(), "b");
    b.reconnect().unwrap();
    assert!(answers("b"));

    match b.delay(100) {
        Ok(()) => {
            let start = Instant::now();
            assert!(answers("b"));
            assert!(start.elapsed() > Duration::from_millis(500));
            b.delay(0).unwrap();
        }
        Err(error) => assert!(error.to_string().contains("netem"), "{error}"),
    }

    // A lab comes down whatever state its hosts are in.
    a.pause().unwrap();
    b.stop().unwrap();
    let id = lab.id().to_owned();
    lab.down().unwrap();
    assert_eq!(left_of(&id), Vec::<String>::new());
}

#[test]
fn side_by_side() {
    let labs = [0, 1].map(|_| Lab::start(&["web1"]).unwrap());
    labs[0].run("web1", "echo first >/etc/which").unwrap();
    labs[1].run("web1", "echo second >/etc/which").unwrap();
    let which = |lab: &Lab| lab.ssh("web1").unwrap().args(["cat", "/etc/which"]).output().unwrap().stdout;
    assert_eq!(labs.each_ref().map(which), ["first\n", "second\n"].map(Vec::from));
    let [first, second] = labs;
    let id = first.id().to_owned();
    drop(first);
    assert_eq!(left_of(&id), Vec::<String>::new());
    assert_eq!(which(&second), b"second\n");
}

#[test]
fn failures_leave_nothing() {
    let error = Lab::start(&["web1", "web1"]).unwrap_err().to_string();
    assert_eq!(error, "two hosts are called \"web1\"");
    assert!(Lab::start(&[]).is_err());
}

#[test]
fn the_watchdog_clears_up_after_any_end() {
    for signal in ["KILL", "INT", "TERM"] {
        let (mut owner, id) = hold();
        kill(signal, owner.id());
        owner.wait().unwrap();
        wait_until_gone(&id);
    }
}

#[test]
fn the_watchdog_clears_up_after_a_half_made_lab() {
    // From the first files to the last boot.
    for milliseconds in [30, 80, 150, 250, 400] {
        let mut owner = holder().stdout(Stdio::null()).spawn().unwrap();
        let prefix = format!("{}-", owner.id());
        sleep(Duration::from_millis(milliseconds));
        kill("KILL", owner.id());
        owner.wait().unwrap();
        wait_until_gone(&prefix);
    }
}

#[test]
fn the_next_lab_sweeps_what_a_killed_watchdog_left() {
    if std::env::var_os(HOLDER).is_some() {
        return hold_a_lab();
    }
    let (mut owner, id) = hold();
    let watchdogs =
        Command::new("pgrep").args(["-f", &format!("^/bin/sh .*lab-teardown .*{id} .*watch")]).output();
    let watchdogs = String::from_utf8(watchdogs.unwrap().stdout).unwrap();
    let watchdogs = watchdogs.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<u32>>();
    assert_eq!(watchdogs.len(), 1);
    kill("KILL", watchdogs[0]);
    // Not while the owner lives.
    assert!(!Lab::sweep().unwrap().contains(&id));
    kill("KILL", owner.id());
    owner.wait().unwrap();
    assert_ne!(left_of(&id), Vec::<String>::new());
    Lab::start(&["next"]).unwrap().down().unwrap();
    assert_eq!(left_of(&id), Vec::<String>::new());
}

/// Set for a process of this test binary that only owns a lab, so that the tests above can kill it.
const HOLDER: &str = "PARACRINE_TEST_HOLDER";

fn hold_a_lab() {
    let lab = Lab::start(&["web1", "web2"]).unwrap();
    println!("\nlab {}", lab.id());
    sleep(Duration::from_secs(60));
}

fn holder() -> Command {
    // A shell that starts this in the background has it ignore SIGINT, and so its children.
    let mut command = Command::new("env");
    command.arg("--default-signal=INT,TERM").arg(std::env::current_exe().unwrap());
    command
        .args(["--exact", "--nocapture", "the_next_lab_sweeps_what_a_killed_watchdog_left"])
        .env(HOLDER, "1")
        .process_group(0);
    command
}

fn hold() -> (Child, String) {
    let mut owner = holder().stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let id =
        lines.map_while(Result::ok).find_map(|line| line.strip_prefix("lab ").map(str::to_owned)).unwrap();
    assert_ne!(left_of(&id), Vec::<String>::new(), "the search finds nothing in a living lab");
    (owner, id)
}

fn kill(signal: &str, pid: u32) {
    assert!(Command::new("kill").args(["-s", signal, &pid.to_string()]).status().unwrap().success());
}

fn wait_until_gone(id: &str) {
    let start = Instant::now();
    while !left_of(id).is_empty() {
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", left_of(id));
        sleep(Duration::from_millis(20));
    }
}

/// Everything on this machine that belongs to labs whose id starts so.
fn left_of(id: &str) -> Vec<String> {
    let mut left = Vec::new();
    let name = format!("paracrine-lab-{id}");
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let of_lab = |line: &&str| line.contains(&name) || line.contains(&format!("paracrine-lab/{id}"));
    left.extend(mounts.lines().filter(of_lab).map(|line| format!("mount {line}")));
    for folder in ["/var/tmp/paracrine-lab", "/run/netns", "/run/systemd/nspawn/propagate"] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let found = entry.file_name().to_string_lossy().into_owned();
            if found.starts_with(&name) || found.starts_with(id) {
                left.push(format!("{folder}/{found}"));
            }
        }
    }
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let read = |file| fs::read_to_string(process.path().join(file)).unwrap_or_default();
        // Dead, but the machine's init has not looked yet.
        let zombie = read("status").lines().any(|line| line.starts_with("State:\tZ"));
        if read("cgroup").contains(&name) && !zombie {
            left.push(format!("process {:?}", process.file_name()));
        }
    }
    let mut folders = vec![Path::new("/sys/fs/cgroup").to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&name) {
                left.push(format!("cgroup {}", entry.path().display()));
            } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    left
}
