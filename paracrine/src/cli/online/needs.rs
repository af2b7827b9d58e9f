//! What has to be there before any host is contacted: an agent for each, and a value for every secret.

use std::collections::BTreeSet;

use paracrine_model::artifact::Host;
use paracrine_model::late::Late;
use paracrine_model::secret::SecretSource;

use crate::cli::problem::Problem;
use crate::embedded::Embedded;
use crate::secrets::{self, Missing, Providers, Resolved};
use crate::site::Site;

/// Sees that there is an agent for each host.
pub(in crate::cli) fn agents(embedded: &Embedded, site: &Site, hosts: &[Host]) -> Result<(), Problem> {
    let lacks = |host: &&Host| {
        let arch = host.address.arch;
        !site.index().agents.contains_key(&arch)
            || !embedded.agents.iter().any(|(name, _)| *name == arch.name())
    };
    match hosts.iter().find(lacks) {
        None => Ok(()),
        Some(host) => Err(Problem::new(format!(
            "this binary holds no agent for {}, the architecture of `{}`",
            host.address.arch, host.address.name
        ))
        .help("build the site where that agent can be built")),
    }
}

/// The values of the secrets that these hosts use.
pub(in crate::cli) fn secrets(site: &Site, hosts: &[Host]) -> Result<Resolved, Problem> {
    let mut used: BTreeSet<SecretSource> = BTreeSet::new();
    for host in hosts {
        used.extend(site.artifact.lates(host)?.into_iter().filter_map(|late| match late {
            Late::Secret(source) => Some(source),
            Late::Signal(_) => None,
        }));
    }
    let providers = Providers { site: site.directory.clone(), env: |name| std::env::var_os(name) };
    secrets::resolve(used, &providers).map_err(|missing| lacking(&missing))
}

/// All secrets that could not be had, and what to do.
pub(in crate::cli) fn lacking(missing: &[Missing]) -> Problem {
    let message = match missing {
        [_] => "a secret has no value; no host was contacted".to_owned(),
        several => format!("{} secrets have no value; no host was contacted", several.len()),
    };
    missing.iter().fold(Problem::new(message), |problem, missing| {
        problem.detail(format!("{missing}\n    {}", missing.help))
    })
}
