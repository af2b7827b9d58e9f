//! Problems of several hosts, each told once.

use std::collections::HashMap;

use paracrine_model::deployment::Deployment;
use paracrine_model::diagnostic::{Code, Diagnostic, Severity};

/// Problems of several hosts: what is the same on many is shown once, with the hosts where that is not all.
pub(crate) struct PerHost<'d> {
    deployment: &'d Deployment,
    found: Vec<(Diagnostic, Vec<usize>)>,
    index: HashMap<(Severity, Code, String, Option<String>), usize>,
}

impl<'d> PerHost<'d> {
    pub(crate) fn new(deployment: &'d Deployment) -> Self {
        Self { deployment, found: Vec::new(), index: HashMap::new() }
    }

    pub(crate) fn push(&mut self, host: usize, diagnostic: Diagnostic) {
        let place = diagnostic.primary.as_ref().map(|note| note.place.to_string());
        let key = (diagnostic.severity, diagnostic.code, diagnostic.message.clone(), place);
        let at = *self.index.entry(key).or_insert_with(|| {
            self.found.push((diagnostic, Vec::new()));
            self.found.len() - 1
        });
        let hosts = &mut self.found[at].1;
        if hosts.last() != Some(&host) {
            hosts.push(host);
        }
    }

    pub(crate) fn finish(self) -> impl Iterator<Item = Diagnostic> {
        let Self { deployment, found, .. } = self;
        found.into_iter().map(move |(diagnostic, hosts)| {
            // A panic always says where: it depends on values more often than not.
            if hosts.len() == deployment.hosts.len() && diagnostic.code != Code::ROLE_PANIC {
                diagnostic
            } else if hosts.len() == deployment.hosts.len() {
                diagnostic.help("this concerns all hosts")
            } else {
                diagnostic.help(format!("this concerns {}", listed(deployment, &hosts)))
            }
        })
    }
}

/// `web1 (prod), web2 (prod) and 3 more hosts`
fn listed(deployment: &Deployment, hosts: &[usize]) -> String {
    const SHOWN: usize = 3;
    let shown = if hosts.len() == SHOWN + 1 { SHOWN + 1 } else { SHOWN };
    let mut names: Vec<String> = hosts
        .iter()
        .take(shown)
        .map(|host| {
            let host = &deployment.hosts[*host];
            format!("`{}` of `{}`", host.address.name, deployment.environments[host.environment].name)
        })
        .collect();
    if hosts.len() > shown {
        names.push(format!("{} more hosts", hosts.len() - shown));
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "no host".into(),
    }
}
