//! Late values: what is known only at run time; secret or public, known or not before an apply.
//!
//! | | public | secret |
//! | --- | --- | --- |
//! | known | shown by value | `‹secret DB_PASSWORD›` |
//! | unknown until applied | `‹wg_pub of db1: known after apply›` | `‹secret wg_key of db1: known after apply›` |
//!
//! Masks, exposure checks, modes and what is shown of old files follow [`Late::is_secret`], never that a value is late.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::secret::SecretSource;

/// A value that is known only at run time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Late {
    /// The value of a secret, from its provider.
    Secret(SecretSource),
    /// A value that is read on a host.
    Signal(Signal),
}

/// A value that is read on one host and used in plans of that or others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Signal {
    /// What it is called: `wg_pub`.
    pub name: String,
    /// The host that it is read on.
    pub host: String,
    /// Whether only the hosts that use it may know it.
    pub secret: bool,
}

impl Late {
    /// Whether its value may be shown to nobody.
    pub fn is_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            Self::Signal(signal) => signal.secret,
        }
    }

    /// What it is called: `DB_PASSWORD`, `wg_pub of db1`.
    pub fn name(&self) -> String {
        match self {
            Self::Secret(source) => source.name.clone(),
            Self::Signal(Signal { name, host, .. }) => format!("{name} of {host}"),
        }
    }

    /// How it is shown where its value is not: `‹secret DB_PASSWORD›`, `‹wg_pub of db1›`; with a word about it, `‹another
    /// secret DB_PASSWORD›`.
    pub fn mark(&self, word: &str) -> String {
        let space = if word.is_empty() { "" } else { " " };
        let secret = if self.is_secret() { "secret " } else { "" };
        format!("‹{word}{space}{secret}{}›", self.name())
    }

    /// How it is shown while it is not known: `‹wg_pub of db1: known after apply›`.
    pub fn mark_of_unknown(&self) -> String {
        self.mark("").replacen('›', ": known after apply›", 1)
    }
}

/// Its mark: never its value.
impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.mark(""))
    }
}

/// Its mark, as whatever is shown may end in something that is deployed.
impl fmt::Debug for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The first mark of a secret in text: something that was shown, where the secret itself should have been placed.
pub fn mark_of_secret(text: &str) -> Option<&str> {
    text.match_indices('‹').find_map(|(at, open)| {
        let mark = &text[at..at + text[at..].find('›')? + '›'.len_utf8()];
        let inside = &mark[open.len()..];
        // `secret DB_PASSWORD`, `another secret DB_PASSWORD`
        let mut words = inside.split(' ').take(3);
        let says = words.next() == Some("secret") || words.next() == Some("secret");
        (says && words.next().is_some()).then_some(mark)
    })
}

/// What is known of a late value at run time. It has no `Debug`, as it may be a secret's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LateValue {
    /// The value.
    Known(String),
    /// There is none before an apply has made it.
    Unknown,
}

/// What is known of the late values that one host uses. Values are never printed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateValues(BTreeMap<Late, LateValue>);

impl LateValues {
    /// Adds a known value.
    pub fn insert(&mut self, late: Late, value: String) {
        self.0.insert(late, LateValue::Known(value));
    }

    /// Adds one that there will be only when an apply has made it. A value that is known stays known.
    pub fn insert_unknown(&mut self, late: Late) {
        self.0.entry(late).or_insert(LateValue::Unknown);
    }

    /// Adds values that arrived later: they take the place of older ones, but what is known does not become unknown.
    pub fn learn(&mut self, later: Self) {
        for (late, value) in later.0 {
            match value {
                LateValue::Known(value) => self.insert(late, value),
                LateValue::Unknown => self.insert_unknown(late),
            }
        }
    }

    /// What is known of it; `None` where it was never resolved.
    pub fn state(&self, late: &Late) -> Option<&LateValue> {
        self.0.get(late)
    }

    /// Its value, if it is known.
    pub fn get(&self, late: &Late) -> Option<&str> {
        match self.0.get(late)? {
            LateValue::Known(value) => Some(value),
            LateValue::Unknown => None,
        }
    }

    /// Whether it is known only after an apply.
    pub fn is_unknown(&self, late: &Late) -> bool {
        matches!(self.0.get(late), Some(LateValue::Unknown))
    }

    /// All known values.
    pub fn iter(&self) -> impl Iterator<Item = (&Late, &str)> {
        self.0.iter().filter_map(|(late, value)| match value {
            LateValue::Known(value) => Some((late, value.as_str())),
            LateValue::Unknown => None,
        })
    }

    /// The known values that nobody may see, for masking them.
    pub fn secrets(&self) -> impl Iterator<Item = (&Late, &str)> {
        self.iter().filter(|(late, _)| late.is_secret())
    }
}

/// Names, never values.
impl fmt::Debug for LateValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys().map(ToString::to_string)).finish()
    }
}

/// Why a late text has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// A value in it is known only after an apply.
    Unknown(Late),
    /// A value in it was never resolved, which is a mistake of whoever runs the plan.
    Missing(Late),
}

#[cfg(test)]
mod tests;
