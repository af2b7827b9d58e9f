//! Contents that the programs that read them would refuse or misread: what their formats find, placed where it was
//! written.

use std::cell::LazyCell;
use std::rc::Rc;

use paracrine_model::content::Content;
use paracrine_model::diagnostic::{Diagnostic, Place, Severity};
use paracrine_model::facet::FileFacet;
use paracrine_model::plan::Task;
use paracrine_model::text::Span;

use super::accounts::{self, AccountKind, Accounts};
use super::host_check::HostCheck;
use super::source_place;
use crate::format::{Finding, LATE, Reader};

pub(super) fn check(host: &mut HostCheck<'_, '_>) {
    let accounts = LazyCell::new({
        let said = host.said();
        || Accounts::of(said.map(|(_, facets)| facets))
    });
    for (task, facets) in host.said() {
        for file in facets.files() {
            if let Some(reader) = Reader::of(file) {
                for finding in reader.about(file) {
                    host.report(at_role(&finding, task));
                }
                for found in in_content(host, &accounts, task, file, reader) {
                    host.report(found);
                }
            }
        }
    }
}

/// What is wrong with the content of a file.
fn in_content<'h, F: FnOnce() -> Accounts<'h>>(
    host: &HostCheck<'h, '_>,
    accounts: &LazyCell<Accounts<'h>, F>,
    task: &Task,
    file: &FileFacet<'h>,
    reader: Reader<'h>,
) -> Vec<Diagnostic> {
    let os = host.view.os();
    let text = LazyCell::new(|| text_of(host, file.content()));
    let look = match file.content() {
        Content::Blob { hash, .. } => host.looks.of(reader, os, *hash, || text.as_deref()),
        Content::Late(_) => text.as_deref().map(|text| Rc::new(reader.look(text, os))),
    };
    let Some(look) = look else { return Vec::new() };
    let text = || text.as_deref().unwrap_or_default();
    let mut all: Vec<Diagnostic> =
        look.findings.iter().map(|finding| placed(host, finding, task, text())).collect();
    let users = look.users.iter().map(|user| (AccountKind::User, user));
    let groups = look.groups.iter().map(|group| (AccountKind::Group, group));
    for (kind, (line, name)) in users.chain(groups) {
        if let Some(unknown) = accounts::in_content(accounts, kind, name, task) {
            all.push(match written(host, task, text(), *line, name) {
                Some(place) => moved(unknown, place, task),
                None => unknown,
            });
        }
    }
    all
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
