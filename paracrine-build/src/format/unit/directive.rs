//! The keys that systemd knows, and what some of them may say.

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

/// The keys of each section, and whether they are truth values.
pub(super) type Sections = BTreeMap<&'static str, BTreeMap<&'static str, bool>>;

/// What `systemd --dump-configuration-items` of that systemd lists.
pub(super) fn known(systemd: Systemd) -> &'static Sections {
    static V252: OnceLock<Sections> = OnceLock::new();
    static V257: OnceLock<Sections> = OnceLock::new();
    match systemd {
        Systemd::V252 => V252.get_or_init(|| sections(include_str!("systemd-252.txt"))),
        Systemd::V257 => V257.get_or_init(|| sections(include_str!("systemd-257.txt"))),
    }
}

fn sections(list: &'static str) -> Sections {
    let mut sections = Sections::new();
    let mut section = "";
    for line in list.lines() {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => section = name,
            None => {
                let (key, boolean) = line.strip_suffix(" boolean").map_or((line, false), |key| (key, true));
                sections.entry(section).or_default().insert(key, boolean);
            }
        }
    }
    sections
}

/// The words that a key may say.
pub(super) struct Words {
    pub(super) always: &'static [&'static str],
    /// Those that only systemd 257 knows.
    pub(super) since_257: &'static [&'static str],
}

/// In any case of their letters.
const TRUTH_VALUES: &[&str] = &["1", "yes", "y", "true", "t", "on", "0", "no", "n", "false", "f", "off"];

impl Words {
    /// Whether a value is one of those that every systemd knows.
    pub(super) fn have(&self, value: &str) -> bool {
        match self.are_truth_values() {
            true => self.always.contains(&value.to_lowercase().as_str()),
            false => self.always.contains(&value),
        }
    }

    pub(super) fn are_truth_values(&self) -> bool {
        self.always == TRUTH_VALUES
    }
}

/// The words of a key that takes only some; `boolean`: as far as [`known`] says, truth values.
pub(super) fn words(section: &str, key: &str, boolean: bool) -> Option<Words> {
    let (always, since_257): (&[&str], &[&str]) = match (section, key) {
        ("Service", "Type") => {
            (&["simple", "exec", "forking", "oneshot", "dbus", "notify", "idle"], &["notify-reload"])
        }
        ("Service", "Restart") => {
            (&["no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"], &[])
        }
        ("Service", "RestartMode") => (&["normal", "direct"], &[]),
        (_, "KillMode") => (&["control-group", "process", "mixed", "none"], &[]),
        (_, "PrivateTmp") => (TRUTH_VALUES, &["disconnected"]),
        (_, "PrivateUsers") => (TRUTH_VALUES, &["self", "identity"]),
        (_, "ProtectControlGroups") => (TRUTH_VALUES, &["private", "strict"]),
        _ if boolean => (TRUTH_VALUES, &[]),
        _ => return None,
    };
    Some(Words { always, since_257 })
}
