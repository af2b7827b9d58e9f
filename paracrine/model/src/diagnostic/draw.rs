//! Diagnostics as `rustc` draws its own.

use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Note, Place, Severity};
use crate::source::{Lookup, Source};

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without colours.
    Plain,
    /// With colours, for terminals.
    Coloured,
}

/// Draws one problem: message, places with what is there, help. Without a final line break.
pub fn draw(diagnostic: &Diagnostic, lookup: &mut dyn Lookup, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let code = diagnostic.code.to_string();
    let mut group = Group::with_title(level.primary_title(shown(&diagnostic.message)).id(code.as_str()));
    let files = files(diagnostic, lookup);
    for file in &files {
        group = group.element(file.element());
    }
    let report: Vec<Group<'_>> = std::iter::once(group)
        .chain(diagnostic.help.iter().map(|help| Group::with_title(Level::HELP.secondary_title(shown(help)))))
        .collect();
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    renderer.decor_style(DecorStyle::Ascii).render(&report)
}

/// Draws all problems, errors first, with an empty line between; empty if there are none.
pub fn draw_all(diagnostics: Diagnostics, lookup: &mut dyn Lookup, style: Style) -> String {
    let drawn: Vec<String> =
        diagnostics.into_sorted().iter().map(|diagnostic| draw(diagnostic, lookup, style)).collect();
    drawn.join("\n\n")
}

/// The notes of one diagnostic in one file.
struct File {
    path: Arc<str>,
    /// The lines from the first that has a note to the last, as far as there is a source.
    excerpt: Option<Excerpt>,
    first: Place,
}

struct Excerpt {
    text: String,
    line: usize,
    notes: Vec<(AnnotationKind, std::ops::Range<usize>, String)>,
}

type Notes<'d> = Vec<(AnnotationKind, &'d Note)>;

fn files(diagnostic: &Diagnostic, lookup: &mut dyn Lookup) -> Vec<File> {
    let primary = diagnostic.primary.iter().map(|note| (AnnotationKind::Primary, note));
    let related = diagnostic.related.iter().map(|note| (AnnotationKind::Context, note));
    let mut by_file: Vec<(Arc<str>, Notes<'_>)> = Vec::new();
    for (kind, note) in primary.chain(related) {
        match by_file.iter_mut().find(|(path, _)| *path == note.place.file) {
            Some((_, notes)) => notes.push((kind, note)),
            None => by_file.push((Arc::clone(&note.place.file), vec![(kind, note)])),
        }
    }
    let mut files = Vec::new();
    for (path, notes) in by_file {
        let Some((_, first)) = notes.first() else { continue };
        let first = first.place.clone();
        let excerpt = lookup.source(&path).map(|source| excerpt(&source, &notes));
        files.push(File { path, excerpt, first });
    }
    files
}

fn excerpt(source: &Source, notes: &[(AnnotationKind, &Note)]) -> Excerpt {
    let places: Vec<Place> = notes.iter().map(|(_, note)| inside(source, &note.place)).collect();
    let first = places.iter().map(|place| place.line).min().unwrap_or(1);
    let last = places.iter().map(|place| place.line).max().unwrap_or(1);
    let mut text = String::new();
    let mut starts = Vec::new();
    for number in first..=last {
        starts.push(text.len());
        text.push_str(source.line(number).unwrap_or_default());
        text.push('\n');
    }
    let notes = notes
        .iter()
        .zip(&places)
        .map(|((kind, note), place)| {
            let line = source.line(place.line).unwrap_or_default();
            let start = starts[(place.line - first) as usize];
            let begin = start + byte_of(line, place.column - 1);
            let end = start + byte_of(line, place.column - 1 + place.length);
            (*kind, begin..end, note.label.clone())
        })
        .collect();
    Excerpt { text, line: first as usize, notes }
}

/// The byte of a line at which its `column`th character begins, counted from 0; its end if it has fewer.
fn byte_of(line: &str, column: u32) -> usize {
    line.char_indices().nth(column as usize).map_or(line.len(), |(at, _)| at)
}

/// A place that its source has: beyond a line or the text it is the end; a point in Rust grows over the name there.
fn inside(source: &Source, place: &Place) -> Place {
    let mut place = place.clone();
    place.line = place.line.clamp(1, source.line_count());
    let line = source.line(place.line).unwrap_or_default();
    let columns = u32::try_from(line.chars().count()).unwrap_or(u32::MAX);
    place.column = place.column.clamp(1, columns.saturating_add(1));
    if place.length == 0 && place.file.ends_with(".rs") {
        let name =
            line.chars().skip(place.column as usize - 1).take_while(|c| c.is_alphanumeric() || *c == '_');
        place.length = u32::try_from(name.count()).unwrap_or(0);
    }
    place
}

impl File {
    fn element(&self) -> Element<'_> {
        let path = &*self.path;
        match &self.excerpt {
            Some(Excerpt { text, line, notes }) => {
                let notes =
                    notes.iter().map(|(kind, range, label)| kind.span(range.clone()).label(shown(label)));
                Snippet::source(text.as_str()).line_start(*line).path(path).annotations(notes).into()
            }
            None => {
                let Place { line, column, .. } = self.first;
                Origin::path(path).line(line as usize).char_column(column as usize).into()
            }
        }
    }
}

/// Text from files, without what would steer a terminal.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests;
