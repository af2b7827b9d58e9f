//! Whether what was said of a mutation tells where it is.

use crate::mutation::{Demand, Mutation};

/// One problem that the build reported.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// An error, not a warning.
    pub(crate) error: bool,
    /// In short.
    pub(crate) message: String,
    /// All places that it names: files relative to the site or longer, and lines.
    pub(crate) places: Vec<(String, u32)>,
}

/// What came of a mutation; the first that is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Verdict {
    /// An error names the line.
    Line,
    /// An error names the line of the method that the changed argument is given to.
    Call,
    /// An error names a line of what now lacks something.
    Within,
    /// An error names a line that uses what is gone or changed.
    Use,
    /// An error names what is gone or changed.
    Word,
    /// An error names a line next to it.
    Near,
    /// A warning names the line.
    Warned,
    /// The types of values have changed: what becomes of it, rustc says.
    Types,
    /// There are errors, about something else.
    Elsewhere,
    /// It builds.
    Builds,
}

impl Verdict {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::Line,
        Self::Call,
        Self::Within,
        Self::Use,
        Self::Word,
        Self::Near,
        Self::Warned,
        Self::Types,
        Self::Elsewhere,
        Self::Builds,
    ];

    /// Whether it is what was demanded.
    pub(crate) fn keeps(self, demand: &Demand) -> bool {
        match demand {
            Demand::Line => matches!(self, Self::Line | Self::Call),
            Demand::Near => matches!(self, Self::Line | Self::Near),
            Demand::Definition => matches!(self, Self::Line | Self::Use | Self::Word),
            Demand::Within(_) => matches!(self, Self::Line | Self::Within | Self::Use | Self::Word),
            Demand::Told => matches!(self, Self::Line | Self::Call | Self::Use | Self::Word | Self::Warned),
            Demand::Nothing => true,
        }
    }
}

/// What came of a mutation; `line` gives a line of a file of the changed site.
pub(crate) fn verdict(
    mutation: &Mutation,
    said: &[Said],
    line: &dyn Fn(&str, u32) -> Option<String>,
) -> Verdict {
    let is_it = |file: &str| file == mutation.file || file.ends_with(&format!("/{}", mutation.file));
    let places =
        |error: bool| said.iter().filter(move |said| said.error == error).flat_map(|said| &said.places);
    if places(true).any(|(file, at)| is_it(file) && *at == mutation.line) {
        return Verdict::Line;
    }
    if places(true).any(|(file, at)| is_it(file) && *at == mutation.call) {
        return Verdict::Call;
    }
    let missing = match &mutation.demand {
        Demand::Within(range) => places(true).any(|(file, at)| is_it(file) && range.contains(at)),
        _ => false,
    };
    if missing {
        return Verdict::Within;
    }
    let near = || places(true).any(|(file, at)| is_it(file) && at.abs_diff(mutation.line) <= 1);
    if mutation.demand == Demand::Near && near() {
        return Verdict::Near;
    }
    let plain = |text: &str| {
        text.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect::<String>()
    };
    let words: Vec<String> =
        mutation.words.iter().map(|word| plain(word)).filter(|word| !word.is_empty()).collect();
    let types = said.iter().any(|said| said.error && said.message.contains("when `site!` read it"));
    if types {
        return Verdict::Types;
    }
    let uses = |text: &str| {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        text.split(|c| !is_part(c)).any(|part| words.contains(&plain(part)))
    };
    if places(true).any(|(file, at)| line(file, *at).is_some_and(|text| uses(&text))) {
        return Verdict::Use;
    }
    if said.iter().any(|said| said.error && uses(&said.message)) {
        return Verdict::Word;
    }
    if near() {
        return Verdict::Near;
    }
    if said.iter().any(|said| said.error) {
        return Verdict::Elsewhere;
    }
    let warned =
        places(false).any(|(file, at)| is_it(file) && (mutation.statement..=mutation.line).contains(at));
    if warned { Verdict::Warned } else { Verdict::Builds }
}
