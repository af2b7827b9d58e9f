//! A small site, deployed over SSH to this very machine as the current user: what `cargo demo` shows where no lab can be.
//!
//! The sshd is OpenSSH's own, started as the current user on a free port of the loopback address, with keys and a home
//! that are thrown away.

use std::error::Error;
use std::fs;
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::lab::setup::{self, Tool};
use crate::site::generate;

/// Builds the small site, deploys it twice, and prints the times.
///
/// # Errors
/// No sshd is to be had, the site does not build, or a run does not end as it should.
pub fn demo() -> Result<(), Box<dyn Error>> {
    setup::require(&[Tool::new("sshd", "openssh-server"), Tool::new("ssh", "openssh-client")])?;
    let folder = tempfile::Builder::new().prefix("paracrine-demo-").tempdir()?;
    let (user, group) = (text_of("id", &["-un"])?, text_of("id", &["-gn"])?);
    let sshd = Sshd::start(folder.path())?;

    println!("$ cargo build");
    let began = Instant::now();
    let binary = build(folder.path(), &user, &group, &sshd)?;
    let mut times = vec![("build the site".to_owned(), began.elapsed())];
    for (command, expected) in [("check", 2), ("apply", 0), ("apply", 0)] {
        println!("\n$ small-site {command}");
        let began = Instant::now();
        // Connections are not kept: the sshd at their other end goes with this demo.
        let mut run = Command::new(&binary);
        run.args([command, "here", "--persist", "0"]).current_dir(folder.path()).stdin(Stdio::null());
        let code = run.status()?.code();
        times.push((command.to_owned(), began.elapsed()));
        println!("(exit code {})", code.map_or("none".to_owned(), |code| code.to_string()));
        if code != Some(expected) {
            return Err(format!("{command} should have ended with {expected}").into());
        }
    }
    println!("\nWhat was deployed:\n{}", fs::read_to_string(folder.path().join("deployed/hello.txt"))?);
    for (name, took) in times {
        println!("{name:<16} {:>6.2} s", took.as_secs_f64());
    }
    Ok(())
}

fn build(folder: &Path, user: &str, group: &str, sshd: &Sshd) -> io::Result<PathBuf> {
    let shown = folder.display();
    let config = format!(
        "environments:\n  here:\n    FOLDER: {shown}/deployed\n    ACCOUNT: {user}\n    TEAM: {group}\n"
    );
    let inventory = format!(
        "environment: here\nservers:\n  - name: here\n    ssh_hostname: 127.0.0.1\n    ssh_port: {}\n    \
         ssh_user: {user}\n    ssh_key: {shown}/key\n    sudo: false\n    host_key: {}\n",
        sshd.port, sshd.host_key
    );
    let files = [("config.yaml", config.as_str()), ("inventory.yaml", &inventory), ("roles.rs", ROLES)];
    Ok(generate("small-site", &files, false)?.1)
}

const ROLES: &str = r#"use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let (folder, user, group) = (&cx.env.folder, &cx.env.account, &cx.env.team);
    plan.directory(folder).owner(user).group(group);
    let hello = plan
        .file(format!("{folder}/hello.txt"), text!("Hello from {}, deployed as {}\n", cx.host.name, user))
        .owner(user)
        .group(group);
    plan.link(format!("{folder}/latest"), "hello.txt");
    plan.command(format!("date > {folder}/changed")).named("note the time").run_on(&hello);
}
"#;

/// An sshd of our own, ended when dropped.
struct Sshd {
    child: Child,
    port: u16,
    host_key: String,
}

impl Sshd {
    fn start(folder: &Path) -> Result<Self, Box<dyn Error>> {
        for key in ["key", "host_key"] {
            text_of(
                "ssh-keygen",
                &["-q", "-t", "ed25519", "-N", "", "-f", &folder.join(key).to_string_lossy()],
            )?;
        }
        fs::copy(folder.join("key.pub"), folder.join("authorized_keys"))?;
        let home = folder.join("home");
        fs::create_dir(&home)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        if setup::is_root() {
            // Where sshd, as root, drops its privileges to; Debian's own service makes it as well.
            fs::create_dir_all("/run/sshd")?;
        }
        // The port is free now; that nobody takes it before sshd does is checked below, by its host key.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let shown = folder.display();
        fs::write(
            folder.join("sshd_config"),
            format!(
                "ListenAddress 127.0.0.1:{port}\nHostKey {shown}/host_key\nAuthorizedKeysFile {shown}/authorized_keys\n\
                 StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\nSetEnv HOME={}\n",
                home.display()
            ),
        )?;
        let child = Command::new(program("sshd"))
            .args(["-D", "-e", "-f"])
            .arg(folder.join("sshd_config"))
            .stdin(Stdio::null())
            .stderr(fs::File::create(folder.join("sshd.log"))?)
            .spawn()?;
        let public = fs::read_to_string(folder.join("host_key.pub"))?;
        let host_key = public.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let mut sshd = Self { child, port, host_key };
        sshd.wait(&folder.join("sshd.log"))?;
        Ok(sshd)
    }

    fn wait(&mut self, log: &Path) -> Result<(), Box<dyn Error>> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("sshd ended ({status}): {}", fs::read_to_string(log)?.trim()).into());
            }
            if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) {
                stream.set_read_timeout(Some(Duration::from_secs(5)))?;
                let mut banner = [0; 4];
                stream.read_exact(&mut banner)?;
                return if &banner == b"SSH-" {
                    Ok(())
                } else {
                    Err("something else listens on sshd's port".into())
                };
            }
            if Instant::now() > deadline {
                return Err("sshd does not listen".into());
            }
            std::thread::yield_now();
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// sshd wants to be started by its whole path, and `PATH` of users lacks the `sbin` folders.
fn program(name: &str) -> PathBuf {
    let folders = ["/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin"];
    let found = folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| name.into())
}

fn text_of(program: &str, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("{program} failed: {}", said.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
