//! From a site's files and roles to what its binary embeds.

use std::path::{Path, PathBuf};

use paracrine_model::content::Blobs;
use paracrine_model::deployment;
use paracrine_model::diagnostic::draw::{self, Style};
use paracrine_model::diagnostic::{Diagnostic, Diagnostics, Place};
use paracrine_model::hash::Hash;
use paracrine_model::plan::Plan;
use paracrine_model::source::{Lookup, Source, Sources};

use crate::disk::{Disk, Machine};
use crate::fingerprint::Fingerprint;
use crate::policy::{Policies, Policy};
use crate::rust_places::RustPlaces;
use crate::site::SiteContext;
use crate::site_plan::SitePlan;
use crate::{cargo, checks, output, plans, session};

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
}

impl<C: SiteContext> Compile<C> {
    /// Compiles what this role makes of the site.
    pub fn new(role: fn(&C, &Plan)) -> Self {
        Self { role, policies: Policies::default() }
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

    /// Compiles the package that cargo is building.
    pub fn run(self) {
        cargo::run(|root| self.check(root));
    }

    /// Compiles the site in the folder `root`, prints nothing and writes nothing: for tests.
    pub fn check(&self, root: impl AsRef<Path>) -> Checked {
        let root = root.as_ref();
        let session = session::enter(root);
        let mut disk = Disk::new(root);
        let mut machine = Machine::new(root);
        let blobs = Blobs::default();
        let places = RustPlaces::new(root);
        let (deployment, mut diagnostics, mut watched) = {
            let mut sources = Sources::new(&mut disk);
            let (deployment, diagnostics) = deployment::load(&mut sources, C::CONFIG, C::INVENTORIES);
            let watched = sources.wanted().iter().map(|wanted| wanted.path.to_string()).collect::<Vec<_>>();
            (deployment, diagnostics, watched)
        };
        let mut plans = Vec::new();
        if let Some(deployment) = &deployment {
            let defer = std::env::var_os("PARACRINE_SECRETS").is_some_and(|value| value == "defer");
            diagnostics.extend(deployment::check_secrets(deployment, &mut machine, defer));
            plans = plans::all(deployment, self.role, &blobs, &mut diagnostics);
            plans
                .iter_mut()
                .flat_map(|(_, plan)| &mut plan.tasks)
                .for_each(|task| places.origin(&mut task.origin));
            diagnostics.extend(session.templates().take_found());
        }
        watched.extend(machine.looked().iter().cloned());
        let mut inputs = disk.inputs();
        inputs.extend(session.templates().inputs());
        inputs.extend(session.files().inputs());
        let site = deployment.map(|deployment| SitePlan::new(deployment, plans, blobs));
        if let Some(site) = &site {
            diagnostics.extend(checks::all(site));
            // Without all plans, nobody knows what is unused and what a policy would say.
            if !diagnostics.has_errors() {
                diagnostics.extend(session.templates().unused());
                diagnostics.extend(self.policies.all(site));
            }
        }
        let diagnostics = diagnostics.into_iter().map(|diagnostic| places.mend(diagnostic));
        let mut sorted = Diagnostics::new();
        sorted.extend(diagnostics);
        Checked { root: root.to_owned(), diagnostics: sorted.into_sorted(), inputs, watched, site }
    }
}

/// What [`Compile::check`] made of a site.
pub struct Checked {
    root: PathBuf,
    diagnostics: Vec<Diagnostic>,
    inputs: Vec<(String, Hash)>,
    watched: Vec<String>,
    site: Option<SitePlan>,
}

impl Checked {
    /// All that is wrong, errors first.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Whether anything keeps the site from building.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == paracrine_model::diagnostic::Severity::Error)
    }

    /// All that is wrong, as it is drawn on a terminal without colours.
    pub fn drawn(&self) -> String {
        let mut files = Drawing::new(&self.root);
        let drawn: Vec<String> =
            self.diagnostics.iter().map(|d| draw::draw(d, &mut files, Style::Plain)).collect();
        drawn.join("\n\n")
    }

    /// The plans of all hosts; absent where config or inventories are wrong.
    pub fn plan(&self) -> Option<&SitePlan> {
        self.site.as_ref()
    }

    /// The bytes of `plan.bin` as it would be written, but for commit and agents; absent where anything is wrong.
    pub fn artifact(&self) -> Option<Vec<u8>> {
        let site = self.site.as_ref().filter(|_| !self.has_errors())?;
        output::plan(&self.root, site, &Fingerprint::without_commit(self.inputs.clone()), &[]).ok()
    }

    /// The files that were read, relative to the site, with the hashes of their contents. Secrets are not among them.
    pub fn inputs(&self) -> &[(String, Hash)] {
        &self.inputs
    }

    /// The files that were looked for, relative to the site, there or not.
    pub fn looked_for(&self) -> &[String] {
        &self.watched
    }

    pub(crate) fn diagnostics_mut(&mut self) -> &mut Vec<Diagnostic> {
        &mut self.diagnostics
    }
}

/// The files that diagnostics point into.
pub(crate) struct Drawing {
    disk: Disk,
}

impl Drawing {
    pub(crate) fn new(root: &Path) -> Self {
        Self { disk: Disk::new(root) }
    }
}

impl Lookup for Drawing {
    fn source(&mut self, path: &str) -> Option<std::sync::Arc<Source>> {
        Sources::new(&mut self.disk).source(path)
    }
}

/// The line of a role that declared a task, as a place for diagnostics.
pub fn place(task: &paracrine_model::plan::Task) -> Place {
    Place::new(task.origin.file.as_str(), task.origin.line, task.origin.column, 0)
}
