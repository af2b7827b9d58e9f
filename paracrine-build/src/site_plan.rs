//! The plans of all hosts of a site, for checks, policies and tests.

use std::rc::Rc;

use paracrine_model::content::{Blobs, Content};
use paracrine_model::deployment::{Deployment, Os};
use paracrine_model::hash::Hash;
use paracrine_model::plan::{HostPlan, Task};

use crate::site_files::SiteFiles;

/// What all hosts should be.
pub struct SitePlan {
    deployment: Deployment,
    hosts: Vec<(usize, HostPlan)>,
    blobs: Blobs,
    files: Rc<SiteFiles>,
}

/// One host of a [`SitePlan`].
#[derive(Clone, Copy)]
pub struct HostView<'s> {
    site: &'s SitePlan,
    index: usize,
    plan: &'s HostPlan,
}

impl SitePlan {
    pub(crate) fn new(
        deployment: Deployment,
        hosts: Vec<(usize, HostPlan)>,
        blobs: Blobs,
        files: Rc<SiteFiles>,
    ) -> Self {
        Self { deployment, hosts, blobs, files }
    }

    /// All hosts of all environments. A host whose roles panicked has no plan and is left out.
    pub fn hosts(&self) -> impl Iterator<Item = HostView<'_>> {
        self.hosts.iter().map(|(index, plan)| HostView { site: self, index: *index, plan })
    }

    /// The host of that name in an environment.
    pub fn host(&self, environment: &str, name: &str) -> Option<HostView<'_>> {
        self.hosts().find(|host| host.environment() == environment && host.name() == name)
    }

    /// What config and inventories say.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// The bytes of a content that was known when building.
    pub fn bytes(&self, hash: &Hash) -> Option<Rc<[u8]>> {
        self.blobs.get(hash)
    }

    /// What contents were made from.
    pub(crate) fn files(&self) -> &SiteFiles {
        &self.files
    }

    pub(crate) fn blobs(&self) -> &Blobs {
        &self.blobs
    }
}

impl<'s> HostView<'s> {
    /// Its name.
    pub fn name(&self) -> &'s str {
        &self.site.deployment.hosts[self.index].address.name
    }

    /// Its environment.
    pub fn environment(&self) -> &'s str {
        &self.site.deployment.environments[self.site.deployment.hosts[self.index].environment].name
    }

    /// Its system, as far as the inventory says.
    pub fn os(&self) -> Os {
        self.site.deployment.hosts[self.index].os
    }

    /// The roles it plays.
    pub fn roles(&self) -> impl Iterator<Item = &'s str> {
        self.site.deployment.hosts[self.index].roles.iter().map(|role| role.value.as_str())
    }

    /// Its plan.
    pub fn plan(&self) -> &'s HostPlan {
        self.plan
    }

    /// Its tasks, in order.
    pub fn tasks(&self) -> &'s [Task] {
        &self.plan.tasks
    }

    /// The content of a file or unit as text, late values as `‹secret NAME›`; `None` where it is not text.
    pub fn text(&self, content: &Content) -> Option<String> {
        match content {
            Content::Late(text) => Some(text.to_string()),
            Content::Blob { hash, .. } => String::from_utf8(self.site.bytes(hash)?.to_vec()).ok(),
        }
    }

    /// The content of the file or unit at a path, as [`Self::text`] has it.
    pub fn file(&self, path: &str) -> Option<String> {
        self.plan.tasks.iter().find_map(|task| {
            let facets = task.resource.facets();
            let file = facets.files().find(|file| file.path().as_str() == path)?;
            self.text(file.content())
        })
    }

    /// What contents were made from.
    pub(crate) fn site_files(&self) -> &'s SiteFiles {
        &self.site.files
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }
}
