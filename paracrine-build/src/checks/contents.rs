//! Files whose content Debian's programs read, and would refuse or misread only on the host: what reads a file is known
//! from its path. Each content is looked at once, however many hosts have it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use paracrine_model::content::Content;
use paracrine_model::diagnostic::{Code, Diagnostic, Place, Severity};
use paracrine_model::hash::Hash;
use paracrine_model::plan::Task;
use paracrine_model::resource::Resource;
use paracrine_model::source::Source;
use paracrine_model::text::Span;

use super::{Host, accounts, authorized_keys, cron, sudoers, sysctl, units};
use crate::compile::place;
use crate::{local_file, session, template};

/// Stands for a late value in the text of a [`Body`].
pub(super) const LATE: char = '\u{fdd0}';

/// What is in a file, with [`LATE`] where late values will be.
pub(super) struct Body {
    pub(super) text: String,
}

/// Something that is wrong in a content.
#[derive(Clone)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) code: Code,
    pub(super) message: String,
    /// From 1; `None`: it concerns all of the content.
    pub(super) line: Option<u32>,
    /// What in the line is wrong; where it stands is looked up.
    pub(super) word: String,
    pub(super) help: Vec<String>,
}

impl Finding {
    pub(super) fn error(code: Code, line: u32, word: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            severity: Severity::Error,
            code,
            message,
            line: Some(line),
            word: word.to_owned(),
            help: Vec::new(),
        }
    }

    pub(super) fn whole(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { severity: Severity::Error, code, message, line: None, word: String::new(), help: Vec::new() }
    }

    pub(super) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    pub(super) fn nearest<'a>(self, word: &str, words: impl IntoIterator<Item = &'a str>) -> Self {
        match paracrine_model::diagnostic::nearest(word, words) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }
}

/// What was found in a content, and the accounts that it names with their lines.
#[derive(Default)]
pub(super) struct Found {
    pub(super) findings: Vec<Finding>,
    pub(super) users: Vec<(u32, String)>,
    pub(super) groups: Vec<(u32, String)>,
}

/// The contents that were looked at.
#[derive(Default)]
pub(crate) struct Contents {
    known: RefCell<HashMap<(Reader, Hash), Rc<Found>>>,
}

/// Which program reads a file.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Reader {
    /// systemd; a unit of this kind, or (`false`) a piece of one.
    Systemd(units::Kind, bool),
    /// cron: a table with users.
    Cron,
    /// sudo.
    Sudo,
    /// systemd-sysctl: kernel parameters.
    Sysctl,
    /// sshd: keys that may log in.
    Keys,
}

impl Reader {
    /// Who reads the file at a path.
    fn of(path: &str) -> Option<Self> {
        if path == "/etc/crontab" || path.starts_with("/etc/cron.d/") {
            return Some(Self::Cron);
        }
        if path == "/etc/sudoers" || path.starts_with("/etc/sudoers.d/") {
            return Some(Self::Sudo);
        }
        if path == "/etc/sysctl.conf" || path.starts_with("/etc/sysctl.d/") {
            return Some(Self::Sysctl);
        }
        if authorized_keys::is_one(path) {
            return Some(Self::Keys);
        }
        let unit = ["/etc/systemd/system/", "/etc/systemd/user/", "/usr/local/lib/systemd/system/"]
            .iter()
            .find_map(|folder| path.strip_prefix(folder))?;
        match unit.split_once('/') {
            None => Some(Self::Systemd(units::Kind::of(unit)?, true)),
            Some((folder, piece)) if piece.ends_with(".conf") => {
                Some(Self::Systemd(units::Kind::of(folder.strip_suffix(".d")?)?, false))
            }
            Some(_) => None,
        }
    }

    fn look(self, body: &Body) -> Found {
        match self {
            Self::Systemd(kind, whole) => units::look(kind, whole, &body.text),
            Self::Cron => cron::look(&body.text),
            Self::Sudo => sudoers::look(&body.text),
            Self::Sysctl => sysctl::look(&body.text),
            Self::Keys => authorized_keys::look(&body.text),
        }
    }
}

pub(super) fn check(host: &mut Host<'_, '_>) {
    for task in host.tasks() {
        let (path, content) = match &task.resource {
            Resource::File(file) => (&file.path, &file.content),
            Resource::Unit(unit) => (&unit.path, &unit.content),
            _ => continue,
        };
        let Some(reader) = Reader::of(path.as_str()) else { continue };
        if let Resource::File(file) = &task.resource {
            let about = match reader {
                Reader::Cron => cron::about(file),
                Reader::Sudo => sudoers::about(file),
                Reader::Sysctl => sysctl::about(file),
                Reader::Keys => authorized_keys::about(file),
                Reader::Systemd(..) => Vec::new(),
            };
            for finding in about {
                host.report(at_role(&finding, task));
            }
        }
        let Some(body) = body(host, content) else { continue };
        let found = match content {
            Content::Blob { hash, .. } => {
                let key = (reader, *hash);
                let known = host.contents.known.borrow().get(&key).cloned();
                known.unwrap_or_else(|| {
                    let found = Rc::new(reader.look(&body));
                    host.contents.known.borrow_mut().insert(key, Rc::clone(&found));
                    found
                })
            }
            Content::Late(_) => Rc::new(reader.look(&body)),
        };
        for finding in &found.findings {
            host.report(diagnostic(finding, task, &body));
        }
        let users = found.users.iter().map(|user| (accounts::Kind::User, user));
        let groups = found.groups.iter().map(|group| (accounts::Kind::Group, group));
        for (kind, (line, name)) in users.chain(groups) {
            if let Some(unknown) = accounts::in_content(host, kind, name, task) {
                let place = locate(task, &body, *line, name);
                host.report(match place {
                    Some(place) => replaced(unknown, place, task),
                    None => unknown,
                });
            }
        }
    }
}

/// A content as text; `None` where it is none.
pub(super) fn body(host: &Host<'_, '_>, content: &Content) -> Option<Body> {
    let text = match content {
        Content::Blob { .. } => host.view.text(content)?,
        Content::Late(text) => {
            let mut shown = String::new();
            for span in text.spans() {
                match span {
                    Span::Literal(literal) => shown.push_str(literal),
                    Span::Late(_) => shown.push(LATE),
                }
            }
            shown
        }
    };
    Some(Body { text })
}

fn diagnostic(finding: &Finding, task: &Task, body: &Body) -> Diagnostic {
    match finding.line.and_then(|line| locate(task, body, line, &finding.word)) {
        Some(place) => replaced(at_role(finding, task), place, task),
        None => {
            let line = finding.line.and_then(|line| Some((line, body.text.lines().nth(line as usize - 1)?)));
            let diagnostic = at_role(finding, task);
            match line {
                Some((number, line)) => {
                    let shown = line.trim().replace(LATE, "‹secret›");
                    diagnostic.help(format!("it is line {number} of the content: `{shown}`"))
                }
                None => diagnostic,
            }
        }
    }
}

/// A finding at the line that declared the file.
fn at_role(finding: &Finding, task: &Task) -> Diagnostic {
    let new = match finding.severity {
        Severity::Error => Diagnostic::error,
        Severity::Warning => Diagnostic::warning,
    };
    let shown = |text: &String| text.replace(LATE, "‹secret›");
    let mut diagnostic = new(finding.code, shown(&finding.message)).at(place(task), "in this content");
    diagnostic.help = finding.help.iter().map(shown).collect();
    diagnostic
}

/// Moves a diagnostic to its place in the source of the content; the role's line stays beside it.
fn replaced(mut diagnostic: Diagnostic, at: Place, task: &Task) -> Diagnostic {
    diagnostic.primary = None;
    diagnostic.at(at, "here").related(place(task), "used here")
}

/// Where a word of a line of the content stands in the file that the content came from: for a file that is sent as it is
/// that line, for a template the one line that reads the same, or reads the same as far as it is literal.
fn locate(task: &Task, body: &Body, line: u32, word: &str) -> Option<Place> {
    let source = task.source.as_deref()?;
    let wanted = body.text.lines().nth(line as usize - 1)?;
    let session = session::current();
    let (source, line) = if let Some(name) = source.strip_prefix(&format!("{}/", local_file::FOLDER)) {
        let source = Source::new(source, session.files().bytes(name)?.to_vec()).ok()?;
        (Rc::new(source), line)
    } else {
        let name = source.strip_prefix(&format!("{}/", template::FOLDER))?;
        let source = session.templates().source(name)?;
        let only = |is_it: &dyn Fn(&str) -> bool| {
            let mut found =
                (1..=source.line_count()).filter(|number| source.line(*number).is_some_and(is_it));
            found.next().filter(|_| found.next().is_none())
        };
        let literal = |line: &str| reads_as(line, wanted, word);
        let line =
            only(&|line| line == wanted).or_else(|| (!word.is_empty()).then(|| only(&literal)).flatten())?;
        (Rc::new(Source::clone(&source)), line)
    };
    let text = source.line(line)?;
    let count = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    let (column, length) = match text.find(word).filter(|_| !word.is_empty()) {
        Some(at) => (count(&text[..at]) + 1, count(word)),
        None => (1, count(text)),
    };
    Some(Place::new(source.path().clone(), line, column, length))
}

/// Whether a template's line may have become `wanted`, with `word` in what it says itself.
fn reads_as(line: &str, wanted: &str, word: &str) -> bool {
    let Some((start, mut rest)) = line.split_once("{{") else { return false };
    let Some(mut left) = wanted.strip_prefix(start) else { return false };
    let mut has_word = start.contains(word);
    while let Some((_, after)) = rest.split_once("}}") {
        let (piece, next) = after.split_once("{{").unwrap_or((after, ""));
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
        has_word |= piece.contains(word);
        rest = next;
    }
    has_word
}

#[cfg(test)]
mod tests {
    use super::reads_as;

    #[test]
    fn lines_of_templates_are_known_by_what_they_say_themselves() {
        assert!(reads_as("15 {{ hour }} * * * roto {{ x }} y", "15 3 * * * roto 1 y", "roto"));
        assert!(!reads_as("15 {{ hour }} * * * root x", "15 3 * * * roto x", "roto"));
        assert!(!reads_as("{{ user }} x", "roto x", "roto"));
        assert!(!reads_as("no places", "no places", "no"));
    }
}
