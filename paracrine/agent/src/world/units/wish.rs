//! What the plan's tasks want of units, known before the first of them is looked at.

use std::time::Duration;

/// What a task wants of a unit; `None` where it has no say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Starts at boot.
    pub(crate) enabled: Option<bool>,
    /// Runs.
    pub(crate) running: Option<bool>,
    /// Cannot be started.
    pub(crate) masked: Option<bool>,
    /// For how long it has to stay once it was started.
    pub(crate) settled_for: Option<Duration>,
}

impl Wish {
    /// Whether it should do less than it may do.
    pub(crate) fn wants_less(&self) -> bool {
        self.enabled == Some(false) || self.running == Some(false)
    }

    /// In which words this and another wish for the same unit contradict each other, if they do.
    pub(crate) fn contradicts(&self, other: &Self) -> Option<(&'static str, &'static str)> {
        const WORDS: [(&str, &str); 3] =
            [("enabled", "disabled"), ("running", "stopped"), ("masked", "unmasked")];
        let (ours, theirs) = (self.all(), other.all());
        for ((ours, theirs), (yes, no)) in ours.into_iter().zip(theirs).zip(WORDS) {
            match (ours, theirs) {
                (Some(true), Some(false)) => return Some((yes, no)),
                (Some(false), Some(true)) => return Some((no, yes)),
                _ => {}
            }
        }
        let starts = |wish: &Self| match wish {
            Self { running: Some(true), .. } => Some("running"),
            Self { enabled: Some(true), .. } => Some("enabled"),
            _ => None,
        };
        match (self.masked, other.masked) {
            (Some(true), _) => starts(other).map(|word| ("masked", word)),
            (_, Some(true)) => starts(self).map(|word| (word, "masked")),
            _ => None,
        }
    }

    fn all(&self) -> [Option<bool>; 3] {
        [self.enabled, self.running, self.masked]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_contradict_each_other_only_where_both_have_a_say() {
        let wish = |text: &str| {
            let mut wish = Wish::default();
            for word in text.split_whitespace() {
                match word {
                    "enabled" => wish.enabled = Some(true),
                    "disabled" => wish.enabled = Some(false),
                    "running" => wish.running = Some(true),
                    "stopped" => wish.running = Some(false),
                    "masked" => wish.masked = Some(true),
                    _ => wish.masked = Some(false),
                }
            }
            wish
        };
        for (one, other, contradiction) in [
            ("enabled running", "enabled", None),
            ("enabled", "running", None),
            ("enabled", "stopped", None),
            ("", "disabled stopped", None),
            ("enabled running", "disabled", Some(("enabled", "disabled"))),
            ("stopped", "enabled running", Some(("stopped", "running"))),
            ("masked stopped", "enabled", Some(("masked", "enabled"))),
            ("running", "masked", Some(("running", "masked"))),
            ("masked", "unmasked", Some(("masked", "unmasked"))),
            ("masked stopped", "disabled", None),
        ] {
            assert_eq!(wish(one).contradicts(&wish(other)), contradiction, "{one} / {other}");
        }
    }
}
