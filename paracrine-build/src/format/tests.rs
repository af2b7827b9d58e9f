use std::path::Path;

use paracrine_model::diagnostic::Severity;

use super::*;

/// What reads the file at a path.
fn reader(path: &str) -> Option<Reader<'_>> {
    let read =
        |(format, Format { reads, .. }): (usize, &Format)| Some(Reader { format, sort: reads(path)?, path });
    FORMATS.iter().enumerate().find_map(read)
}

/// Goes over all files below a directory that some format reads: its path on a host, and the text.
fn walk(root: &Path, at: &str, found: &mut dyn FnMut(&str, &str)) {
    for entry in std::fs::read_dir(root.join(at.trim_start_matches('/'))).into_iter().flatten().flatten() {
        let path = format!("{}/{}", at.trim_end_matches('/'), entry.file_name().to_string_lossy());
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            walk(root, &path, found);
        } else if kind.is_file()
            && reader(&path).is_some()
            && let Ok(text) = std::fs::read_to_string(entry.path())
        {
            found(&path, &text);
        }
    }
}

/// What Debian's packages put on this machine is good.
#[test]
fn files_of_this_machine_are_good() {
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut look = |path: &str, text: &str| {
        let Some(reader) = reader(path) else { return };
        count += 1;
        let findings = reader.look(text, Os::Debian12).findings;
        let errors = findings.into_iter().filter(|finding| finding.severity == Severity::Error);
        wrong.extend(
            errors.map(|finding| format!("{path}:{}: {}", finding.line.unwrap_or_default(), finding.message)),
        );
    };
    for directory in [
        "/etc/cron.d",
        "/etc/sudoers.d",
        "/etc/sysctl.d",
        "/etc/systemd",
        "/usr/lib/sysctl.d",
        "/usr/lib/systemd",
    ] {
        walk(Path::new("/"), directory, &mut look);
    }
    assert!(wrong.is_empty(), "{count} files:\n{}", wrong.join("\n"));
}
