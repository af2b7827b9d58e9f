//! The files that a site is read from: how they are reached, and where a character of theirs stands.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Place};

/// The way to files. All reading goes through it: macros and the build helper implement it over the disk, tests over a
/// map. Paths are relative to the site, absolute, or begin with `~/`, and always use `/`.
pub trait Files {
    /// A file's content.
    ///
    /// # Errors
    /// Why it cannot be read, for people: `no such file`, `permission denied`.
    fn read(&mut self, path: &str) -> Result<Vec<u8>, String>;

    /// What is known of a file without reading it; `None`: it does not exist.
    fn metadata(&mut self, path: &str) -> Option<Metadata>;
}

/// What is known of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Whether it is a regular file (or a link to one).
    pub is_file: bool,
    /// Whether whoever builds may read it.
    pub readable: bool,
    /// Unix permissions (`0o600`), where the system has such.
    pub mode: Option<u32>,
}

/// The text of a file, with its lines.
///
/// A byte order mark is not part of the text; a line ends with `\n`, `\r\n` or `\r`, as YAML has it.
#[derive(Clone, Debug)]
pub struct Source {
    path: Arc<str>,
    text: String,
    /// Of each line the first byte and the one after the last, without its line break.
    lines: Vec<(usize, usize)>,
}

impl Source {
    /// From a file's bytes.
    ///
    /// # Errors
    /// The bytes are not UTF-8 text.
    pub fn new(path: impl Into<Arc<str>>, bytes: Vec<u8>) -> Result<Self, Box<Diagnostic>> {
        let path = path.into();
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::of_text(path, text)),
            Err(error) => Err(Box::new(not_utf8(path, error.utf8_error().valid_up_to(), error.as_bytes()))),
        }
    }

    /// From text.
    pub fn of_text(path: impl Into<Arc<str>>, mut text: String) -> Self {
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let lines = lines_of(&text);
        Self { path: path.into(), text, lines }
    }

    /// As the user would type it.
    pub fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many lines there are; never 0. After a final line break no further line begins.
    pub fn line_count(&self) -> u32 {
        u32::try_from(self.lines.len()).unwrap_or(u32::MAX)
    }

    /// A line without its line break; lines count from 1.
    pub fn line(&self, number: u32) -> Option<&str> {
        let index = (number as usize).checked_sub(1)?;
        let (start, end) = *self.lines.get(index)?;
        self.text.get(start..end)
    }

    /// The place of some bytes of the text, as far as it lies on one line. Ranges beyond the text give its end.
    pub fn place(&self, range: Range<usize>) -> Place {
        let start = self.boundary(range.start);
        let index = self.lines.partition_point(|(first, _)| *first <= start).saturating_sub(1);
        let (first, end) = self.lines.get(index).copied().unwrap_or((0, 0));
        let column = count(&self.text[first..start]) + 1;
        let stop = self.boundary(range.end).clamp(start, end.max(start));
        let line = u32::try_from(index + 1).unwrap_or(u32::MAX);
        Place::new(Arc::clone(&self.path), line, column, count(&self.text[start..stop]))
    }

    /// The byte of the text where a place begins; places beyond a line or the text give its end.
    pub fn offset(&self, place: &Place) -> usize {
        let index = (place.line.max(1) as usize - 1).min(self.lines.len() - 1);
        let (first, end) = self.lines[index];
        let line = &self.text[first..end];
        let column = place.column.max(1) as usize - 1;
        first + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
    }

    fn boundary(&self, mut at: usize) -> usize {
        at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

fn lines_of(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut lines = Vec::new();
    let mut first = 0;
    let mut at = 0;
    while at < bytes.len() {
        let length = match bytes[at] {
            b'\n' => 1,
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => 2,
            b'\r' => 1,
            _ => 0,
        };
        if length > 0 {
            lines.push((first, at));
            first = at + length;
        }
        at += length.max(1);
    }
    if first < bytes.len() || lines.is_empty() {
        lines.push((first, bytes.len()));
    }
    lines
}

fn not_utf8(path: Arc<str>, valid: usize, bytes: &[u8]) -> Diagnostic {
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let good = String::from_utf8_lossy(&bytes[..valid]).into_owned();
    let source = Source::of_text(path, good);
    let mut place = source.place(source.text.len()..source.text.len());
    // After a final line break the bad byte is the first of a line that the good part does not have.
    if source.text.ends_with(['\n', '\r']) {
        place.line += 1;
        place.column = 1;
    }
    let message = format!("`{}` is not UTF-8 text", source.path);
    let diagnostic = Diagnostic::error(Code::NOT_UTF8, message);
    if utf16 {
        diagnostic.at(place, "UTF-16 begins here").help("save the file as UTF-8")
    } else {
        let byte = bytes.get(valid).copied().unwrap_or_default();
        diagnostic
            .at(place, format!("byte 0x{byte:02x} is not UTF-8"))
            .help("save the file as UTF-8; bytes that are not text belong into a file of `files/`")
    }
}

/// Where drawing finds the text of a place.
pub trait Lookup {
    /// The text of a file that a place names, if it can be had.
    fn source(&mut self, path: &str) -> Option<Arc<Source>>;
}

/// A file that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// As the user would type it.
    pub path: Arc<str>,
    /// Whether it was there.
    pub found: bool,
}

/// The files of one run: each is read once, and all that were looked for are listed, also those that were not there.
pub struct Sources<'a> {
    files: &'a mut dyn Files,
    read: BTreeMap<Arc<str>, Result<Arc<Source>, Box<Diagnostic>>>,
    wanted: Vec<Wanted>,
}

impl<'a> Sources<'a> {
    /// Nothing read yet.
    pub fn new(files: &'a mut dyn Files) -> Self {
        Self { files, read: BTreeMap::new(), wanted: Vec::new() }
    }

    /// The text of a file.
    ///
    /// # Errors
    /// It cannot be read, or is not UTF-8.
    pub fn read(&mut self, path: &str) -> Result<Arc<Source>, Box<Diagnostic>> {
        if let Some(known) = self.read.get(path) {
            return known.clone();
        }
        let bytes = self.files.read(path);
        self.note(path, bytes.is_ok());
        let source = match bytes {
            Ok(bytes) => Source::new(path, bytes).map(Arc::new),
            Err(why) => {
                let why = why.trim_end_matches('.');
                let error = Diagnostic::error(Code::FILE_UNREADABLE, format!("cannot read `{path}`: {why}"))
                    .help(format!("create `{path}`, or correct its path where it is named"));
                Err(Box::new(error))
            }
        };
        self.read.insert(path.into(), source.clone());
        source
    }

    /// What is known of a file without reading it.
    pub fn metadata(&mut self, path: &str) -> Option<Metadata> {
        let metadata = self.files.metadata(path);
        self.note(path, metadata.is_some());
        metadata
    }

    /// All files that were looked for, in order.
    pub fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    fn note(&mut self, path: &str, found: bool) {
        if !self.wanted.iter().any(|wanted| &*wanted.path == path) {
            self.wanted.push(Wanted { path: path.into(), found });
        }
    }
}

/// Reads what was not read yet (Rust files, templates), without listing it.
impl Lookup for Sources<'_> {
    fn source(&mut self, path: &str) -> Option<Arc<Source>> {
        if let Some(known) = self.read.get(path) {
            return known.clone().ok();
        }
        let source = self.files.read(path).ok().and_then(|bytes| Source::new(path, bytes).ok()).map(Arc::new);
        if let Some(source) = &source {
            self.read.insert(path.into(), Ok(Arc::clone(source)));
        }
        source
    }
}

/// Why a file cannot be read, for people.
pub fn why(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "no such file".into(),
        ErrorKind::PermissionDenied => "permission denied".into(),
        ErrorKind::IsADirectory => "it is a directory".into(),
        _ => error.to_string().to_lowercase(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
