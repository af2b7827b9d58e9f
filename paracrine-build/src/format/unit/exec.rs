//! Command lines of units.

use super::super::finding::{Finding, LATE};
use super::split::{Quotes, Split};
use super::value::{Value, expand};

/// Words of the shell that somebody might take for programs.
const OF_THE_SHELL: [&str; 11] =
    ["cd", "export", "source", ".", "exec", "if", "for", "while", "set", "ulimit", "umask"];

/// What is wrong with a command line: several commands, with `;` between them.
pub(super) fn check(value: &Value<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut split = Split::new(value.text, Quotes::Escaped);
    let mut is_first = true;
    // Whether a `@` wants the next word for the name that the program is started by.
    let mut unnamed = false;
    let nameless = || {
        let message = format!("`{}` has a `@`, and no name for the program behind it", value.key);
        value.wrong("@", message).help("leave the `@` out")
    };
    loop {
        // A `;` that stands alone ends a command; `\;` is one.
        if let Some(rest) = alone(split.rest, ";") {
            split.rest = rest;
            is_first = true;
            continue;
        }
        if let Some(rest) = alone(split.rest, "\\;") {
            split.rest = rest;
            continue;
        }
        match split.word() {
            Ok(None) => {
                found.extend(unnamed.then(nameless));
                break;
            }
            Ok(Some(word)) if is_first => {
                is_first = false;
                let prefix = word.len() - word.trim_start_matches(['@', '-', ':', '+', '!']).len();
                unnamed = word[..prefix].contains('@');
                let begins = word.trim_start_matches(['@', '-', ':', '+', '!']);
                // In old units, the prefix stands apart.
                if begins.is_empty() {
                    found.push(value.wrong(&word, format!("`{}` has no program", value.key)));
                } else {
                    found.extend(program(value, &word));
                }
            }
            Ok(Some(_)) => unnamed = false,
            // A late value may hold quotes.
            Err(_) if value.text.contains(LATE) => break,
            Err(unclosed) => {
                found.push(value.unclosed(unclosed));
                break;
            }
        }
    }
    if let Some(escape) = split.unknown.first() {
        let message = format!("systemd knows no escape `{escape}`, and takes it as it stands");
        found.push(value.wrong(escape, message).warning().help(format!("write `\\{escape}`")));
    }
    found
}

/// How many commands stand in a command line.
pub(super) fn count(text: &str) -> usize {
    let mut split = Split::new(text, Quotes::Escaped);
    let (mut commands, mut is_first) = (0, true);
    loop {
        if let Some(rest) = alone(split.rest, ";") {
            split.rest = rest;
            is_first = true;
            continue;
        }
        match split.word() {
            Ok(Some(_)) => commands += usize::from(std::mem::take(&mut is_first)),
            Ok(None) | Err(_) => return commands,
        }
    }
}

/// What follows a word that stands alone at the beginning.
fn alone<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(word)?;
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then(|| rest.trim_start())
}

/// What is wrong with a program, before which may stand what it is run with.
fn program(value: &Value<'_>, word: &str) -> Option<Finding> {
    let mut rest = word;
    let (mut seen, mut privileges) = (Vec::new(), String::new());
    while let Some(c) = rest.chars().next().filter(|c| "@-:+!".contains(*c)) {
        if "@-:".contains(c) {
            if seen.contains(&c) {
                return Some(value.cannot(word, format!("`{c}` stands twice before the program")));
            }
            seen.push(c);
        } else {
            privileges.push(c);
            if !["+", "!", "!!"].contains(&privileges.as_str()) {
                return Some(value.cannot(word, "of `+`, `!` and `!!` only one stands before the program"));
            }
        }
        rest = &rest[1..];
    }
    let path = expand(rest);
    if path.is_empty() || path.starts_with(LATE) {
        return None;
    }
    let is_variable = |(at, _): (usize, &str)| {
        let next = rest[at + 1..].chars().next();
        next.is_some_and(|c| c == '{' || c.is_ascii_alphabetic() || c == '_')
    };
    if rest.match_indices('$').any(is_variable) {
        let finding = value
            .wrong(rest, format!("program `{rest}` is a variable, which systemd does not resolve there"));
        return Some(finding.help(format!("write its path, or `/usr/bin/env {rest} …`")));
    }
    if path.contains(['"', '\'', '\\']) || path.chars().any(char::is_control) {
        return Some(
            value.wrong(rest, format!("program `{rest}` has characters in its name that systemd refuses")),
        );
    }
    if path.ends_with('/') {
        return Some(value.wrong(rest, format!("program `{rest}` is a directory")));
    }
    if path.starts_with('/') {
        return None;
    }
    if path.contains('/') {
        let finding = value.wrong(rest, format!("program `{rest}` is a relative path"));
        return Some(
            finding.help(
                "write its absolute path, or a bare name that systemd finds in `/usr/bin` and the like",
            ),
        );
    }
    if OF_THE_SHELL.contains(&rest) {
        let finding = value.wrong(rest, format!("`{rest}` is a word of the shell, and systemd is none"));
        return Some(
            finding.help(format!(
                "write `/bin/sh -c '{rest} …'`, or see systemd.exec(5) for a key that does it"
            )),
        );
    }
    None
}
