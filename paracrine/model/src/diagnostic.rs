//! What is wrong, where, and what to do about it: collected as data, drawn later.
//!
//! A [`Diagnostic`] knows places in files, never how they are shown; [`Diagnostics`] collects all of a run.

mod code;
#[cfg(feature = "build")]
pub mod draw;
#[cfg(feature = "build")]
pub mod format;
mod nearest;
mod place;

use std::collections::{HashMap, HashSet};

pub use code::Code;
pub use nearest::{is_slip, nearest};
pub use place::Place;

/// How bad a [`Diagnostic`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The site does not build.
    Error,
    /// The site builds; somebody should look.
    Warning,
}

/// A place with what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where.
    pub place: Place,
    /// What is there; short, no full stop.
    pub label: String,
}

/// One problem: a message, where it is, the other places that matter, and what to do.
///
/// House style: a message starts in lower case and does not end in a full stop; names are in `backticks`.
///
/// ```
/// use paracrine_model::diagnostic::{Code, Diagnostic, Place};
/// let d = Diagnostic::error(Code::UNKNOWN_KEY, "unknown key `ssh_prot`")
///     .at(Place::new("inventory/dev.yaml", 4, 7, 8), "not a key of a server")
///     .help("did you mean `ssh_port`?");
/// assert_eq!(d.to_string(), "inventory/dev.yaml:4:7: error[P0110]: unknown key `ssh_prot`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// The entry of the catalogue.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// Where it is wrong; absent only where no file is to blame.
    pub primary: Option<Note>,
    /// Other places that matter: the other environment, the first declaration.
    pub related: Vec<Note>,
    /// What to do next, one line each.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message.into())
    }

    /// A warning.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message.into())
    }

    fn new(severity: Severity, code: Code, message: String) -> Self {
        debug_assert!(!message.ends_with('.'), "a message does not end in a full stop: {message}");
        Self { severity, code, message, primary: None, related: Vec::new(), help: Vec::new() }
    }

    /// Says where it is wrong.
    #[must_use]
    pub fn at(mut self, place: Place, label: impl Into<String>) -> Self {
        self.primary = Some(Note { place, label: label.into() });
        self
    }

    /// Adds another place that matters.
    #[must_use]
    pub fn related(mut self, place: Place, label: impl Into<String>) -> Self {
        self.related.push(Note { place, label: label.into() });
        self
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds `did you mean …?` where one of the candidates is near.
    #[must_use]
    pub fn nearest<'a>(self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(word, candidates) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }
}

/// The short form: `file:line:column: error[P0110]: message`.
impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(Note { place, .. }) = &self.primary {
            write!(f, "{place}: ")?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}[{}]: {}", self.code, self.message)
    }
}

/// All problems of one run, in the order in which they were found.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    all: Vec<Diagnostic>,
    /// What makes one the same as another.
    known: HashSet<(Severity, Code, String, Option<Place>)>,
}

impl Diagnostics {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem; one that is there already (same severity, code, place and message) is not added again.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let place = diagnostic.primary.as_ref().map(|note| note.place.clone());
        if self.known.insert((diagnostic.severity, diagnostic.code, diagnostic.message.clone(), place)) {
            self.all.push(diagnostic);
        }
    }

    /// Adds all of another run.
    pub fn extend(&mut self, others: impl IntoIterator<Item = Diagnostic>) {
        for other in others {
            self.push(other);
        }
    }

    /// What is the same at many places is said once: with the first of them, and how many there are. Programs that write
    /// files repeat themselves.
    #[must_use]
    pub fn grouped(self) -> Self {
        /// Up to so many are told one by one.
        const FEW: usize = 3;
        let key = |d: &Diagnostic| {
            let file = d.primary.as_ref().map(|note| note.place.file.to_string());
            (d.severity, d.code, without_owner(&d.message).to_owned(), d.help.len(), file)
        };
        let mut counts: HashMap<_, usize> = HashMap::new();
        for diagnostic in &self.all {
            *counts.entry(key(diagnostic)).or_default() += 1;
        }
        let mut grouped = Self::new();
        let mut told: HashMap<_, usize> = HashMap::new();
        for diagnostic in self.all {
            let key = key(&diagnostic);
            let count = counts.get(&key).copied().unwrap_or(1);
            if count <= FEW {
                grouped.push(diagnostic);
                continue;
            }
            match told.get(&key) {
                None => {
                    told.insert(key, grouped.all.len());
                    let more = count - 1;
                    grouped.push(
                        diagnostic.help(format!("the same is wrong at {more} more places of this file")),
                    );
                }
                Some(at) => {
                    let first = grouped.all.get_mut(*at).filter(|first| first.related.len() < FEW);
                    if let (Some(first), Some(note)) = (first, diagnostic.primary) {
                        first.related.push(Note { place: note.place, label: "and here".to_owned() });
                    }
                }
            }
        }
        grouped
    }

    /// Whether anything here keeps the site from building.
    pub fn has_errors(&self) -> bool {
        self.all.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All, in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.all.iter()
    }

    /// All, for showing: errors before warnings, and each in the order of file and line.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.all.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.severity, d.primary.as_ref().map(|p| p.place.clone()));
            key(a).cmp(&key(b))
        });
        self.all
    }
}

/// A message without the server that it is about: ``server `web1` has no `ssh_hostname` ``.
fn without_owner(message: &str) -> &str {
    message.strip_prefix("server `").and_then(|rest| rest.split_once("` ")).map_or(message, |(_, rest)| rest)
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.all.into_iter()
    }
}
