//! Running the roles: from the context of each host to its plan.

use std::collections::HashMap;

use paracrine_model::content::Blobs;
use paracrine_model::deployment::Deployment;
use paracrine_model::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use paracrine_model::plan::{HostPlan, Plan};

use crate::panic;
use crate::site::SiteContext;

/// The plans of all hosts, by their index in the deployment; hosts whose roles panicked have none.
pub(crate) fn all<C: SiteContext>(
    deployment: &Deployment,
    role: fn(&C, &Plan),
    blobs: &Blobs,
    diagnostics: &mut Diagnostics,
) -> Vec<(usize, HostPlan)> {
    let contexts = match C::contexts(deployment) {
        Ok(contexts) => contexts,
        Err(mismatch) => {
            diagnostics.push(mismatch.diagnostic());
            return Vec::new();
        }
    };
    let _quiet = panic::quietly();
    let mut plans = Vec::with_capacity(contexts.len());
    let mut found = PerHost::new(deployment);
    for (host, context) in contexts {
        let plan = Plan::new(blobs.clone());
        let result = panic::catch(|| role(&context, &plan));
        let (plan, problems) = plan.finish();
        match result {
            Ok(()) => plans.push((host, plan)),
            Err(caught) => found.panic(host, &caught),
        }
        for problem in problems {
            found.push(host, problem);
        }
    }
    diagnostics.extend(found.finish());
    plans
}

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

    fn panic(&mut self, host: usize, caught: &panic::Caught) {
        let mut lines = caught.message.lines().map(|line| line.trim_end().trim_end_matches('.'));
        let first = lines.next().filter(|line| !line.is_empty()).unwrap_or("without a word");
        let mut diagnostic = Diagnostic::error(Code::ROLE_PANIC, format!("a role panicked: {first}"));
        if let Some(place) = &caught.place {
            diagnostic = diagnostic.at(place.clone(), "panicked here");
        }
        let rest: Vec<&str> = lines.collect();
        if !rest.is_empty() {
            diagnostic = diagnostic.help(rest.join("\n"));
        }
        self.push(host, diagnostic);
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
