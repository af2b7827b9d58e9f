//! The secrets of the machine that builds, for the check that they are there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use paracrine_model::deployment::{Presence, Resolver};
use paracrine_model::secret::Provider;
use paracrine_model::source;

use crate::input_files::resolve;

/// Where secrets come from, for the check that they are there.
pub(crate) struct MachineSecrets {
    root: PathBuf,
    /// The files that were looked for.
    looked: Vec<String>,
}

impl MachineSecrets {
    /// This machine, with the site at `root`.
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), looked: Vec::new() }
    }

    /// The files that were looked for, there or not.
    pub(crate) fn looked(&self) -> &[String] {
        &self.looked
    }
}

impl Resolver for MachineSecrets {
    fn env(&mut self, name: &str) -> Presence {
        match std::env::var_os(name) {
            None => Presence::Absent,
            Some(value) => Presence::There(value.into_encoded_bytes()),
        }
    }

    fn file(&mut self, path: &str) -> Presence {
        self.looked.push(path.to_owned());
        match std::fs::read(resolve(&self.root, path)) {
            Ok(bytes) => Presence::There(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Presence::Absent,
            Err(error) => Presence::Unreadable(source::why(&error)),
        }
    }

    fn program(&mut self, name: &str) -> bool {
        if name.contains('/') {
            return resolve(&self.root, name).is_file();
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
    }

    fn malformed(&mut self, command: &str) -> Option<String> {
        let output =
            Command::new("/bin/sh").args(["-n", "-c", command]).stdin(Stdio::null()).output().ok()?;
        // `/bin/sh: 1: Syntax error: Unterminated quoted string`
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let why = said.lines().next().unwrap_or_default().rsplit(": ").next().unwrap_or_default();
        (!output.status.success()).then(|| why.trim().trim_end_matches('.').to_lowercase())
    }

    /// As the deploy binary does it when it runs.
    fn run(&mut self, provider: &Provider) -> Result<Vec<u8>, String> {
        let mut program = match provider {
            Provider::Env(_) | Provider::File(_) => return Err("is no program".to_owned()),
            Provider::Command(command) => {
                let mut shell = Command::new("/bin/sh");
                shell.arg("-c").arg(command);
                shell
            }
            Provider::Sops { file, key } => {
                let mut sops = Command::new("sops");
                let key: String = key.split('.').map(|step| format!("[{step:?}]")).collect();
                sops.args(["decrypt", "--extract", &key]).arg(resolve(&self.root, file));
                sops
            }
            Provider::Age(file) => {
                let mut age = Command::new("age");
                age.arg("--decrypt");
                if let Some(identity) =
                    std::env::var_os("PARACRINE_AGE_IDENTITY").filter(|identity| !identity.is_empty())
                {
                    age.arg("--identity").arg(identity);
                }
                age.arg(resolve(&self.root, file));
                age
            }
        };
        let output = program
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot be started: {}", source::why(&error)))?;
        match (output.status.success(), output.status.code()) {
            (true, _) => Ok(output.stdout),
            (false, Some(code)) => Err(format!("failed with exit code {code}")),
            (false, None) => Err("was killed".to_owned()),
        }
    }
}
