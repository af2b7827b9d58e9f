//! Files of sudo: `/etc/sudoers` and `/etc/sudoers.d/`. A mistake in one of them keeps everybody from using sudo.

use std::collections::BTreeSet;

use paracrine_model::diagnostic::{Code, nearest};
use paracrine_model::facet::FileFacet;

use super::entry::{Format, ONLY, Sort};
use super::finding::{Finding, LATE, Look};

pub(super) const FORMAT: Format = Format { reads, about, look: |text, _, _| look(text) };

fn reads(path: &str) -> Option<Sort> {
    (path == "/etc/sudoers" || path.starts_with("/etc/sudoers.d/")).then_some(ONLY)
}

/// What is wrong with the file around its content.
fn about(file: &FileFacet<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = file.path().file_name();
    if file.path().as_str() != "/etc/sudoers" && (name.contains('.') || name.ends_with('~')) {
        let message = format!("sudo passes over `{}`: its name has a `.` or ends in `~`", file.path());
        findings.push(
            Finding::whole(Code::SUDOERS, message).help(format!("call it `{}`", name.replace('.', "-"))),
        );
    }
    if file.mode().bits() & 0o022 != 0 {
        let message = format!("sudo refuses to work while others than root can write to `{}`", file.path());
        findings.push(Finding::whole(Code::SUDOERS, message).help("give it mode 0o440"));
    }
    if file.owner() != "root" {
        let message = format!("sudo refuses to work while `{}` does not belong to root", file.path());
        findings.push(Finding::whole(Code::SUDOERS, message).help("leave its owner as it is"));
    }
    if !file.is_validated() {
        findings.push(
            Finding::whole(Code::SUDOERS, format!("nothing looks at `{}` before sudo does", file.path()))
                .warning()
                .help("add `.validate(\"visudo -cf {}\")`"),
        );
    }
    findings
}

/// What is wrong with the content.
fn look(text: &str) -> Look {
    let mut found = Look::default();
    let lines = logical(text);
    let mut aliases: BTreeSet<&str> = BTreeSet::new();
    for (_, line) in &lines {
        if let Some((_, definitions)) = alias(line) {
            aliases.extend(
                definitions.split(':').filter_map(|one| one.split_once('=')).map(|(name, _)| name.trim()),
            );
        }
    }
    for (number, line) in &lines {
        if line.starts_with("Defaults") || line.starts_with('@') || line.contains(LATE) {
            include(*number, line, &mut found.findings);
        } else if let Some((kind, definitions)) = alias(line) {
            definition(*number, kind, definitions, &mut found.findings);
        } else {
            rule(*number, line, &aliases, &mut found.findings);
        }
    }
    found
}

fn wrong(line: u32, word: &str, message: impl Into<String>) -> Finding {
    Finding::error(Code::SUDOERS, line, word, message)
}

/// Lines with their continuations, without comments.
fn logical(text: &str) -> Vec<(u32, String)> {
    let mut all: Vec<(u32, String)> = Vec::new();
    let mut continued = false;
    for (number, line) in (1u32..).zip(text.lines()) {
        let comment =
            line.trim_start().starts_with('#') && !is_id(line.trim_start()) && !line.starts_with("#include");
        let line = if comment { "" } else { strip_comment(line) };
        let (piece, more) = line.strip_suffix('\\').map_or((line, false), |piece| (piece, true));
        match all.last_mut().filter(|_| continued) {
            Some((_, logical)) => {
                logical.push(' ');
                logical.push_str(piece.trim());
            }
            None if piece.trim().is_empty() => {}
            None => all.push((number, piece.trim().to_owned())),
        }
        continued = more;
    }
    all.retain(|(_, line)| !line.is_empty());
    all
}

/// `#1000` names a user by number, where `#` otherwise begins a comment.
fn is_id(text: &str) -> bool {
    text[1..].starts_with(|c: char| c.is_ascii_digit())
}

fn strip_comment(line: &str) -> &str {
    let mut quoted = false;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match c {
            '"' if before != '\\' => quoted = !quoted,
            '#' if at > 0
                && !quoted
                && before != '\\'
                && !is_id(&line[at..])
                && !matches!(before, '%' | '(') =>
            {
                return line[..at].trim_end();
            }
            _ => {}
        }
        before = c;
    }
    line.trim_end()
}

fn include(number: u32, line: &str, findings: &mut Vec<Finding>) {
    let word = line.split_whitespace().next().unwrap_or_default();
    if word.starts_with('@') && !["@include", "@includedir"].contains(&word) {
        findings.push(
            wrong(number, word, format!("sudo does not know `{word}`"))
                .nearest(word, ["@include", "@includedir"]),
        );
    }
}

const ALIASES: [&str; 4] = ["User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias"];

/// The kind of alias that a line defines, and the definitions.
fn alias(line: &str) -> Option<(&str, &str)> {
    let (word, rest) = line.split_once([' ', '\t'])?;
    (word.ends_with("_Alias") || word == "Cmd_Alias").then_some((word, rest.trim()))
}

fn definition(number: u32, kind: &str, definitions: &str, findings: &mut Vec<Finding>) {
    if !ALIASES.contains(&kind) && kind != "Cmd_Alias" {
        findings.push(wrong(number, kind, format!("sudo does not know `{kind}`")).nearest(kind, ALIASES));
        return;
    }
    let name = definitions.split('=').next().unwrap_or_default().trim();
    if !definitions.contains('=') || !is_alias(name) {
        findings.push(
            wrong(number, name, format!("`{name}` is no name of an alias"))
                .help(format!("write `{kind} NAME = …` with capital letters, digits and `_`")),
        );
    }
}

fn is_alias(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

const TAGS: [&str; 16] = [
    "EXEC",
    "NOEXEC",
    "FOLLOW",
    "NOFOLLOW",
    "INTERCEPT",
    "NOINTERCEPT",
    "LOG_INPUT",
    "NOLOG_INPUT",
    "LOG_OUTPUT",
    "NOLOG_OUTPUT",
    "MAIL",
    "NOMAIL",
    "PASSWD",
    "NOPASSWD",
    "SETENV",
    "NOSETENV",
];

/// `who host = (as whom) TAG: command, …`
fn rule(number: u32, line: &str, aliases: &BTreeSet<&str>, findings: &mut Vec<Finding>) {
    let first = line.split_whitespace().next().unwrap_or_default();
    if let Some(near) = nearest(first, ALIASES.into_iter().chain(["Defaults"])) {
        let finding = wrong(number, first, format!("sudo does not know `{first}`"));
        findings.push(finding.help(format!("did you mean `{near}`?")));
        return;
    }
    let Some((who, commands)) = split_unescaped(line, '=') else {
        findings.push(
            wrong(number, first, "the line is no rule: it has no `=`")
                .help("write `user host = (as) command`"),
        );
        return;
    };
    if who.split_whitespace().count() < 2 {
        let message = format!("`{}` says who, but not on which host", who.trim());
        findings.push(wrong(number, who.trim(), message).help(format!("write `{} ALL = …`", who.trim())));
        return;
    }
    let mut rest = commands.trim();
    if rest.is_empty() {
        findings
            .push(wrong(number, who.trim(), "the rule allows no command").help("write one after the `=`"));
        return;
    }
    loop {
        rest = rest.trim_start_matches(['!', ' ', '\t']);
        if let Some(runas) = rest.strip_prefix('(') {
            let Some((_, after)) = runas.split_once(')') else {
                findings.push(
                    wrong(number, rest, "a `(` is not closed").help("write `(user)` or `(user:group)`"),
                );
                return;
            };
            rest = after.trim_start();
            continue;
        }
        match rest.split_once(':') {
            Some((tag, after))
                if tag.trim().chars().all(|c| c.is_ascii_uppercase() || c == '_')
                    && !tag.trim().is_empty() =>
            {
                let tag = tag.trim();
                // `ALL : other_host = …`
                if tag == "ALL" || aliases.contains(tag) {
                    return;
                }
                if !TAGS.contains(&tag) {
                    let finding = wrong(number, tag, format!("sudo does not know the tag `{tag}`"));
                    findings.push(finding.nearest(tag, TAGS));
                    return;
                }
                rest = after.trim_start();
                continue;
            }
            _ => {}
        }
        let (command, after) = split_unescaped(rest, ',').unwrap_or((rest, ""));
        if let Some(finding) = command_of(number, command.trim(), aliases) {
            findings.push(finding);
            return;
        }
        if after.trim().is_empty() {
            return;
        }
        rest = after.trim_start();
    }
}

/// What is wrong with a command, if anything is.
fn command_of(number: u32, command: &str, aliases: &BTreeSet<&str>) -> Option<Finding> {
    let program = command.split_whitespace().next().unwrap_or_default();
    let fine = program == "ALL"
        || program.starts_with('/')
        || program.starts_with('^')
        || program.starts_with("sha")
        || program.contains('=')
        || ["sudoedit", "list"].contains(&program)
        || aliases.contains(program);
    if fine {
        return None;
    }
    if is_alias(program) {
        let finding = wrong(number, program, format!("alias `{program}` is not defined in this file"));
        return Some(finding.warning().nearest(program, aliases.iter().copied()));
    }
    let message = match program.is_empty() {
        true => "a command is empty".to_owned(),
        false => format!("command `{program}` is no absolute path"),
    };
    Some(
        wrong(number, program, message)
            .help("sudo wants `/usr/bin/…`, `ALL`, or an alias in capital letters"),
    )
}

/// Cuts at the first separator that no `\` precedes.
fn split_unescaped(text: &str, separator: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    let at = text.char_indices().find(|(_, c)| {
        let found = *c == separator && !escaped;
        escaped = *c == '\\' && !escaped;
        found
    });
    at.map(|(at, c)| (&text[..at], &text[at + c.len_utf8()..]))
}
