//! Tasks that stand before what they need, though the same plan provides it later.

use std::collections::HashMap;

use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::plan::Task;
use paracrine_model::resource::Resource;
use paracrine_model::resource::apt_package::PackageState;

use super::{Host, paths};
use crate::compile::place;

pub(super) fn check(host: &mut Host<'_, '_>) {
    let mut directories = HashMap::new();
    let mut units = HashMap::new();
    let mut packages = HashMap::new();
    for (index, task) in host.tasks().iter().enumerate() {
        match &task.resource {
            Resource::Directory(directory) => {
                directories.insert(directory.path.as_str(), index);
            }
            Resource::Unit(unit) => {
                units.insert(unit.unit.as_str(), index);
            }
            Resource::AptPackage(package) if package.state != PackageState::Absent => {
                let bare = package.package.as_str();
                packages.insert(bare.split(':').next().unwrap_or(bare), index);
            }
            _ => {}
        }
    }
    for (index, task) in host.tasks().iter().enumerate() {
        if let Some(path) = paths::path(task)
            && !matches!(task.resource, Resource::Absent(_))
        {
            // The nearest that is declared: others above it are its own business.
            let above = std::iter::successors(path.parent(), |folder| folder.parent());
            let declared = above.filter_map(|folder| directories.get(folder.as_str()).copied()).next();
            if let Some(later) = declared.filter(|directory| *directory > index) {
                host.report(too_early(task, &host.tasks()[later], "which it lies in"));
            }
        }
        let Resource::Service(service) = &task.resource else {
            continue;
        };
        let unit = service.unit.as_str();
        let own = units.get(unit).or_else(|| units.get(template_of(unit)?.as_str()));
        let provider = match own {
            Some(unit) => Some((*unit, "which it starts from")),
            None => providers(unit)
                .into_iter()
                .find_map(|name| packages.get(name).copied())
                .map(|package| (package, "which brings it")),
        };
        if let Some((later, why)) = provider.filter(|(provider, _)| *provider > index) {
            host.report(too_early(task, &host.tasks()[later], why));
        }
    }
}

/// `app@1.service` starts from `app@.service`.
fn template_of(unit: &str) -> Option<String> {
    let (stem, kind) = unit.rsplit_once('.')?;
    let (template, instance) = stem.split_once('@')?;
    (!instance.is_empty()).then(|| format!("{template}@.{kind}"))
}

/// The packages that may bring a service of Debian's: that of its name, and those that are known.
fn providers(unit: &str) -> Vec<&str> {
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
        .at(place(task), "declared here, so done first")
        .related(place(needed), "done after it")
        .help(format!("declare {that} before {this}"))
}
