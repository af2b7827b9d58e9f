//! Secrets at run time: their values, from their providers to the hosts that use them.
//!
//! A value is read once, lives in memory, and goes into [`LateValues`] of the hosts whose plans consume it. It is
//! never an argument of a program, never in an error and never shown; [`Mask`] masks what comes back.

mod provider;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use paracrine_model::late::{Late, LateValues};
use paracrine_model::secret::{Provider, SecretSource};

pub(crate) use paracrine_model::mask::Mask;
pub(crate) use provider::Providers;

/// At most so many programs are asked at once.
const AT_ONCE: usize = 8;

/// The values of the secrets that a run uses.
#[derive(Clone, Default)]
pub(crate) struct Resolved(BTreeMap<SecretSource, String>);

/// Names, never values.
impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys().map(|source| &source.name)).finish()
    }
}

impl Resolved {
    /// What is known of these late values.
    pub(crate) fn of(&self, lates: &[Late]) -> LateValues {
        let mut values = LateValues::default();
        for late in lates {
            match late {
                Late::Secret(source) => {
                    if let Some(value) = self.0.get(source) {
                        values.insert(late.clone(), value.clone());
                    }
                }
                // Until its host has told it.
                Late::Signal(_) => values.insert_unknown(late.clone()),
            }
        }
        values
    }
}

/// A secret whose value is not to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Which secret.
    pub source: SecretSource,
    /// Why; lower case, no full stop.
    pub why: String,
    /// What to do.
    pub help: String,
}

/// `secret DB_PASSWORD (!env PROD_DB_PASSWORD): the environment variable is not set`
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret {} ({}): {}", self.source.name, self.source.provider, self.why)
    }
}

/// Asks each provider once for the values of `secrets`.
///
/// # Errors
/// All secrets whose value is not to be had.
pub(crate) fn resolve(
    secrets: BTreeSet<SecretSource>,
    providers: &Providers,
) -> Result<Resolved, Vec<Missing>> {
    let mut names: BTreeMap<Provider, Vec<SecretSource>> = BTreeMap::new();
    for source in secrets {
        names.entry(source.provider.clone()).or_default().push(source);
    }
    let all: Vec<(Provider, Vec<SecretSource>)> = names.into_iter().collect();
    let mut resolved = Resolved::default();
    let mut missing = Vec::new();
    for some in all.chunks(AT_ONCE) {
        let answers: Vec<_> = std::thread::scope(|scope| {
            let asked: Vec<_> =
                some.iter().map(|(provider, _)| scope.spawn(move || providers.value(provider))).collect();
            asked.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
        });
        for ((_, sources), answer) in some.iter().zip(answers) {
            let answer = answer
                .unwrap_or_else(|_| Err(provider::Why::new("its provider could not be asked", "try again")));
            for source in sources {
                match &answer {
                    Ok(value) => {
                        resolved.0.insert(source.clone(), value.clone());
                    }
                    Err(why) => missing.push(Missing {
                        source: source.clone(),
                        why: why.message.clone(),
                        help: why.help.clone(),
                    }),
                }
            }
        }
    }
    if missing.is_empty() {
        Ok(resolved)
    } else {
        missing.sort_by(|a, b| a.source.cmp(&b.source));
        Err(missing)
    }
}
