//! Users and groups that tasks name: those of a fresh Debian, those of packages, those that the plan makes.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use paracrine_model::diagnostic::{Code, Diagnostic, is_slip};
use paracrine_model::facet::{Claim, Facets, Need, Provided};
use paracrine_model::plan::Task;

use super::host_check::HostCheck;

/// The users of a fresh Debian 12.
const USERS: [&str; 24] = [
    "root",
    "daemon",
    "bin",
    "sys",
    "sync",
    "games",
    "man",
    "lp",
    "mail",
    "news",
    "uucp",
    "proxy",
    "www-data",
    "backup",
    "list",
    "irc",
    "_apt",
    "nobody",
    "systemd-network",
    "systemd-resolve",
    "systemd-timesync",
    "messagebus",
    "sshd",
    "polkitd",
];

/// The groups of a fresh Debian 12.
const GROUPS: [&str; 51] = [
    "root",
    "daemon",
    "bin",
    "sys",
    "adm",
    "tty",
    "disk",
    "lp",
    "mail",
    "news",
    "uucp",
    "man",
    "proxy",
    "kmem",
    "dialout",
    "fax",
    "voice",
    "cdrom",
    "floppy",
    "tape",
    "sudo",
    "audio",
    "dip",
    "www-data",
    "backup",
    "operator",
    "list",
    "irc",
    "src",
    "shadow",
    "utmp",
    "video",
    "sasl",
    "plugdev",
    "staff",
    "games",
    "users",
    "nogroup",
    "systemd-journal",
    "systemd-network",
    "systemd-resolve",
    "systemd-timesync",
    "messagebus",
    "_ssh",
    "input",
    "sgx",
    "kvm",
    "render",
    "crontab",
    "netdev",
    "polkitd",
];

/// Users and groups that packages of Debian make, or what they depend on: each line a package and its accounts. Made by
/// `tables/accounts.py`.
fn of_packages() -> &'static HashMap<&'static str, Vec<&'static str>> {
    static KNOWN: OnceLock<HashMap<&str, Vec<&str>>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let lines = include_str!("accounts/packages.txt").lines().chain(ELSEWHERE);
        lines
            .filter_map(|line| {
                let mut words = line.split(' ');
                Some((words.next()?, words.collect()))
            })
            .collect()
    })
}

/// The same of packages that are not in Debian.
const ELSEWHERE: [&str; 6] = [
    "containerd.io",
    "docker-ce docker",
    "grafana grafana",
    "mysql-server mysql",
    "nginx-full",
    "telegraf telegraf",
];

/// Packages of Debian that make none, nor does what they depend on: those that are declared most.
const NONE: [&str; 64] = [
    "acl",
    "apt-transport-https",
    "attr",
    "bash-completion",
    "borgbackup",
    "build-essential",
    "busybox",
    "bzip2",
    "ca-certificates",
    "certbot",
    "cron",
    "curl",
    "dnsutils",
    "ethtool",
    "fail2ban",
    "file",
    "gettext-base",
    "git",
    "gnupg",
    "htop",
    "iftop",
    "iotop",
    "iperf3",
    "iproute2",
    "iptables",
    "iputils-ping",
    "jq",
    "less",
    "locales",
    "logrotate",
    "lsof",
    "man-db",
    "mc",
    "moreutils",
    "mtr-tiny",
    "nano",
    "ncdu",
    "net-tools",
    "netcat-openbsd",
    "nftables",
    "nginx",
    "nginx-light",
    "openssl",
    "parted",
    "procps",
    "psmisc",
    "python3",
    "restic",
    "rsync",
    "screen",
    "smartmontools",
    "sqlite3",
    "strace",
    "sudo",
    "sysstat",
    "tcpdump",
    "tmux",
    "traceroute",
    "tree",
    "unattended-upgrades",
    "unzip",
    "vim",
    "wget",
    "wireguard-tools",
];

/// Whether it is known which accounts a package makes.
pub(super) fn is_known(package: &str) -> bool {
    let bare = bare(package);
    NONE.contains(&bare) || of_packages().get(bare).is_some_and(|accounts| !accounts.contains(&"?"))
}

/// The ids that every Debian gives to these (base-passwd).
const UIDS: [(u32, &str); 18] = [
    (0, "root"),
    (1, "daemon"),
    (2, "bin"),
    (3, "sys"),
    (4, "sync"),
    (5, "games"),
    (6, "man"),
    (7, "lp"),
    (8, "mail"),
    (9, "news"),
    (10, "uucp"),
    (13, "proxy"),
    (33, "www-data"),
    (34, "backup"),
    (38, "list"),
    (39, "irc"),
    (42, "_apt"),
    (65534, "nobody"),
];
const GIDS: [(u32, &str); 38] = [
    (0, "root"),
    (1, "daemon"),
    (2, "bin"),
    (3, "sys"),
    (4, "adm"),
    (5, "tty"),
    (6, "disk"),
    (7, "lp"),
    (8, "mail"),
    (9, "news"),
    (10, "uucp"),
    (12, "man"),
    (13, "proxy"),
    (15, "kmem"),
    (20, "dialout"),
    (21, "fax"),
    (22, "voice"),
    (24, "cdrom"),
    (25, "floppy"),
    (26, "tape"),
    (27, "sudo"),
    (29, "audio"),
    (30, "dip"),
    (33, "www-data"),
    (34, "backup"),
    (37, "operator"),
    (38, "list"),
    (39, "irc"),
    (40, "src"),
    (42, "shadow"),
    (43, "utmp"),
    (44, "video"),
    (45, "sasl"),
    (46, "plugdev"),
    (50, "staff"),
    (60, "games"),
    (100, "users"),
    (65534, "nogroup"),
];

/// Which account is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AccountKind {
    /// A user.
    User,
    /// A group.
    Group,
}

/// Who exists when.
pub(super) struct Accounts<'t> {
    users: HashMap<&'t str, usize>,
    groups: HashMap<&'t str, usize>,
    /// Whether all packages that are declared are known: if not, nobody knows who exists.
    complete: bool,
}

pub(super) fn check(host: &mut HostCheck<'_, '_>) {
    let accounts = Accounts::of(host.said().map(|(_, facets)| facets));
    for (index, (task, facets)) in host.said().enumerate() {
        if let Some(found) = taken(task, facets) {
            host.report(found);
        }
        for need in &facets.needs {
            let (kind, name) = match need {
                Need::User(user) => (AccountKind::User, *user),
                Need::Group(group) => (AccountKind::Group, *group),
                Need::Above(_) | Need::Path(_) | Need::Package(_) | Need::Unit(_) => continue,
            };
            if let Some(found) = accounts.missing(kind, name, index, task, host.tasks()) {
                host.report(found);
            }
        }
    }
}

/// What is wrong with an account that a file's content names (cron's and systemd's users and groups).
pub(super) fn in_content(
    accounts: &Accounts<'_>,
    kind: AccountKind,
    name: &str,
    task: &Task,
) -> Option<Diagnostic> {
    let known = match kind {
        AccountKind::User => accounts.users.contains_key(name),
        AccountKind::Group => accounts.groups.contains_key(name),
    };
    if known { None } else { accounts.unknown(kind, name, task) }
}

/// An id that Debian gave to somebody else.
fn taken(task: &Task, facets: &Facets<'_>) -> Option<Diagnostic> {
    facets.claims.iter().find_map(|claim| {
        let Claim::Id(what, id) = *claim else { return None };
        let ids: &[(u32, &str)] = if what == "uid" { &UIDS } else { &GIDS };
        let (_, owner) = ids.iter().find(|(taken, owner)| *taken == id && *owner != task.resource.name())?;
        let message = format!("{what} {id} of {} is that of `{owner}` on every Debian", task.resource);
        let error = Diagnostic::error(Code::CONFLICT, message).at(task.place(), format!("{what} {id}"));
        Some(error.help("give it one from 1000 on, or none: the host finds one that is free"))
    })
}

impl<'t> Accounts<'t> {
    /// For each account the task from which on it is there; those of Debian from the first.
    pub(super) fn of(all: impl Iterator<Item = &'t Facets<'t>>) -> Self {
        let mut users: HashMap<&str, usize> = USERS.iter().map(|user| (*user, 0)).collect();
        let mut groups: HashMap<&str, usize> = GROUPS.iter().map(|group| (*group, 0)).collect();
        let mut complete = true;
        for (index, facets) in all.enumerate() {
            for provided in &facets.provides {
                match provided {
                    Provided::User(user) => {
                        users.entry(user).or_insert(index);
                    }
                    Provided::Group(group) => {
                        groups.entry(group).or_insert(index);
                    }
                    Provided::Package(package) => {
                        complete &= is_known(package);
                        for account in of_package(package) {
                            users.entry(account).or_insert(index);
                            groups.entry(account).or_insert(index);
                        }
                    }
                    Provided::Path(..) | Provided::Unit(_) => {}
                }
            }
        }
        Self { users, groups, complete }
    }

    fn names(&self, kind: AccountKind) -> BTreeSet<&'t str> {
        match kind {
            AccountKind::User => self.users.keys().copied().collect(),
            AccountKind::Group => self.groups.keys().copied().collect(),
        }
    }

    /// A warning, where it can be known that an account is not there, or that it is one of the plan's mistyped.
    fn unknown(&self, kind: AccountKind, name: &str, task: &Task) -> Option<Diagnostic> {
        // Who comes from a directory has its name before or after: `CORP\\ann`, `ann@corp.example.org`.
        if name.contains(['\\', '@']) {
            return None;
        }
        let of_plan = match kind {
            AccountKind::User => &self.users,
            AccountKind::Group => &self.groups,
        };
        let mistyped = of_plan.keys().any(|known| known.len() > 3 && is_slip(name, known));
        (self.complete || mistyped).then(|| unknown(kind, name, task, self.names(kind)))
    }

    fn missing(
        &self,
        kind: AccountKind,
        name: &str,
        index: usize,
        task: &Task,
        tasks: &[Task],
    ) -> Option<Diagnostic> {
        let there = match kind {
            AccountKind::User => self.users.get(name),
            AccountKind::Group => self.groups.get(name),
        };
        match there {
            // A user may be in a group that is made with it.
            Some(since) if *since <= index => None,
            Some(since) => {
                let maker = &tasks[*since];
                let what = kind.word();
                let message =
                    format!("{} needs {what} `{name}` before {} makes it", task.resource, maker.resource);
                let error = Diagnostic::error(Code::TASK_ORDER, message)
                    .at(task.place(), "declared here, so done first")
                    .related(maker.place(), format!("makes the {what}, after it"));
                Some(error.help(format!("declare {} before {}", maker.resource, task.resource)))
            }
            None => self.unknown(kind, name, task),
        }
    }
}

impl AccountKind {
    fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

fn of_package(package: &str) -> impl Iterator<Item = &'static str> {
    let known = of_packages().get(bare(package)).into_iter().flatten();
    known.copied().filter(|account| *account != "?")
}

/// A package without its architecture, and of several versions the one that is known.
fn bare(package: &str) -> &str {
    let bare = package.split(':').next().unwrap_or(package);
    match bare.strip_prefix("postgresql-") {
        Some(version) if version.bytes().all(|byte| byte.is_ascii_digit()) => "postgresql",
        _ => bare,
    }
}

fn unknown<'n>(
    kind: AccountKind,
    name: &str,
    task: &Task,
    names: impl IntoIterator<Item = &'n str>,
) -> Diagnostic {
    let what = kind.word();
    Diagnostic::warning(
        Code::UNKNOWN_OWNER,
        format!("{what} `{name}` is not in Debian, and this plan does not make it"),
    )
    .at(task.place(), format!("needs {what} `{name}`"))
    .nearest(name, names)
    .help(format!("declare it before: `plan.{what}(\"{name}\")`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_make_accounts() {
        let accounts = |package: &str| of_package(package).collect::<Vec<_>>();
        assert!(accounts("postgresql-15").contains(&"postgres"));
        assert!(accounts("postgresql-client").is_empty());
        assert!(accounts("redis-server:amd64").contains(&"redis"));
        assert!(accounts("exim4").contains(&"Debian-exim"));
        // By what it depends on.
        assert!(accounts("default-mysql-server").contains(&"mysql"));
        assert!(is_known("nginx") && !is_known("gitlab-ee"));
    }
}
