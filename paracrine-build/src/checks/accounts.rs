//! Users and groups that tasks name: those of a fresh Debian, those of packages, those that the plan makes.

use std::collections::{BTreeSet, HashMap};

use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::facet::{Facets, Need, Provided};
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

/// Users and groups that packages of Debian make.
const OF_PACKAGES: [(&str, &[&str]); 37] = [
    ("apache2", &["www-data"]),
    ("avahi-daemon", &["avahi"]),
    ("bind9", &["bind"]),
    ("bird2", &["bird"]),
    ("chrony", &["_chrony"]),
    ("clamav-daemon", &["clamav"]),
    ("coturn", &["turnserver"]),
    ("docker-ce", &["docker"]),
    ("docker.io", &["docker"]),
    ("dovecot-core", &["dovecot", "dovenull"]),
    ("grafana", &["grafana"]),
    ("haproxy", &["haproxy"]),
    ("icinga2-bin", &["nagios"]),
    ("knot", &["knot"]),
    ("libvirt-daemon-system", &["libvirt", "libvirt-qemu"]),
    ("lighttpd", &["www-data"]),
    ("mariadb-server", &["mysql"]),
    ("memcached", &["memcache"]),
    ("mosquitto", &["mosquitto"]),
    ("mysql-server", &["mysql"]),
    ("ntpsec", &["ntpsec"]),
    ("opendkim", &["opendkim"]),
    ("postfix", &["postfix", "postdrop"]),
    ("postgresql", &["postgres"]),
    ("postgresql-common", &["postgres"]),
    ("prometheus", &["prometheus"]),
    ("prosody", &["prosody"]),
    ("rabbitmq-server", &["rabbitmq"]),
    ("redis", &["redis"]),
    ("redis-server", &["redis"]),
    ("rspamd", &["_rspamd"]),
    ("squid", &["proxy"]),
    ("ssl-cert", &["ssl-cert"]),
    ("tor", &["debian-tor"]),
    ("unbound", &["unbound"]),
    ("varnish", &["varnish", "vcache"]),
    ("zabbix-agent", &["zabbix"]),
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
}

pub(super) fn check(host: &mut HostCheck<'_, '_>) {
    let accounts = Accounts::of(host.said().map(|(_, facets)| facets));
    for (index, (task, facets)) in host.said().enumerate() {
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
    (!known).then(|| unknown(kind, name, task, accounts.names(kind)))
}

impl<'t> Accounts<'t> {
    /// For each account the task from which on it is there; those of Debian from the first.
    pub(super) fn of(all: impl Iterator<Item = &'t Facets<'t>>) -> Self {
        let mut users: HashMap<&str, usize> = USERS.iter().map(|user| (*user, 0)).collect();
        let mut groups: HashMap<&str, usize> = GROUPS.iter().map(|group| (*group, 0)).collect();
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
                        for account in of_package(package) {
                            users.entry(account).or_insert(index);
                            groups.entry(account).or_insert(index);
                        }
                    }
                    Provided::Path(..) | Provided::Unit(_) => {}
                }
            }
        }
        Self { users, groups }
    }

    fn names(&self, kind: AccountKind) -> BTreeSet<&'t str> {
        match kind {
            AccountKind::User => self.users.keys().copied().collect(),
            AccountKind::Group => self.groups.keys().copied().collect(),
        }
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
            None => Some(unknown(kind, name, task, self.names(kind))),
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

fn of_package(package: &str) -> &'static [&'static str] {
    let bare = package.split(':').next().unwrap_or(package);
    let bare = match bare.strip_prefix("postgresql-") {
        Some(version) if version.bytes().all(|byte| byte.is_ascii_digit()) => "postgresql",
        _ => bare,
    };
    OF_PACKAGES.iter().find(|(name, _)| *name == bare).map_or(&[], |(_, accounts)| accounts)
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
        assert_eq!(of_package("postgresql-15"), ["postgres"]);
        assert_eq!(of_package("postgresql-client"), [""; 0]);
        assert_eq!(of_package("redis-server:amd64"), ["redis"]);
    }
}
