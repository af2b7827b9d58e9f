//! The formats of passwd(5), group(5) and nsswitch.conf(5).

use super::Group;

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) comment: String,
    pub(super) home: String,
    pub(super) shell: String,
}

/// The users. Lines that are none (comments, NIS's `+`, cut-off ones) are skipped, as the C library does.
pub(super) fn passwd(text: &str) -> Vec<Entry> {
    text.lines()
        .filter_map(|line| {
            let fields: [&str; 7] = fields(line)?;
            let [name, _, uid, gid, comment, home, shell] = fields;
            Some(Entry {
                name: name.to_owned(),
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
                comment: comment.to_owned(),
                home: home.to_owned(),
                shell: shell.to_owned(),
            })
        })
        .collect()
}

/// The groups; see [`passwd`].
pub(super) fn group(text: &str) -> Vec<Group> {
    text.lines()
        .filter_map(|line| {
            let fields: [&str; 4] = fields(line)?;
            let [name, _, gid, members] = fields;
            let members = members.split(',').map(str::trim).filter(|member| !member.is_empty());
            Some(Group {
                name: name.to_owned(),
                gid: Some(gid.parse().ok()?),
                members: members.map(str::to_owned).collect(),
            })
        })
        .collect()
}

fn fields<const N: usize>(line: &str) -> Option<[&str; N]> {
    if line.starts_with(['#', '+', '-', ':']) || line.trim().is_empty() {
        return None;
    }
    line.split(':').collect::<Vec<_>>().try_into().ok()
}

/// Whether users or groups may come from elsewhere than the files: LDAP, SSS, winbind, NIS. systemd's own module only
/// adds users that units make for themselves while they run.
pub(super) fn asks_directories(nsswitch: &str) -> bool {
    nsswitch.lines().any(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let Some((database, sources)) = line.split_once(':') else {
            return false;
        };
        let mut in_action = false;
        matches!(database.trim(), "passwd" | "group" | "initgroups")
            && sources.split_whitespace().any(|word| {
                // `[NOTFOUND=return]`, perhaps with blanks in it.
                let action = in_action || word.starts_with('[');
                in_action = action && !word.ends_with(']');
                !action && !matches!(word, "files" | "compat" | "systemd" | "db")
            })
    })
}
