//! Debian's own programs, which the tables of the tests are held to.

use std::io;
use std::path::Path;
use std::process::Command;

use paracrine_model::deployment::Os;

/// The system whose systemd this machine has, if it is one that hosts have; the test is counted as skipped else.
#[track_caller]
pub(super) fn systemd() -> Option<Os> {
    let version = Command::new("systemd-analyze").arg("--version").output().ok();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let os = match version.as_deref().and_then(|said| said.split_whitespace().nth(1)) {
        Some("252") => Some(Os::Debian12),
        Some("257") => Some(Os::Debian13),
        _ => None,
    };
    given::that(os.is_some(), "systemd-analyze of Debian 12 or 13 (apt install systemd)");
    os
}

/// What `systemd-analyze verify` says of these units.
pub(super) fn verify(directory: &Path, names: &[String]) -> io::Result<String> {
    let mut said = String::new();
    for names in names.chunks(400) {
        let mut asked = Command::new("systemd-analyze");
        asked.args(["verify", "--man=no", "--generators=no"]);
        let output = asked.args(names.iter().map(|name| directory.join(name))).output()?;
        said.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    Ok(said)
}

/// Whether a checker takes a file with this text; `{}` stands for the file in its arguments.
pub(super) fn takes(program: &str, arguments: &[&str], text: &str) -> io::Result<bool> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("text");
    std::fs::write(&file, text)?;
    let file = file.to_string_lossy();
    let output = Command::new(program)
        .args(arguments.iter().map(|argument| argument.replace("{}", &file)))
        .output()?;
    Ok(output.status.success())
}
