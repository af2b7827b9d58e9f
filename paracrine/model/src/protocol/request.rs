//! The first message: what the controller wants.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::frame::{Message, Phase};
use crate::hash::Hash;
use crate::late::LateValues;

/// The controller's first message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Opening {
    /// The agent's executable as the controller knows it; an agent that finds itself to be another does nothing.
    pub agent: Hash,
    /// What is wanted.
    pub request: Request,
}

impl Message for Opening {
    const PHASE: Phase = Phase::Request;
}

/// What is wanted of a host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// To look whether it is as its plan says, or to make it so. The plan follows, without a frame.
    Deploy(Box<Deploy>),
}

/// What goes before a plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deploy {
    /// Names the run on all of its hosts.
    pub run: RunId,
    /// `site/environment/host`: what the machine is deployed as. One that was deployed as another refuses.
    pub identity: String,
    /// Take the machine over even if it was deployed as another.
    pub adopt: bool,
    /// Only look, or change.
    pub mode: Mode,
    /// Seconds to wait for another run's lock.
    pub lock_wait: u32,
    /// Who runs this, for those who find the lock taken: `user@machine, commit …`.
    pub holder: String,
    /// The commit that the site was built from, if it is known.
    pub commit: Option<String>,
    /// What is known of the late values in the plan.
    pub values: LateValues,
    /// How many bytes of plan follow.
    pub plan: u32,
}

/// Whether a run changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Look and say what differs.
    Check,
    /// Make equal.
    Apply,
}

/// The name of a run. It sorts by the time at which the run began, and no other run has it.
///
/// `20261125-133005-1f9a83c2`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    const LONGEST: usize = 64;

    /// For a run that begins so many seconds after 1970 began; `random` is what tells it from others of that second.
    pub fn new(seconds: u64, random: u32) -> Self {
        let (days, of_day) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = date(days);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        Self(format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}-{random:08x}"))
    }

    /// The name as text: digits, small letters and `-`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The date so many days after 1 January 1970: by whole years and months, as nobody asks twice.
fn date(mut days: u64) -> (u64, u64, u64) {
    // Every 400 years have the same number of days.
    const ERA: u64 = 146_097;
    let mut year = 1970 + days / ERA * 400;
    days %= ERA;
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

/// The text is none that [`RunId::new`] makes, or could be a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRunId;

impl fmt::Display for NoRunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the name of a run")
    }
}

impl TryFrom<String> for RunId {
    type Error = NoRunId;

    fn try_from(text: String) -> Result<Self, NoRunId> {
        let good = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || byte == b'-';
        let begins = text.bytes().next().is_some_and(|first| first != b'-');
        if begins && text.len() <= Self::LONGEST && text.bytes().all(good) {
            Ok(Self(text))
        } else {
            Err(NoRunId)
        }
    }
}

impl From<RunId> for String {
    fn from(run: RunId) -> Self {
        run.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
