//! Running the roles: from the context of each host to its plan.

use std::rc::Rc;

use paracrine_model::content::{self, Blobs};
use paracrine_model::deployment::Deployment;
use paracrine_model::diagnostic::{Code, Diagnostic, Diagnostics};
use paracrine_model::plan::{HostPlan, Plan};

use crate::panic;
use crate::per_host::PerHost;
use crate::site::SiteContext;
use crate::site_files::SiteFiles;

/// The plans of all hosts, by their index in the deployment; hosts whose roles panicked have none.
pub(crate) fn all<C: SiteContext>(
    deployment: &Deployment,
    role: fn(&C, &Plan),
    blobs: &Blobs,
    files: &Rc<SiteFiles>,
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
    let files = content::SiteFiles::new(Rc::clone(files));
    let mut plans = Vec::with_capacity(contexts.len());
    let mut found = PerHost::new(deployment);
    for (host, context) in contexts {
        let run = |plan: Plan| {
            let result = panic::catch(|| role(&context, &plan));
            (result, plan.finish())
        };
        let new = || Plan::of_site(blobs.clone(), files.clone());
        let (mut result, (mut plan, mut problems)) = run(new());
        if problems.iter().any(in_one_line) {
            (result, (plan, problems)) = run(new().traced());
        }
        match result {
            Ok(()) => plans.push((host, plan)),
            Err(caught) => found.push(host, panicked(&caught)),
        }
        for problem in problems {
            found.push(host, problem);
        }
    }
    diagnostics.extend(found.finish());
    plans
}

/// Whether a conflict is one of a line with itself: some function was called twice, and the line does not tell by whom.
fn in_one_line(problem: &Diagnostic) -> bool {
    problem.code == Code::CONFLICT
        && problem
            .primary
            .as_ref()
            .is_some_and(|at| problem.related.iter().any(|first| first.place == at.place))
}

/// A panic as a problem.
fn panicked(caught: &panic::Caught) -> Diagnostic {
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
    diagnostic
}
