//! Showing diagnostics while cargo runs.
//!
//! Cargo shows nothing of what a build script prints unless it fails with an exit code, and then with everything else that
//! was printed around it. So besides the line that cargo shows for each problem, the drawn ones go to where cargo's own
//! messages go: the standard error of the parent process.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::Path;

use paracrine_model::diagnostic::draw::{self, Style};
use paracrine_model::diagnostic::{Diagnostic, Severity, format};

use crate::input_files::DrawnFiles;

/// Shows all problems in the way that `PARACRINE_DIAGNOSTICS` asks for, and tells cargo.
pub(crate) fn show(root: &Path, diagnostics: &[Diagnostic]) {
    if diagnostics.is_empty() {
        return;
    }
    let asked = std::env::var("PARACRINE_DIAGNOSTICS").unwrap_or_default();
    let mut seen = seen();
    let style = match &seen {
        Some(seen) if coloured(seen) => Style::Coloured,
        _ => Style::Plain,
    };
    let mut files = DrawnFiles::new(root);
    let mut text = String::new();
    for diagnostic in diagnostics {
        match asked.as_str() {
            "json" => text.push_str(&format::json(diagnostic)),
            "github" => text.push_str(&format::github(&from_repository(root, diagnostic))),
            _ => {
                text.push_str(&draw::draw(diagnostic, &mut files, style));
                text.push('\n');
            }
        }
        text.push('\n');
    }
    // On a terminal cargo's progress may stand in this line.
    let clear = if seen.as_ref().is_some_and(IsTerminal::is_terminal) { "\r\x1b[K" } else { "" };
    let shown = seen.as_mut().is_some_and(|seen| seen.write_all(format!("{clear}{text}").as_bytes()).is_ok());
    if !shown {
        eprint!("{text}");
    }
    // Who sees them drawn needs no second text of each; programs that read what cargo says do.
    let drawn = shown && !clear.is_empty() && asked.is_empty();
    for line in if drawn { in_all(diagnostics) } else { one_by_one(diagnostics) } {
        println!("{line}");
    }
}

/// What cargo is told of problems that are drawn already: their number and places. It repeats warnings when nothing is to be
/// built.
fn in_all(diagnostics: &[Diagnostic]) -> Vec<String> {
    let of = |severity| diagnostics.iter().filter(move |diagnostic| diagnostic.severity == severity);
    let count = |severity, word: &str| match of(severity).count() {
        0 => None,
        1 => Some(format!("1 {word}")),
        many => Some(format!("{many} {word}s")),
    };
    let counted = [count(Severity::Error, "error"), count(Severity::Warning, "warning")];
    let all = counted.into_iter().flatten().collect::<Vec<_>>().join(" and ");
    if of(Severity::Error).next().is_some() {
        return vec![format!("cargo::error={all} in this site, shown above")];
    }
    let places: Vec<String> = of(Severity::Warning)
        .filter_map(|warning| warning.primary.as_ref())
        .take(3)
        .map(|note| note.place.to_string())
        .collect();
    let more = if diagnostics.len() > places.len() { ", …" } else { "" };
    vec![format!("cargo::warning={all} in this site, shown when it was built: {}{more}", places.join(", "))]
}

/// What cargo is told of problems where nobody sees them drawn: a line of each, that editors and people find the place by.
fn one_by_one(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .map(|diagnostic| match diagnostic.severity {
            Severity::Error => format!("cargo::error={}", line(diagnostic)),
            Severity::Warning => format!("cargo::warning={}", line(diagnostic)),
        })
        .collect()
}

/// With its places named from the top of the repository, as GitHub wants them.
fn from_repository(root: &Path, diagnostic: &Diagnostic) -> Diagnostic {
    let mut diagnostic = diagnostic.clone();
    let top = root.ancestors().find(|folder| folder.join(".git").exists());
    let inside =
        top.and_then(|top| root.strip_prefix(top).ok()).filter(|inside| !inside.as_os_str().is_empty());
    if let (Some(inside), Some(note)) = (inside, &mut diagnostic.primary)
        && !note.place.file.starts_with(['/', '~', '.'])
    {
        note.place.file = format!("{}/{}", inside.display(), note.place.file).into();
    }
    diagnostic
}

/// Where cargo's messages go, if that is a terminal or a pipe. A plain file would be overwritten: it has one position
/// for each who opened it.
#[cfg(target_os = "linux")]
fn seen() -> Option<File> {
    use std::os::unix::fs::FileTypeExt;
    let parent = std::os::unix::process::parent_id();
    let is_cargo =
        std::fs::read_to_string(format!("/proc/{parent}/comm")).is_ok_and(|name| name.trim() == "cargo");
    let path = format!("/proc/{parent}/fd/2");
    let kind = std::fs::metadata(&path).ok()?.file_type();
    if !is_cargo || !(kind.is_fifo() || kind.is_char_device()) {
        return None;
    }
    File::options().append(true).open(path).ok()
}

#[cfg(not(target_os = "linux"))]
fn seen() -> Option<File> {
    None
}

fn coloured(seen: &File) -> bool {
    match std::env::var("CARGO_TERM_COLOR").as_deref() {
        Ok("always") => true,
        Ok("never") => false,
        _ => seen.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// `roles.rs:3:5: P0502: path …; help: …`
fn line(diagnostic: &Diagnostic) -> String {
    let mut line = String::new();
    if let Some(note) = &diagnostic.primary {
        line.push_str(&format!("{}: ", note.place));
    }
    line.push_str(&format!("{}: {}", diagnostic.code, diagnostic.message));
    for help in &diagnostic.help {
        line.push_str(&format!("; {help}"));
    }
    line.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use paracrine_model::diagnostic::{Code, Place};

    #[test]
    fn annotations_name_files_from_the_repository() {
        let repository = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(repository.path().join(".git")).unwrap();
        let site = repository.path().join("sites/one");
        let diagnostic = Diagnostic::error(Code::BAD_MODE, "m").at(Place::new("roles.rs", 1, 2, 0), "here");
        let shown = format::github(&from_repository(&site, &diagnostic));
        assert_eq!(shown, "::error file=sites/one/roles.rs,line=1,col=2,title=P0503::m");
        let shown = format::github(&from_repository(repository.path(), &diagnostic));
        assert_eq!(shown, "::error file=roles.rs,line=1,col=2,title=P0503::m");
    }

    #[test]
    fn problems_that_are_drawn_are_one_line_for_cargo() {
        let error = Diagnostic::error(Code::BAD_MODE, "m").at(Place::new("roles.rs", 1, 2, 0), "here");
        let warning =
            |line| Diagnostic::warning(Code::MISREAD, "w").at(Place::new("config.yaml", line, 2, 0), "here");
        let all = [error.clone(), error.clone(), warning(1)];
        assert_eq!(in_all(&all), ["cargo::error=2 errors and 1 warning in this site, shown above"]);
        assert_eq!(in_all(&all[1..2]), ["cargo::error=1 error in this site, shown above"]);
        let warnings: Vec<Diagnostic> = (1..5).map(warning).collect();
        assert_eq!(
            in_all(&warnings),
            [
                "cargo::warning=4 warnings in this site, shown when it was built: config.yaml:1:2, config.yaml:2:2, config.yaml:3:2, …"
            ]
        );
        assert_eq!(
            one_by_one(&all[1..]),
            ["cargo::error=roles.rs:1:2: P0503: m", "cargo::warning=config.yaml:1:2: P0114: w"]
        );
    }

    #[test]
    fn a_problem_is_one_line() {
        let problem =
            Diagnostic::error(Code::ROLE_PANIC, "a role panicked: a\nb").help("left: 1\nright: 2").help("x");
        assert_eq!(line(&problem), "P0801: a role panicked: a b; left: 1 right: 2; x");
        let problem = problem.at(Place::new("roles.rs", 3, 5, 0), "here");
        assert_eq!(line(&problem), "roles.rs:3:5: P0801: a role panicked: a b; left: 1 right: 2; x");
    }
}
