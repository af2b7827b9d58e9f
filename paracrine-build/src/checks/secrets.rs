//! Secrets where others than those who need them can read them: files that all may read, what systemd tells everybody, the
//! arguments of programs. `.expose("reason")` is the written exception.

use std::collections::BTreeSet;

use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::facet::Who;
use paracrine_model::name::Mode;
use paracrine_model::plan::Task;
use paracrine_model::text::{Span, Text};

use super::host_check::HostCheck;

pub(super) fn check(host: &mut HostCheck<'_, '_>) {
    for (task, facets) in host.said() {
        let not_meant = facets.texts().filter(|late| late.readers().exposed.is_none());
        let found = not_meant.filter_map(|late| {
            let text = late.text();
            match late.readers().who {
                Who::Root => None,
                Who::Mode(mode) => readable(text, mode, task),
                Who::Systemd(mode) => readable(text, mode, task).or_else(|| told_by_systemd(text, task)),
                Who::Arguments => arguments(text, task),
            }
        });
        for found in found {
            host.report(found.help("if that is meant, say why: `.expose(\"…\")`"));
        }
    }
}

/// `` secret `DB_PASSWORD` ``
fn named(text: &Text) -> String {
    let names: BTreeSet<String> = text.secrets().map(|late| format!("`{}`", late.name())).collect();
    format!("secret {}", names.into_iter().collect::<Vec<_>>().join(", "))
}

fn readable(text: &Text, mode: Mode, task: &Task) -> Option<Diagnostic> {
    if !text.is_secret() || mode.bits() & 0o004 == 0 {
        return None;
    }
    let message = format!("{} is in `{}`, which everybody can read", named(text), task.resource.name());
    Some(
        Diagnostic::error(Code::SECRET_EXPOSED, message)
            .at(task.place(), format!("mode {mode}"))
            .help("let only its user read it: `.mode(0o600)`"),
    )
}

/// systemd shows the settings of a unit to everybody who asks, whatever the mode of its file.
fn told_by_systemd(text: &Text, task: &Task) -> Option<Diagnostic> {
    for line in lines(text) {
        let Some(name) = line.secret() else { continue };
        let key = line.before(name).split('=').next().unwrap_or_default().trim().to_owned();
        if key.starts_with("SetCredential") {
            continue;
        }
        let shown = match key.as_str() {
            "Environment" => "`systemctl show` tells its environment".to_owned(),
            key if key.starts_with("Exec") => "`systemctl show` and `ps` tell its command lines".to_owned(),
            _ => "`systemctl show` tells its settings".to_owned(),
        };
        let message = format!("secret `{name}` is in `{}`: {shown} to everybody", task.resource.name());
        return Some(
            Diagnostic::error(Code::SECRET_EXPOSED, message)
                .at(task.place(), "in this unit")
                .help("put it into a file of mode 0600 that the unit names with `EnvironmentFile=` or `LoadCredential=`"),
        );
    }
    None
}

/// A line of late text.
#[derive(Default)]
struct Line<'t> {
    spans: Vec<Piece<'t>>,
}

enum Piece<'t> {
    Literal(&'t str),
    Secret(String),
}

/// Stands for a public late value, which may be read by all.
const PUBLIC: &str = "x";

fn lines(text: &Text) -> Vec<Line<'_>> {
    let mut lines = vec![Line::default()];
    for span in text.spans() {
        match span {
            Span::Literal(literal) => {
                for (index, piece) in literal.split('\n').enumerate() {
                    if index > 0 {
                        lines.push(Line::default());
                    }
                    if let Some(line) = lines.last_mut() {
                        line.spans.push(Piece::Literal(piece));
                    }
                }
            }
            Span::Late(late) => {
                if let Some(line) = lines.last_mut() {
                    line.spans.push(match late.is_secret() {
                        true => Piece::Secret(late.name()),
                        false => Piece::Literal(PUBLIC),
                    });
                }
            }
        }
    }
    lines
}

impl Line<'_> {
    /// The first secret in it.
    fn secret(&self) -> Option<&str> {
        self.spans.iter().find_map(|piece| match piece {
            Piece::Secret(name) => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }

    /// The text before a secret.
    fn before(&self, secret: &str) -> String {
        self.spans
            .iter()
            .take_while(|piece| !matches!(piece, Piece::Secret(name) if name == secret))
            .map(|piece| match piece {
                Piece::Literal(text) => *text,
                Piece::Secret(_) => "x",
            })
            .collect()
    }

    /// The text, with secrets as one letter.
    fn text(&self) -> String {
        self.spans
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => *text,
                Piece::Secret(_) => "x",
            })
            .collect()
    }
}

/// Words of the shell that start no program, so that `ps` does not show what they are given.
const BUILTINS: [&str; 14] = [
    "", ":", "[", "echo", "export", "printf", "read", "readonly", "set", "test", "local", "case", "return",
    "exit",
];

/// A secret among the arguments of a program that a script starts: everybody sees it with `ps` while that runs. What
/// stands in a here-document, in an assignment or is given to a word of the shell is no argument.
fn arguments(script: &Text, task: &Task) -> Option<Diagnostic> {
    let mut end: Option<String> = None;
    for line in lines(script) {
        let text = line.text();
        if let Some(word) = &end {
            if text.trim_start_matches('\t') == word {
                end = None;
            }
            continue;
        }
        end = here_document(&text);
        let Some(secret) = line.secret() else { continue };
        let before = line.before(secret);
        // The last command that begins before the secret.
        let program = program(last_command(&before));
        if BUILTINS.contains(&program) {
            continue;
        }
        let message = format!("secret `{secret}` is an argument of `{program}`, which `ps` tells everybody");
        return Some(
            Diagnostic::error(Code::SECRET_EXPOSED, message)
                .at(task.place(), "in this script")
                .help("give it to the program as input or in its environment: `printf %s … | program`, `NAME=… program`"),
        );
    }
    None
}

/// What stands after the last sign that ends a command, outside of quotes.
fn last_command(line: &str) -> &str {
    let mut start = 0;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match (c, quote) {
            _ if escaped => {}
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (';' | '|' | '&' | '(' | '`', None) | ('`', Some('"')) => start = at + 1,
            ('(', Some('"')) if line[..at].ends_with('$') => start = at + 1,
            _ => {}
        }
        escaped = c == '\\' && !escaped && quote != Some('\'');
    }
    &line[start..]
}

/// The program that a piece of a command starts; nothing where only assignments and keywords stand.
fn program(piece: &str) -> &str {
    const KEYWORDS: [&str; 9] = ["if", "then", "else", "elif", "while", "until", "do", "!", "{"];
    // The secret continues the last word, so an assignment that it ends is none before it.
    piece.split_whitespace().find(|word| !KEYWORDS.contains(word) && !is_assignment(word)).unwrap_or_default()
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// The word that ends the here-document that a line begins.
fn here_document(line: &str) -> Option<String> {
    let (_, after) = line.split_once("<<")?;
    if after.starts_with('<') {
        return None;
    }
    let word = after.trim_start_matches('-').trim_start();
    let word = word.split([' ', '\t', ';', '|', ')', '>']).next()?.trim_matches(['"', '\'', '\\']);
    (!word.is_empty()).then(|| word.to_owned())
}
