//! How old apt's lists of packages are.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Lists that are younger are believed: what they lack does not exist. Short, because a package may just have been
/// published.
const YOUNG: Duration = Duration::from_secs(5 * 60);

/// What apt's lists are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lists {
    /// There are none.
    Missing,
    /// The sources, or keys for them, were changed after the lists were fetched.
    Outdated,
    /// Fetched so long ago.
    Old(Duration),
    /// Fetched just now.
    Young,
}

impl Lists {
    pub(super) fn look(root: &Path) -> Self {
        let lists = root.join("var/lib/apt/lists");
        let fetched = fs::read_dir(&lists).is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                name.contains("_Packages") || name.ends_with("InRelease") || name.ends_with("_Release")
            })
        });
        if !fetched {
            return Self::Missing;
        }
        // apt leaves the server's times on the lists themselves; but each update works in this directory.
        let Some(time) = [lists.join("partial"), lists].iter().find_map(|path| changed(path)) else {
            return Self::Missing;
        };
        if sources(&root.join("etc/apt")) > Some(time) {
            return Self::Outdated;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let time = Duration::new(u64::try_from(time.0).unwrap_or_default(), 0);
        match now.checked_sub(time) {
            Some(age) if age >= YOUNG => Self::Old(age),
            Some(_) => Self::Young,
            // Of the future: the clock has jumped.
            None => Self::Outdated,
        }
    }

    /// Why what they lack may exist; `None` if they are to be believed.
    pub(crate) fn doubt(&self) -> Option<String> {
        match self {
            Self::Missing => Some("there are no package lists yet; apply fetches them".to_owned()),
            Self::Outdated => {
                Some("the package lists are older than apt's sources; apply refreshes them".to_owned())
            }
            Self::Old(age) => {
                Some(format!("the package lists are {} old; apply refreshes them", spell(*age)))
            }
            Self::Young => None,
        }
    }
}

/// `20 minutes`
fn spell(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    let (count, unit) = match minutes {
        0..120 => (minutes, "minute"),
        120..2880 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// When the newest of apt's sources and keys was changed.
fn sources(apt: &Path) -> Option<(i64, i64)> {
    let mut newest = changed(&apt.join("sources.list"));
    for directory in ["sources.list.d", "keyrings", "trusted.gpg.d"] {
        let directory = apt.join(directory);
        newest = newest.max(changed(&directory));
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            newest = newest.max(changed(&entry.path()));
        }
    }
    newest
}

/// When the content of a file, or the entries of a directory, changed last.
fn changed(path: &Path) -> Option<(i64, i64)> {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some((metadata.mtime(), metadata.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(path: &Path, seconds: u64) {
        let time = SystemTime::now() - Duration::from_secs(seconds);
        fs::File::open(path).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn lists_are_believed_while_they_are_young() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        assert_eq!(Lists::look(root.path()), Lists::Missing);
        fs::create_dir_all(path("var/lib/apt/lists/partial")).unwrap();
        fs::create_dir_all(path("etc/apt/sources.list.d")).unwrap();
        assert_eq!(Lists::look(root.path()), Lists::Missing);
        fs::write(path("var/lib/apt/lists/deb.example_dists_bookworm_InRelease"), "").unwrap();
        age(&path("etc/apt/sources.list.d"), 9000);
        assert_eq!(Lists::look(root.path()), Lists::Young);
        age(&path("var/lib/apt/lists/partial"), 8000);
        assert!(matches!(Lists::look(root.path()), Lists::Old(age) if age.as_secs() / 60 == 133));
        fs::write(path("etc/apt/sources.list.d/x.sources"), "").unwrap();
        assert_eq!(Lists::look(root.path()), Lists::Outdated);
    }

    #[test]
    fn ages_are_spelled() {
        let texts: Vec<_> =
            [60, 119 * 60, 120 * 60, 47 * 3600, 48 * 3600].map(Duration::from_secs).map(spell).into();
        assert_eq!(texts, ["1 minute", "119 minutes", "2 hours", "47 hours", "2 days"]);
        assert_eq!(Lists::Young.doubt(), None);
        assert_eq!(
            Lists::Old(Duration::from_secs(86400 * 3)).doubt().unwrap(),
            "the package lists are 3 days old; apply refreshes them"
        );
    }
}
