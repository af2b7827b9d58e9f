//! Contents that the programs that read them would refuse or misread: what their formats find, placed where it was
//! written.

use std::rc::Rc;

use paracrine_model::content::Content;
use paracrine_model::diagnostic::{Diagnostic, Place, Severity};
use paracrine_model::facet::FileFacet;
use paracrine_model::plan::Task;
use paracrine_model::text::Span;

use super::host_check::HostCheck;
use super::{accounts, source_place};
use crate::format::{Finding, LATE, Reader};

pub(super) fn check(host: &mut HostCheck<'_, '_>) {
    for (task, facets) in host.said() {
        for file in facets.files() {
            if let Some(reader) = Reader::of(file.path().as_str()) {
                check_file(host, task, file, reader);
            }
        }
    }
}

fn check_file(host: &mut HostCheck<'_, '_>, task: &Task, file: &FileFacet<'_>, reader: Reader) {
    for finding in reader.about(file) {
        host.report(at_role(&finding, task));
    }
    let Some(text) = text_of(host, file.content()) else { return };
    let os = host.view.os();
    let look = match file.content() {
        Content::Blob { hash, .. } => host.looks.of(reader, os, *hash, &text),
        Content::Late(_) => Rc::new(reader.look(&text, os)),
    };
    for finding in &look.findings {
        let placed = placed(host, finding, task, &text);
        host.report(placed);
    }
    let users = look.users.iter().map(|user| (accounts::Kind::User, user));
    let groups = look.groups.iter().map(|group| (accounts::Kind::Group, group));
    for (kind, (line, name)) in users.chain(groups) {
        if let Some(unknown) = accounts::in_content(host, kind, name, task) {
            let place = written(host, task, &text, *line, name);
            host.report(match place {
                Some(place) => moved(unknown, place, task),
                None => unknown,
            });
        }
    }
}

/// A content as a text with [`LATE`] where late values will be; `None` where it is no text.
fn text_of(host: &HostCheck<'_, '_>, content: &Content) -> Option<String> {
    let Content::Late(text) = content else { return host.view.text(content) };
    let mut shown = String::new();
    for span in text.spans() {
        match span {
            Span::Literal(literal) => shown.push_str(literal),
            Span::Late(_) => shown.push(LATE),
        }
    }
    Some(shown)
}

/// Where a word of the content was written, if that is a file of the site.
fn written(host: &HostCheck<'_, '_>, task: &Task, text: &str, line: u32, word: &str) -> Option<Place> {
    source_place::of(host.view.site_files(), task.source.as_deref()?, text, line, word)
}

/// A finding where it was written; where that is not known, with its line of the content beside it.
fn placed(host: &HostCheck<'_, '_>, finding: &Finding, task: &Task, text: &str) -> Diagnostic {
    let diagnostic = at_role(finding, task);
    let Some(number) = finding.line else { return diagnostic };
    match written(host, task, text, number, &finding.word) {
        Some(place) => moved(diagnostic, place, task),
        None => match text.lines().nth(number as usize - 1) {
            Some(line) => {
                diagnostic.help(format!("it is line {number} of the content: `{}`", shown(line.trim())))
            }
            None => diagnostic,
        },
    }
}

/// A finding at the line that declared the file.
fn at_role(finding: &Finding, task: &Task) -> Diagnostic {
    let new = match finding.severity {
        Severity::Error => Diagnostic::error,
        Severity::Warning => Diagnostic::warning,
    };
    let mut diagnostic = new(finding.code, shown(&finding.message)).at(task.place(), "in this content");
    diagnostic.help = finding.help.iter().map(|help| shown(help)).collect();
    diagnostic
}

fn shown(text: &str) -> String {
    text.replace(LATE, "‹secret›")
}

/// Moves a diagnostic to its place in the source of the content; the role's line stays beside it.
fn moved(mut diagnostic: Diagnostic, at: Place, task: &Task) -> Diagnostic {
    diagnostic.primary = None;
    diagnostic.at(at, "here").related(task.place(), "used here")
}
