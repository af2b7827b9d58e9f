//! A built site, and its binary run beside a lab's hosts as a user would run it.

use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::lab::Lab;

/// The workspace this was built from.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Builds a package of the workspace and returns its executable.
///
/// # Errors
/// Cargo cannot be started or the package does not build (its messages have been shown then).
pub fn build(package: &str, release: bool) -> io::Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace()).args(["build", "--quiet", "--package", package]);
    if release {
        cargo.arg("--release");
    }
    if !cargo.stdin(Stdio::null()).status()?.success() {
        return Err(io::Error::other(format!("{package} does not build")));
    }
    Ok(target_folder()?.join(if release { "release" } else { "debug" }).join(package))
}

/// Writes a site below the target folder and builds it there. Returns its folder and its executable.
///
/// `files` are what makes the site: its config, inventories, roles and templates, by their paths. What every site has
/// alike (`Cargo.toml`, `build.rs`, `src/main.rs`) comes with it.
///
/// # Errors
/// Files cannot be written, or the site does not build (cargo's messages have been shown then).
pub fn generate(name: &str, files: &[(&str, &str)], release: bool) -> io::Result<(PathBuf, PathBuf)> {
    let target = target_folder()?;
    let folder = target.join("sites").join(name);
    let workspace = workspace().display();
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nparacrine = {{ path = \"{workspace}/paracrine\" }}\n\n\
         [build-dependencies]\nparacrine-build = {{ path = \"{workspace}/paracrine-build\" }}\n\n[workspace]\n"
    );
    let lock = fs::read_to_string(format!("{workspace}/Cargo.lock"))?;
    let common = [
        ("Cargo.toml", manifest.as_str()),
        ("Cargo.lock", lock.as_str()),
        ("build.rs", "mod roles;\n\nfn main() {\n    paracrine_build::compile(roles::site);\n}\n"),
        ("src/main.rs", "paracrine::main!();\n"),
    ];
    for (path, text) in common.iter().chain(files) {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        // Only what differs: cargo goes by times.
        if fs::read_to_string(&path).ok().as_deref() != Some(text) {
            fs::write(path, text)?;
        }
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&folder).args(["build", "--quiet", "--target-dir"]).arg(&target).stdin(Stdio::null());
    if release {
        cargo.arg("--release");
    }
    if !cargo.status()?.success() {
        return Err(io::Error::other(format!("the site {name} does not build")));
    }
    Ok((folder, target.join(if release { "release" } else { "debug" }).join(name)))
}

/// The target folder that this very program was built into.
///
/// # Errors
/// This program lies in none.
pub fn target_folder() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    folder.map(Path::to_owned).ok_or_else(|| io::Error::other("this program does not lie in a target folder"))
}

/// A site's folder of its own (so that `known_hosts` beside its inventory are its own) and its binary.
pub struct Site<'lab> {
    lab: &'lab Lab,
    folder: PathBuf,
    binary: PathBuf,
    agent: Child,
    socket: PathBuf,
}

/// What a run of a site's binary left behind.
pub struct Run {
    /// Exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// From start to end.
    pub took: Duration,
}

impl<'lab> Site<'lab> {
    /// Copies the site's files into the lab's folder and starts an ssh-agent with the lab's key.
    ///
    /// # Errors
    /// Files cannot be copied or the agent does not start.
    pub fn new(lab: &'lab Lab, name: &str, files: &Path, binary: PathBuf) -> io::Result<Self> {
        let folder = lab.folder().join(name);
        copy(files, &folder)?;
        let socket = lab.folder().join(format!("{name}.agent"));
        let agent = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .stdin(Stdio::null())
            .spawn()?;
        let site = Self { lab, folder, binary, agent, socket };
        let deadline = Instant::now() + Duration::from_secs(10);
        while UnixStream::connect(&site.socket).is_err() {
            if Instant::now() > deadline {
                return Err(io::Error::other("ssh-agent does not listen"));
            }
            std::thread::yield_now();
        }
        let mut add = Command::new("ssh-add");
        add.arg("-q").arg(lab.key()).env("SSH_AUTH_SOCK", &site.socket).stdin(Stdio::null());
        if !add.status()?.success() {
            return Err(io::Error::other("ssh-add does not take the lab's key"));
        }
        Ok(site)
    }

    /// The site's own folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The binary as a command, in the site's folder and the lab's network.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = self.lab.command(&self.binary);
        command
            .current_dir(&self.folder)
            .env("SSH_AUTH_SOCK", &self.socket)
            .env("XDG_RUNTIME_DIR", self.lab.folder());
        command.env_remove("NO_COLOR").stdin(Stdio::null());
        command
    }

    /// Runs the binary.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn run(&self, arguments: &[&str]) -> io::Result<Run> {
        let began = Instant::now();
        let Output { status, stdout, stderr } = self.command().args(arguments).output()?;
        Ok(Run {
            code: status.code(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            took: began.elapsed(),
        })
    }
}

impl Drop for Site<'_> {
    fn drop(&mut self) {
        // Both may have ended already.
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "target" || name == "known_hosts" {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
