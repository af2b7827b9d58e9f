//! From a site's files and roles to what its binary embeds.

use std::path::Path;
use std::rc::Rc;

use paracrine_model::content::Blobs;
use paracrine_model::deployment;
use paracrine_model::diagnostic::Diagnostics;
use paracrine_model::plan::Plan;
use paracrine_model::source::Sources;

use crate::checked::Checked;
use crate::input_files::InputFiles;
use crate::machine_secrets::MachineSecrets;
use crate::policy::{Policies, Policy};
use crate::rust_places::RustPlaces;
use crate::site::SiteContext;
use crate::site_files::SiteFiles;
use crate::site_plan::SitePlan;
use crate::{cargo, checks, plans};

/// Compiles a site: what a site's `build.rs` calls.
///
/// ```no_run
/// # mod roles { pub fn site(_: &Context, _: &paracrine_build::prelude::Plan) {} pub struct Context;
/// # impl paracrine_build::SiteContext for Context {
/// # const CONFIG: &'static str = ""; const INVENTORIES: &'static [&'static str] = &[];
/// # fn contexts(_: &paracrine_build::model::deployment::Deployment)
/// #     -> Result<Vec<(usize, Self)>, paracrine_build::model::value::Mismatch> { Ok(Vec::new()) } } }
/// fn main() {
///     paracrine_build::compile(roles::site);
/// }
/// ```
///
/// It reads config and inventories, runs the roles for every host, checks the whole, and writes what the site's binary
/// embeds. Everything that is wrong is printed, and cargo is told of it; nothing panics.
pub fn compile<C: SiteContext>(role: fn(&C, &Plan)) {
    Compile::new(role).run();
}

/// [`compile()`] with policies of the site's own.
///
/// ```ignore
/// Compile::new(roles::site).deny("nothing is world-writable", world_writable).run();
/// ```
#[must_use = "nothing is compiled before `run`"]
pub struct Compile<C> {
    role: fn(&C, &Plan),
    policies: Policies,
    trim_blocks: bool,
}

impl<C: SiteContext> Compile<C> {
    /// Compiles what this role makes of the site.
    pub fn new(role: fn(&C, &Plan)) -> Self {
        Self { role, policies: Policies::default(), trim_blocks: false }
    }

    /// Adds a policy whose findings are errors. It is called once, with the plans of all hosts, if all else is right.
    pub fn deny(mut self, name: &'static str, policy: Policy) -> Self {
        self.policies.deny(name, policy);
        self
    }

    /// Adds a policy whose findings are warnings.
    pub fn warn(mut self, name: &'static str, policy: Policy) -> Self {
        self.policies.warn(name, policy);
        self
    }

    /// Takes lines of templates that hold only a block (`{% if … %}`) for no lines of the content, as Ansible does: the
    /// blanks before a block and the line break after it are left out.
    pub fn trim_blocks(mut self) -> Self {
        self.trim_blocks = true;
        self
    }

    /// Compiles the package that cargo is building.
    pub fn run(self) {
        cargo::run(|root| self.check(root));
    }

    /// Compiles the site in the folder `root`, prints nothing and writes nothing: for tests.
    pub fn check(&self, root: impl AsRef<Path>) -> Checked {
        let root = root.as_ref();
        let files = Rc::new(SiteFiles::new(root, self.trim_blocks));
        let mut inputs = InputFiles::new(root);
        let mut secrets = MachineSecrets::new(root);
        let blobs = Blobs::default();
        let places = RustPlaces::new(root);
        let (deployment, mut diagnostics, mut watched) = {
            let mut sources = Sources::new(&mut inputs);
            let (deployment, diagnostics) = deployment::load(&mut sources, C::CONFIG, C::INVENTORIES);
            let watched = sources.wanted().iter().map(|wanted| wanted.path.to_string()).collect::<Vec<_>>();
            (deployment, diagnostics, watched)
        };
        let mut plans = Vec::new();
        if let Some(deployment) = &deployment {
            let wanted = std::env::var("PARACRINE_SECRETS").unwrap_or_default();
            let wanted = deployment::Secrets::named(&wanted);
            diagnostics.extend(deployment::check_secrets(deployment, &mut secrets, wanted));
            plans = plans::all(deployment, self.role, &blobs, &files, &mut diagnostics);
            plans
                .iter_mut()
                .flat_map(|(_, plan)| &mut plan.tasks)
                .for_each(|task| places.origin(&mut task.origin));
            diagnostics.extend(files.templates.take_found());
        }
        watched.extend(secrets.looked().iter().cloned());
        let mut inputs = inputs.inputs();
        inputs.extend(files.inputs());
        let site = deployment.map(|deployment| SitePlan::new(deployment, plans, blobs, Rc::clone(&files)));
        if let Some(site) = &site {
            diagnostics.extend(checks::all(site));
            // Without all plans, nobody knows what goes together and what a policy would say.
            if !diagnostics.has_errors() {
                diagnostics.extend(checks::across(site));
                diagnostics.extend(self.policies.all(site));
            }
        }
        let diagnostics = diagnostics.into_iter().map(|diagnostic| places.mend(diagnostic));
        let mut sorted = Diagnostics::new();
        sorted.extend(diagnostics);
        Checked::new(root, sorted.into_sorted(), inputs, watched, site)
    }
}
