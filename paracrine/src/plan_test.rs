//! Assertions about the compiled plan, in plain `cargo test`: no host, no connection, no secret.
//!
//! A site's `tests/plan.rs` opens the plan of an environment with [`plan!`](crate::plan!) and says what it expects. What is
//! not so panics at the line of the test, with the line of the role that declared the task and the nearest name.
//!
//! ```
//! // let plan = paracrine::plan!("prod");
//! fn web_hosts_serve_the_application(plan: &paracrine::plan_test::EnvironmentPlan) {
//!     for host in plan.hosts_with_role("web") {
//!         host.package("nginx");
//!         host.file("/etc/nginx/conf.d/app.conf").contains("server_name app.example.org;").owner("root").mode(0o644);
//!         host.file("/etc/app/secrets.env").has_line("DB_PASSWORD=‹secret DB_PASSWORD›").group("app");
//!         host.service("app").is_enabled().is_running().restarts_on("file /etc/app/secrets.env");
//!         host.user("ann").is_in("operators");
//!         host.has_no("package apache2");
//!     }
//!     assert_eq!(plan.host("db1").roles(), ["db"]);
//! }
//! ```
//!
//! Secrets are not resolved: where one is placed, the text has `‹secret NAME›`. What these methods do not know can be
//! asserted about [`Tested::resource`] and [`Tested::text`].

mod task;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use paracrine_model::artifact::{self, Artifact};
use paracrine_model::diagnostic::nearest;
use paracrine_model::plan;
use paracrine_model::resource::absent::Absent;
use paracrine_model::resource::apt_package::AptPackage;
use paracrine_model::resource::command::Command;
use paracrine_model::resource::directory::Directory;
use paracrine_model::resource::file::File;
use paracrine_model::resource::group::Group;
use paracrine_model::resource::link::Link;
use paracrine_model::resource::service::Service;
use paracrine_model::resource::unit::Unit;
use paracrine_model::resource::user::User;
use paracrine_model::resource::{Kind, Resource};

pub use task::Tested;

/// Opens the compiled plan of an environment in a site's `tests/plan.rs`: `let plan = paracrine::plan!("prod");`.
///
/// The result is a [`plan_test::EnvironmentPlan`](crate::plan_test::EnvironmentPlan). Panics if there is no such environment.
#[macro_export]
macro_rules! plan {
    ($environment:expr) => {
        $crate::plan_test::EnvironmentPlan::open(
            ::core::include_bytes!(::core::concat!(::core::env!("OUT_DIR"), "/plan.bin")),
            $environment,
        )
    };
}

/// The plans of all hosts of an environment. Made by [`plan!`](crate::plan!).
#[derive(Debug)]
pub struct EnvironmentPlan {
    artifact: Artifact<'static>,
    environment: String,
    /// Plans are read when they are asked for.
    plans: Vec<OnceLock<plan::HostPlan>>,
}

impl EnvironmentPlan {
    /// The environment of that name in a compiled site; [`plan!`](crate::plan!) calls this.
    ///
    /// # Panics
    /// The bytes are no compiled site, or there is no such environment.
    #[track_caller]
    pub fn open(plan: &'static [u8], environment: &str) -> Self {
        let artifact = match Artifact::open(plan) {
            Ok(artifact) => artifact,
            Err(broken) => panic!("{broken}; build the site again"),
        };
        let index = &artifact.index;
        if !index.environments.iter().any(|name| name == environment) {
            let names = index.environments.iter().map(String::as_str);
            let hint = hint(environment, names.clone(), |near| format!("`{near}`"));
            let hint = hint.unwrap_or_else(|| format!("\n  there are {}", listed(names)));
            panic!("there is no environment `{environment}`{hint}");
        }
        let plans = index.hosts.iter().map(|_| OnceLock::new()).collect();
        Self { artifact, environment: environment.to_owned(), plans }
    }

    /// All hosts.
    pub fn hosts(&self) -> impl Iterator<Item = HostPlan<'_>> {
        let hosts = self.artifact.index.hosts.iter().enumerate();
        hosts.filter(|(_, host)| host.environment == self.environment).map(|(index, host)| HostPlan {
            of: self,
            index,
            host,
        })
    }

    /// All hosts that play a role.
    ///
    /// # Panics
    /// No host of the environment plays it: a loop over none would assert nothing.
    #[track_caller]
    pub fn hosts_with_role(&self, role: &str) -> impl Iterator<Item = HostPlan<'_>> + use<'_> {
        let with: Vec<_> = self.hosts().filter(|host| host.roles().iter().any(|own| own == role)).collect();
        if with.is_empty() {
            let roles = self.hosts().flat_map(|host| host.roles()).map(String::as_str);
            let hint = hint(role, roles, |near| format!("`{near}`")).unwrap_or_default();
            panic!("no host of {} plays the role `{role}`{hint}", self.environment);
        }
        with.into_iter()
    }

    /// The host of that name.
    ///
    /// # Panics
    /// There is none.
    #[track_caller]
    pub fn host(&self, name: &str) -> HostPlan<'_> {
        if let Some(host) = self.hosts().find(|host| host.name() == name) {
            return host;
        }
        let names = || self.hosts().map(|host| host.name());
        let hint = hint(name, names(), |near| format!("`{near}`"));
        let hint = hint.unwrap_or_else(|| format!("\n  it has {}", listed(names())));
        panic!("{} has no host `{name}`{hint}", self.environment);
    }
}

/// The plan of one host.
#[derive(Clone, Copy, Debug)]
pub struct HostPlan<'p> {
    of: &'p EnvironmentPlan,
    index: usize,
    host: &'p artifact::Host,
}

/// `web1 of prod`
impl std::fmt::Display for HostPlan<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.name(), self.host.environment)
    }
}

impl<'p> HostPlan<'p> {
    /// Its name.
    pub fn name(self) -> &'p str {
        &self.host.address.name
    }

    /// The roles it plays.
    pub fn roles(self) -> &'p [String] {
        &self.host.roles
    }

    /// All tasks in order, as they are named in plans: `package nginx`, `file /etc/motd`.
    pub fn tasks(self) -> Vec<String> {
        self.all().iter().map(|task| task.resource.to_string()).collect()
    }

    /// A file that is in the plan. The methods of what is returned say what is expected of it; so with all below.
    #[track_caller]
    pub fn file(self, path: &str) -> Tested<'p, File> {
        self.find(path)
    }

    /// A directory that is in the plan.
    #[track_caller]
    pub fn directory(self, path: &str) -> Tested<'p, Directory> {
        self.find(path)
    }

    /// A symbolic link that is in the plan.
    #[track_caller]
    pub fn link(self, path: &str) -> Tested<'p, Link> {
        self.find(path)
    }

    /// A path at which the plan wants nothing.
    #[track_caller]
    pub fn absent(self, path: &str) -> Tested<'p, Absent> {
        self.find(path)
    }

    /// A package that the plan installs.
    #[track_caller]
    pub fn package(self, name: &str) -> Tested<'p, AptPackage> {
        self.find(name).wanted()
    }

    /// A unit file that is in the plan.
    #[track_caller]
    pub fn unit(self, name: &str) -> Tested<'p, Unit> {
        self.find(name)
    }

    /// A service that is in the plan.
    #[track_caller]
    pub fn service(self, name: &str) -> Tested<'p, Service> {
        self.find(name.strip_suffix(".service").unwrap_or(name))
    }

    /// A user that the plan wants.
    #[track_caller]
    pub fn user(self, name: &str) -> Tested<'p, User> {
        self.find(name).wanted()
    }

    /// A group that the plan wants.
    #[track_caller]
    pub fn group(self, name: &str) -> Tested<'p, Group> {
        self.find(name).wanted()
    }

    /// A command that is in the plan, by its name (`.named(…)`, else the first line of its script).
    #[track_caller]
    pub fn command(self, name: &str) -> Tested<'p, Command> {
        self.find(name)
    }

    /// Expects a task: `has("file /etc/motd")`.
    #[track_caller]
    pub fn has(self, task: &str) -> Self {
        self.place(task);
        self
    }

    /// Expects that there is no such task, neither one that makes it nor one that removes it: `has_no("package apache2")`.
    #[track_caller]
    pub fn has_no(self, task: &str) -> Self {
        kind_and_name(task);
        if let Some(found) = self.all().iter().find(|found| found.resource.to_string() == task) {
            panic!("{self} has {task}\n  declared at {}", found.origin);
        }
        self
    }

    /// Expects a task that removes a package, user, group or path: `removes("package apache2")`, `removes("path /etc/x")`.
    #[track_caller]
    pub fn removes(self, what: &str) -> Self {
        let (kind, name) = kind_and_name(what);
        let found = self.all().iter().find_map(|task| {
            let facets = task.resource.facets();
            // What is not there any more may go by another word than the task: `path /etc/x` is removed by `absent /etc/x`.
            let same = (task.resource.kind(), task.resource.name()) == (kind, name)
                || facets.removes
                    && facets.claims.iter().any(|claim| {
                        let (what, called) = claim.parts();
                        what == kind && called == name
                    });
            same.then_some((task, facets.removes))
        });
        match found {
            None => panic!("{self} has no task about {what}"),
            Some((task, false)) => {
                panic!("{self} wants {what} to be there\n  declared at {}", task.origin)
            }
            Some((_, true)) => self,
        }
    }

    fn all(self) -> &'p [plan::Task] {
        let read = || {
            self.of.artifact.plan(self.host).unwrap_or_else(|broken| panic!("{broken}; build the site again"))
        };
        &self.of.plans[self.index].get_or_init(read).tasks
    }

    /// The task of that kind and name.
    #[track_caller]
    fn find<R: Kind>(self, name: &str) -> Tested<'p, R> {
        for (place, task) in self.all().iter().enumerate() {
            if let Some(resource) = R::of(&task.resource).filter(|resource| resource.name() == name) {
                return Tested { host: self, place, task, resource };
            }
        }
        self.lacks(R::KIND, name)
    }

    /// Where the task of that whole name stands.
    #[track_caller]
    fn place(self, task: &str) -> usize {
        let (kind, name) = kind_and_name(task);
        let found = self
            .all()
            .iter()
            .position(|found| found.resource.kind() == kind && found.resource.name() == name);
        match found {
            Some(found) => found,
            None => self.lacks(kind, name),
        }
    }

    #[track_caller]
    fn lacks(self, kind: &str, name: &str) -> ! {
        let mut message = format!("{self} has no {kind} `{name}`");
        let told = |task: &plan::Task| format!("{} ({})", task.resource, task.origin);
        let of_kind: Vec<_> = self.all().iter().filter(|task| task.resource.kind() == kind).collect();
        let other = self.all().iter().find(|task| task.resource.name() == name);
        let near = nearest(name, of_kind.iter().map(|task| task.resource.name()));
        let near = near.and_then(|near| of_kind.iter().find(|task| task.resource.name() == near));
        if let Some(near) = near {
            message += &format!("\n  did you mean {}?", told(near));
        } else if let Some(other) = other {
            message += &format!("\n  it has {}", told(other));
        } else if of_kind.is_empty() {
            message += &format!("\n  it has no {kind} at all");
        } else {
            message += &format!("\n  it has {}", listed(of_kind.iter().map(|task| task.resource.name())));
        }
        panic!("{message}");
    }
}

/// `package nginx`: what tasks are called in plans.
#[track_caller]
fn kind_and_name(task: &str) -> (&str, &str) {
    match task.split_once(' ') {
        Some((kind, name)) if kinds().any(|known| known == kind) => (kind, name),
        Some((kind, _)) => {
            let hint = hint(kind, kinds(), |near| format!("`{near}`")).unwrap_or_default();
            panic!("`{task}` is no name of a task: there is no kind `{kind}`{hint}")
        }
        None => panic!("`{task}` is no name of a task: write its kind before it, as in `package nginx`"),
    }
}

/// The words that names of tasks begin with; `path` for what [`HostPlan::removes`] takes.
fn kinds() -> impl Iterator<Item = &'static str> {
    Resource::KINDS.iter().copied().chain(["path"])
}

/// A line that names the nearest, where there is one.
fn hint<'a>(
    word: &str,
    names: impl IntoIterator<Item = &'a str>,
    told: impl FnOnce(&str) -> String,
) -> Option<String> {
    Some(format!("\n  did you mean {}?", told(nearest(word, names)?)))
}

/// `a`, `b` and 3 more
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 8;
    let all: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    match all.len().checked_sub(MOST) {
        Some(more) if more > 0 => format!("{} and {more} more", all[..MOST].join(", ")),
        _ if all.is_empty() => "none".to_owned(),
        _ => all.join(", "),
    }
}
