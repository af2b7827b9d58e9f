//! What a mutation is: one file of a site, changed at one place.

use std::fmt;
use std::ops::RangeInclusive;

/// A site with one change in one of its files.
#[derive(Clone, Debug)]
pub(crate) struct Mutation {
    /// The site.
    pub(crate) site: &'static str,
    /// The file, relative to the site.
    pub(crate) file: String,
    /// The line that was changed, from 1, in the changed file; of a line that was dropped, where it stood.
    pub(crate) line: u32,
    /// Of an argument, the line of the method that it is given to: what rustc tells a library.
    pub(crate) call: u32,
    /// Where the statement begins that it lies in.
    pub(crate) statement: u32,
    /// What was done, in a few words.
    pub(crate) operator: &'static str,
    /// What was taken, for people: `key`, `path`, `number`.
    pub(crate) spot: String,
    /// What is demanded of the build.
    pub(crate) demand: Demand,
    /// Words that are there no more or mean something else now.
    pub(crate) words: Vec<String>,
    /// The lines that went and that came.
    pub(crate) diff: (Vec<String>, Vec<String>),
    /// The changed file.
    pub(crate) text: String,
}

/// What is demanded of the build of a mutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// An error that names the line; of an argument that is not on the line of its method, one of the two.
    Line,
    /// An error that names the line, or one next to it: where brackets, quotes and indentation end is a matter of opinion.
    Near,
    /// Something that others refer to is gone, has another name or another type: an error that names the line, or a line that
    /// uses the word, or the word itself.
    Definition,
    /// Something is missing: an error that names a line of what it is missing in.
    Within(RangeInclusive<u32>),
    /// A name of something that the site does not hold (an account of a host, a key of the machine that deploys), or of a
    /// variable that not every host has: an error or a warning that names the line, or that of the statement.
    Told,
    /// Nothing; the outcome is counted.
    Nothing,
}

impl Mutation {
    /// `old` with one line replaced by others (none: dropped).
    #[expect(clippy::too_many_arguments, reason = "all that a mutation is; each stands in a call of its own")]
    pub(crate) fn replace(
        site: &'static str,
        file: &str,
        old: &str,
        line: usize,
        new: &[&str],
        operator: &'static str,
        spot: impl Into<String>,
        demand: Demand,
    ) -> Self {
        let mut lines: Vec<&str> = old.split('\n').collect();
        let was = lines[line];
        lines.splice(line..=line, new.iter().copied());
        let changed = new.iter().position(|new| *new != was).unwrap_or(0);
        let at = u32::try_from(line + changed + 1).unwrap_or(u32::MAX);
        Self {
            site,
            file: file.to_owned(),
            line: at,
            call: at,
            statement: at,
            operator,
            spot: spot.into(),
            demand,
            words: Vec::new(),
            diff: (vec![was.to_owned()], new.iter().map(|line| (*line).to_owned()).collect()),
            text: lines.join("\n"),
        }
    }

    /// `old` with the bytes `range` of a line replaced.
    #[expect(clippy::too_many_arguments, reason = "as above")]
    pub(crate) fn splice(
        site: &'static str,
        file: &str,
        old: &str,
        (line, range): (usize, std::ops::Range<usize>),
        new: &str,
        operator: &'static str,
        spot: impl Into<String>,
        demand: Demand,
    ) -> Self {
        let was = old.split('\n').nth(line).unwrap_or_default();
        let word = was[range.clone()].trim_matches(['"', '\'']).to_owned();
        let changed = format!("{}{new}{}", &was[..range.start], &was[range.end..]);
        let mut mutation = Self::replace(site, file, old, line, &[&changed], operator, spot, demand);
        mutation.words = vec![word];
        mutation.words.push(new.trim_matches(['"', '\'']).to_owned());
        mutation
    }

    /// Adds a word that went.
    pub(crate) fn word(mut self, word: &str) -> Self {
        self.words.push(word.to_owned());
        self
    }
}

/// As a small diff.
impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}/{}:{}: {} ({})", self.site, self.file, self.line, self.operator, self.spot)?;
        let (gone, new) = &self.diff;
        gone.iter().try_for_each(|line| writeln!(f, "  - {line}"))?;
        new.iter().try_for_each(|line| writeln!(f, "  + {line}"))
    }
}

/// Numbers that look random and are always the same: the mutator's choices.
pub(crate) struct Dice(u64);

impl Dice {
    /// From a seed; of texts, so that a change in one file does not change the choices in others.
    pub(crate) fn new(seed: &str) -> Self {
        Self(seed.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}
