//! What a command cannot do, and what to do about it.

use paracrine_model::artifact::Broken;
use paracrine_model::diagnostic::nearest;
use paracrine_model::protocol::Failure;

use crate::report::{ERROR, HELP, escaped_line, escaped_lines};

/// Something that keeps a command from being done at all. House style: lower case, no full stop, names in `backticks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What is wrong.
    pub message: String,
    /// More about it, line by line.
    pub details: Vec<String>,
    /// What to do next.
    pub help: Vec<String>,
}

impl Problem {
    /// A problem that is told in a line.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), details: Vec::new(), help: Vec::new() }
    }

    /// Adds a line about it.
    #[must_use]
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds `did you mean …?` where one of the candidates is near, else what there is.
    #[must_use]
    pub(crate) fn nearest(self, word: &str, what: &str, candidates: &[&str]) -> Self {
        match nearest(word, candidates.iter().copied()) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None if candidates.is_empty() => self.help(format!("there are no {what}")),
            None => {
                let quoted: Vec<_> = candidates.iter().take(20).map(|name| format!("`{name}`")).collect();
                let more = if candidates.len() > 20 { ", …" } else { "" };
                self.help(format!("{what}: {}{more}", quoted.join(", ")))
            }
        }
    }

    /// As it is written to standard error.
    pub(crate) fn draw(&self) -> String {
        let mut drawn = format!("{ERROR}error:{ERROR:#} {}\n", escaped_line(&self.message));
        for detail in &self.details {
            drawn += &format!("  {}\n", escaped_lines(detail));
        }
        for help in &self.help {
            drawn += &format!("  {HELP}help:{HELP:#} {}\n", escaped_line(help));
        }
        drawn
    }
}

/// A compiled site that cannot be read.
impl From<Broken> for Problem {
    fn from(broken: Broken) -> Self {
        Self::new(broken.to_string()).help("build the site again")
    }
}

/// Something that keeps every host from being contacted.
impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let problem = Self::new(format!("{}; no host was contacted", failure.message));
        failure.help.into_iter().fold(problem, Self::help)
    }
}
