//! What systemd knows: the directives of its files, by what each value is parsed, and the words that those parsers take.
//! `tables/systemd.py` makes the tables from systemd's own.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use paracrine_model::deployment::Os;

/// A systemd that hosts may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Systemd {
    /// 252, of Debian 12.
    V252,
    /// 257, of Debian 13.
    V257,
}

impl Systemd {
    /// What a unit has to be good for: the oldest, where the inventory does not say which.
    pub(super) fn of(os: Os) -> Self {
        match os {
            Os::Debian | Os::Debian12 => Self::V252,
            Os::Debian13 => Self::V257,
        }
    }

    /// What it knows.
    pub(super) fn table(self) -> &'static Table {
        static V252: OnceLock<Table> = OnceLock::new();
        static V257: OnceLock<Table> = OnceLock::new();
        match self {
            Self::V252 => V252.get_or_init(|| Table::read(include_str!("systemd-252.txt"))),
            Self::V257 => V257.get_or_init(|| Table::read(include_str!("systemd-257.txt"))),
        }
    }
}

/// `systemd 252, of Debian 12,`
impl std::fmt::Display for Systemd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::V252 => "systemd 252, of Debian 12,",
            Self::V257 => "systemd 257, of Debian 13,",
        })
    }
}

/// What parses a value, by systemd's own name for it: `sec`, `bool`, `unit_deps`.
pub(super) type Parser = &'static str;

/// The sections of a file, their keys, and what parses the value of each.
pub(super) type Sections = BTreeMap<&'static str, BTreeMap<&'static str, Parser>>;

/// The tables of one systemd.
#[derive(Default)]
pub(super) struct Table {
    /// `unit`, `journald` and so on.
    files: BTreeMap<&'static str, Sections>,
    words: BTreeMap<Parser, Words>,
}

/// The words that a parser takes.
#[derive(Default)]
pub(super) struct Words {
    pub(super) all: Vec<&'static str>,
    /// Truth values as well.
    pub(super) truth: bool,
    /// Numbers as well.
    pub(super) numbers: bool,
}

impl Table {
    fn read(list: &'static str) -> Self {
        let mut table = Self::default();
        let (mut file, mut section) = ("", "");
        for line in list.lines() {
            let within = |start, end| line.strip_prefix(start).and_then(|rest: &str| rest.strip_suffix(end));
            if let Some(name) = within('{', '}') {
                file = name;
            } else if let Some(name) = within('[', ']') {
                section = name;
            } else if let Some(words) = line.strip_prefix("= ") {
                let mut all: Vec<&str> = words.split(' ').collect();
                let parser = all.remove(0);
                let mut take = |flag: &str| all.first() == Some(&flag) && !all.remove(0).is_empty();
                let (truth, numbers) = (take("boolean"), take("number"));
                table.words.insert(parser, Words { all, truth, numbers });
            } else {
                let sections = table.files.entry(file).or_default();
                match line.split_once(' ') {
                    Some((key, parser)) => {
                        sections.entry(section).or_default().insert(key, parser);
                    }
                    // All keys of a group.
                    None => {
                        let group = sections.get(line).cloned().unwrap_or_default();
                        sections.entry(section).or_default().extend(group);
                    }
                }
            }
        }
        table
    }

    /// The sections of a sort of files.
    pub(super) fn sections(&self, file: &str) -> &Sections {
        static NONE: Sections = Sections::new();
        self.files.get(file).unwrap_or(&NONE)
    }

    /// The words that a parser takes, if it takes only words.
    pub(super) fn words(&self, parser: &str) -> Option<&Words> {
        self.words.get(parser)
    }
}

/// In any case of their letters.
const TRUTH_VALUES: [&str; 12] = ["1", "yes", "y", "true", "t", "on", "0", "no", "n", "false", "f", "off"];

pub(super) fn is_truth_value(value: &str) -> bool {
    TRUTH_VALUES.contains(&value.to_lowercase().as_str())
}
