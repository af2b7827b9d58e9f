//! What a format says of a file: findings, not yet placed.

use paracrine_model::diagnostic::{Code, Severity, nearest};

/// Stands for a late value in a text that is looked at.
pub(crate) const LATE: char = '\u{fdd0}';

/// Something that is wrong in a content, or with the file around it.
#[derive(Clone)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) code: Code,
    pub(crate) message: String,
    /// From 1; `None`: it concerns all of the content.
    pub(crate) line: Option<u32>,
    /// What in the line is wrong; where it stands is looked up.
    pub(crate) word: String,
    pub(crate) help: Vec<String>,
}

impl Finding {
    pub(super) fn error(code: Code, line: u32, word: &str, message: impl Into<String>) -> Self {
        Self { line: Some(line), word: word.to_owned(), ..Self::whole(code, message) }
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
        match nearest(word, words) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }
}

/// What came of looking at a content: what is wrong in it, and the accounts that it names with their lines.
#[derive(Default)]
pub(crate) struct Look {
    pub(crate) findings: Vec<Finding>,
    pub(crate) users: Vec<(u32, String)>,
    pub(crate) groups: Vec<(u32, String)>,
}

/// Why a word is no value of its key: the reason, the piece that is wrong, and what might help.
pub(super) struct Unfit {
    pub(super) why: String,
    pub(super) piece: String,
    pub(super) help: Option<String>,
}

impl Unfit {
    pub(super) fn new(piece: &str, why: impl Into<String>) -> Self {
        Self { why: why.into(), piece: piece.to_owned(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn nearest<'a>(self, word: &str, words: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(word, words) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }
}
