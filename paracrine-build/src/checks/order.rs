//! Tasks that stand before what they need, though the same plan provides it later.

use std::borrow::Cow;
use std::collections::HashMap;

use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::facet::{Entry, Facets, Need, Provided};
use paracrine_model::name::one_spelling;
use paracrine_model::plan::Task;

use super::host_check::HostCheck;
use super::units::aliases::own_name;

pub(super) fn check(host: &mut HostCheck<'_, '_>) {
    let there = There::of(host.said().map(|(_, facets)| facets));
    for (index, (task, facets)) in host.said().enumerate() {
        for need in &facets.needs {
            if let Some((later, why)) = there.provider(*need).filter(|(provider, _)| *provider > index) {
                host.report(too_early(task, &host.tasks()[later], why));
            }
        }
    }
}

/// Which task provides what. Accounts are checked by themselves: most are there without any task.
#[derive(Default)]
struct There<'h> {
    directories: HashMap<Cow<'h, str>, usize>,
    others: HashMap<Cow<'h, str>, usize>,
    units: HashMap<&'h str, usize>,
    packages: HashMap<&'h str, usize>,
}

impl<'h> There<'h> {
    fn of(all: impl Iterator<Item = &'h Facets<'h>>) -> Self {
        let mut there = Self::default();
        for (index, facets) in all.enumerate() {
            for provided in &facets.provides {
                let (by_name, name) = match provided {
                    Provided::Path(path, Entry::Directory(_)) => {
                        there.directories.insert(one_spelling(path.as_str()), index);
                        continue;
                    }
                    Provided::Path(path, Entry::File(_) | Entry::Link(_)) => {
                        there.others.insert(one_spelling(path.as_str()), index);
                        continue;
                    }
                    Provided::Unit(unit) => (&mut there.units, *unit),
                    Provided::Package(package) => {
                        (&mut there.packages, package.split(':').next().unwrap_or(package))
                    }
                    Provided::Path(_, Entry::Nothing) | Provided::User(_) | Provided::Group(_) => continue,
                };
                by_name.insert(name, index);
            }
        }
        there
    }

    /// The task of this plan that provides what is needed, and what it is to the one that needs it.
    fn provider(&self, need: Need<'_>) -> Option<(usize, &'static str)> {
        match need {
            // The nearest that is declared: others above it are its own business.
            Need::Above(path) => {
                let path = path.in_one_spelling();
                let nearest = path.above().find_map(|directory| self.directories.get(directory))?;
                Some((*nearest, "which it lies in"))
            }
            Need::Path(path) => {
                let path = one_spelling(path.as_str());
                let there = self.directories.get(&path).or_else(|| self.others.get(&path))?;
                Some((*there, "which it needs"))
            }
            Need::Package(package) => Some((*self.packages.get(package)?, "which it needs")),
            Need::Unit(unit) => {
                let unit = own_name(unit).unwrap_or(unit);
                let own = self.units.get(unit).or_else(|| self.units.get(template_of(unit)?.as_str()));
                match own {
                    Some(own) => Some((*own, "which it starts from")),
                    None => {
                        let package = providers(unit).into_iter().find_map(|name| self.packages.get(name))?;
                        Some((*package, "which brings it"))
                    }
                }
            }
            Need::User(_) | Need::Group(_) => None,
        }
    }
}

/// `app@1.service` starts from `app@.service`.
pub(super) fn template_of(unit: &str) -> Option<String> {
    let (stem, kind) = unit.rsplit_once('.')?;
    let (template, instance) = stem.split_once('@')?;
    (!instance.is_empty()).then(|| format!("{template}@.{kind}"))
}

/// The packages that may bring a service of Debian's: that of its name, and those that are known.
pub(super) fn providers(unit: &str) -> Vec<&str> {
    let stem = unit.rsplit_once('.').map_or(unit, |(stem, _)| stem);
    let stem = stem.split('@').next().unwrap_or(stem);
    let mut packages = vec![stem];
    let known = PROVIDERS.iter().find(|(service, _)| *service == stem);
    packages.extend(known.into_iter().flat_map(|(_, packages)| packages.iter()));
    packages
}

/// Services of Debian 12 whose packages are called otherwise.
const PROVIDERS: [(&str, &[&str]); 22] = [
    ("anacron", &["anacron"]),
    ("avahi-daemon", &["avahi-daemon"]),
    ("containerd", &["containerd", "containerd.io"]),
    ("docker", &["docker.io", "docker-ce"]),
    ("dovecot", &["dovecot-core"]),
    ("exim4", &["exim4-daemon-light", "exim4-daemon-heavy", "exim4-base"]),
    ("libvirtd", &["libvirt-daemon-system"]),
    ("mariadb", &["mariadb-server"]),
    ("mysql", &["default-mysql-server", "mysql-server"]),
    ("named", &["bind9"]),
    ("nfs-server", &["nfs-kernel-server"]),
    ("ntpd", &["ntpsec"]),
    ("php8.2-fpm", &["php-fpm"]),
    ("postgresql", &["postgresql-13", "postgresql-15", "postgresql-17"]),
    ("prometheus-node-exporter", &["prometheus-node-exporter"]),
    ("redis", &["redis-server"]),
    ("redis-server", &["redis"]),
    ("smbd", &["samba"]),
    ("spamd", &["spamassassin", "spamd"]),
    ("ssh", &["openssh-server"]),
    ("systemd-timesyncd", &["systemd-timesyncd"]),
    ("wg-quick", &["wireguard-tools", "wireguard"]),
];

fn too_early(task: &Task, needed: &Task, why: &str) -> Diagnostic {
    let (this, that) = (&task.resource, &needed.resource);
    Diagnostic::error(Code::TASK_ORDER, format!("{this} is declared before {that}, {why}"))
        .at(task.place(), "declared here, so done first")
        .related(needed.place(), "done after it")
        .help(format!("declare {that} before {this}"))
}
