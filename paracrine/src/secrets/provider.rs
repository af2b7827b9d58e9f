//! Where values of secrets come from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use paracrine_model::secret::Provider;

/// The variable that names the file with the private keys for `!age` secrets.
pub(crate) const AGE_IDENTITY: &str = "PARACRINE_AGE_IDENTITY";

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Why {
    pub(super) message: String,
    pub(super) help: String,
}

impl Why {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

/// What providers need to know.
#[derive(Clone, Debug)]
pub(crate) struct Providers {
    /// The site, which the paths are relative to; `None` where it is not at hand.
    pub site: Option<PathBuf>,
    /// Reads an environment variable.
    pub env: fn(&str) -> Option<OsString>,
}

impl Providers {
    /// A value without its final newline. Never empty.
    pub(super) fn value(&self, provider: &Provider) -> Result<String, Why> {
        let bytes = match provider {
            Provider::Env(name) => self.variable(name)?,
            Provider::File(path) => self.read(path)?,
            Provider::Command(_) => self.output(
                self.command(provider)?,
                "the command",
                "run the command by hand to see what it says",
            )?,
            Provider::Sops { file, key } => {
                let help = format!("see that `sops decrypt {file}` works here and shows {key}");
                self.output(self.command(provider)?, "sops", &help)?
            }
            Provider::Age(file) => {
                let help = format!("set {AGE_IDENTITY} to the file with the private key for {file}");
                self.output(self.command(provider)?, "age", &help)?
            }
        };
        let value = String::from_utf8(bytes).map_err(|_| {
            Why::new(
                "its value is not UTF-8",
                "encode binary values, as with base64, and decode them on the host",
            )
        })?;
        let value = without_newline(&value);
        if value.is_empty() {
            return Err(Why::new("its value is empty", empty_help(provider)));
        }
        Ok(value.to_owned())
    }

    /// The program that knows the value. Its arguments name files and keys, never values.
    pub(super) fn command(&self, provider: &Provider) -> Result<Command, Why> {
        let mut program = match provider {
            // These two need no program; whoever asks gets one that fails.
            Provider::Env(_) | Provider::File(_) => Command::new("false"),
            Provider::Command(command) => {
                let mut shell = Command::new("/bin/sh");
                shell.arg("-c").arg(command);
                shell
            }
            Provider::Sops { file, key } => {
                let mut sops = Command::new("sops");
                sops.args(["decrypt", "--extract", &sops_key(key)]).arg(self.path(file)?);
                sops
            }
            Provider::Age(file) => {
                let mut age = Command::new("age");
                age.arg("--decrypt");
                if let Some(identity) = (self.env)(AGE_IDENTITY).filter(|identity| !identity.is_empty()) {
                    // It is the user's path, not the site's.
                    age.arg("--identity")
                        .arg(std::path::absolute(&identity).unwrap_or_else(|_| identity.into()));
                }
                age.arg(self.path(file)?);
                age
            }
        };
        if let Some(site) = &self.site {
            program.current_dir(site);
        }
        program.stdin(Stdio::null());
        Ok(program)
    }

    fn variable(&self, name: &str) -> Result<Vec<u8>, Why> {
        let value = (self.env)(name).ok_or_else(|| {
            Why::new(
                "the environment variable is not set",
                format!("set {name} where this runs, as with `export {name}=…`"),
            )
        })?;
        Ok(std::os::unix::ffi::OsStringExt::into_vec(value))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Why> {
        let full = self.path(path)?;
        std::fs::read(&full).map_err(|error| {
            Why::new(
                format!("the file cannot be read: {}", plain(&error)),
                format!("put the value into {}", full.display()),
            )
        })
    }

    fn path(&self, path: &str) -> Result<PathBuf, Why> {
        match &self.site {
            Some(site) => Ok(site.join(path)),
            None if Path::new(path).is_absolute() => Ok(path.into()),
            None => Err(Why::new(
                "its file is relative to the site, and the site is not here",
                "run this in the site's directory",
            )),
        }
    }

    /// What a program says on standard output. What it complains about goes into the error, without the output.
    fn output(&self, mut program: Command, what: &str, help: &str) -> Result<Vec<u8>, Why> {
        let output = program.output().map_err(|error| {
            let name = program.get_program().to_string_lossy().into_owned();
            match error.kind() {
                std::io::ErrorKind::NotFound => {
                    Why::new(format!("the program {name} is not installed here"), format!("install {name}"))
                }
                _ => Why::new(format!("{what} cannot be started: {}", plain(&error)), help),
            }
        })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = complaint(&output.stderr, &output.stdout);
        let ended = match output.status.code() {
            Some(code) => format!("{what} failed with exit code {code}"),
            None => format!("{what} was killed"),
        };
        Err(Why::new(if said.is_empty() { ended } else { format!("{ended}: {said}") }, help))
    }
}

/// `database.password` as sops takes it: `["database"]["password"]`.
fn sops_key(key: &str) -> String {
    key.split('.').map(|part| format!("[{}]", serde_json::Value::from(part))).collect()
}

/// The last lines that a program complained with. It may have had part of the value in hand: lines that hold
/// anything it also wrote to its output are left out.
fn complaint(stderr: &[u8], stdout: &[u8]) -> String {
    let stdout = String::from_utf8_lossy(stdout);
    let values: Vec<&str> = stdout.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let stderr = String::from_utf8_lossy(stderr);
    let mut lines: Vec<&str> = stderr
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !values.iter().any(|value| line.contains(value)))
        .collect();
    let first = lines.len().saturating_sub(3);
    lines.drain(..first);
    lines.join("; ")
}

fn empty_help(provider: &Provider) -> String {
    match provider {
        Provider::Env(name) => format!("give {name} a value"),
        Provider::File(path) => format!("put the value into {path}"),
        Provider::Command(_) => "see that the command prints the value".to_owned(),
        Provider::Sops { file, key } => format!("give {key} a value with `sops edit {file}`"),
        Provider::Age(file) => format!("encrypt the value into {file} again"),
    }
}

fn without_newline(value: &str) -> &str {
    let value = value.strip_suffix('\n').unwrap_or(value);
    value.strip_suffix('\r').unwrap_or(value)
}

/// An error of the system without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    text.to_lowercase()
}
