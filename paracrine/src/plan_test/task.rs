//! What can be expected of one task.

use paracrine_model::content::Content;
use paracrine_model::diagnostic::nearest;
use paracrine_model::plan::{self, Action, Origin};
use paracrine_model::resource::Kind;
use paracrine_model::resource::apt_package::{AptPackage, PackageState};
use paracrine_model::resource::command::Command;
use paracrine_model::resource::file::File;
use paracrine_model::resource::group::Group;
use paracrine_model::resource::link::Link;
use paracrine_model::resource::owned::{Moded, Owned};
use paracrine_model::resource::service::Service;
use paracrine_model::resource::unit::Unit;
use paracrine_model::resource::user::User;

use super::HostPlan;

/// So many lines of a content are shown when something is not in it.
const MOST_LINES: usize = 40;

/// A task of a host's plan. Its methods say what is expected of it, panic where that is not so, and can be chained.
#[derive(Debug)]
pub struct Tested<'p, R> {
    pub(super) host: HostPlan<'p>,
    pub(super) place: usize,
    pub(super) task: &'p plan::Task,
    pub(super) resource: &'p R,
}

// Not derived: that would ask the same of the resource.
impl<R> Clone for Tested<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Tested<'_, R> {}

impl<'p, R: Kind> Tested<'p, R> {
    /// The resource, for what no method here expects.
    pub fn resource(self) -> &'p R {
        self.resource
    }

    /// The line of a role that declared it.
    pub fn origin(self) -> &'p Origin {
        &self.task.origin
    }

    /// Expects it to be done later than another task: `comes_after("package nginx")`.
    #[track_caller]
    pub fn comes_after(self, task: &str) -> Self {
        if self.host.place(task) >= self.place {
            self.fails(&format!("comes before {task}"));
        }
        self
    }

    /// The text of its file, secrets by name; `None` where it has none or it is no text.
    pub fn text(self) -> Option<String> {
        match self.task.resource.content()? {
            Content::Late(text) => Some(text.to_string()),
            Content::Blob { hash, .. } => {
                std::str::from_utf8(self.host.of.artifact.blob(hash)?).ok().map(str::to_owned)
            }
        }
    }

    /// Expects that it is there, not taken away.
    #[track_caller]
    pub(super) fn wanted(self) -> Self {
        if self.task.resource.facets().removes {
            self.fails(&format!(
                "is removed\n  expected as such it is `removes(\"{}\")`",
                self.task.resource
            ));
        }
        self
    }

    /// `file /etc/motd of web1 of prod …`, and which line declared it.
    #[track_caller]
    fn fails(self, how: &str) -> ! {
        panic!("{} of {} {how}\n  declared at {}", self.task.resource, self.host, self.task.origin);
    }

    #[track_caller]
    fn expect<T: PartialEq>(self, what: &str, is: T, wanted: T, shown: impl Fn(&T) -> String) -> Self {
        if is != wanted {
            self.fails(&format!("has {what} {}, not {}", shown(&is), shown(&wanted)));
        }
        self
    }

    #[track_caller]
    fn expect_text(self) -> String {
        match self.text() {
            Some(text) => text,
            None => self.fails("holds no text"),
        }
    }

    #[track_caller]
    fn holds(self, text: &str, wanted: &str, so: bool, what: &str) -> Self {
        if so {
            return self;
        }
        let near = nearest(wanted.trim(), text.lines().map(str::trim));
        let near = near.map(|near| format!("\n  did you mean `{near}`?")).unwrap_or_default();
        self.fails(&format!("{what} `{wanted}`{near}{}", shown(text)))
    }

    #[track_caller]
    fn acts_on(self, action: Action, task: &str) -> Self {
        let on = self.host.place(task);
        let same = |trigger: &&plan::Trigger| usize::try_from(trigger.on) == Ok(on);
        match self.task.triggers.iter().filter(same).find(|trigger| trigger.action == action) {
            Some(_) => self,
            None => {
                let name = |trigger: &plan::Trigger| {
                    let on = self.host.all().get(usize::try_from(trigger.on).ok()?)?;
                    Some(format!("\n  it does {} when {} changes", trigger.action, on.resource))
                };
                let others: String = self.task.triggers.iter().filter_map(name).collect();
                self.fails(&format!("does not {action} when {task} changes{others}"))
            }
        }
    }
}

/// The content below a message.
fn shown(text: &str) -> String {
    let mut lines: Vec<_> = text.lines().take(MOST_LINES).map(|line| format!("\n  │ {line}")).collect();
    let more = text.lines().count().saturating_sub(MOST_LINES);
    if more > 0 {
        lines.push(format!("\n  │ … {more} more lines"));
    }
    lines.concat()
}

fn mode_shown(mode: &u32) -> String {
    format!("{mode:04o}")
}

fn quoted(name: &&str) -> String {
    format!("`{name}`")
}

macro_rules! with_text {
    ($($resource:ty),+) => { $(
        impl Tested<'_, $resource> {
            /// Expects this text somewhere in it; secrets stand as `‹secret NAME›`.
            #[track_caller]
            pub fn contains(self, wanted: &str) -> Self {
                let text = self.expect_text();
                self.holds(&text, wanted, text.contains(wanted), "does not contain")
            }

            /// Expects this text nowhere in it.
            #[track_caller]
            pub fn lacks(self, unwanted: &str) -> Self {
                let text = self.expect_text();
                let number = text.find(unwanted).map(|at| text[..at].matches('\n').count() + 1);
                match number {
                    Some(number) => self.fails(&format!("contains `{unwanted}` in line {number}{}", shown(&text))),
                    None => self,
                }
            }

            /// Expects this line, but for the space around it.
            #[track_caller]
            pub fn has_line(self, wanted: &str) -> Self {
                let text = self.expect_text();
                let so = text.lines().any(|line| line.trim() == wanted.trim());
                self.holds(&text, wanted, so, "has no line")
            }

            /// Expects its content to come from this template or local file: `is_from("templates/app.nginx.j2")`.
            #[track_caller]
            pub fn is_from(self, source: &str) -> Self {
                let is = self.task.source.as_deref().unwrap_or("no file");
                self.expect("its content from", is, source, quoted)
            }
        }
    )+ };
}
with_text!(File, Unit);

impl<R: Kind + Moded> Tested<'_, R> {
    /// Expects this mode, like `0o644`.
    #[track_caller]
    pub fn mode(self, mode: u32) -> Self {
        self.expect("mode", self.resource.mode().bits(), mode, mode_shown)
    }
}

impl<R: Kind + Owned> Tested<'_, R> {
    /// Expects this owner.
    #[track_caller]
    pub fn owner(self, owner: &str) -> Self {
        self.expect("owner", self.resource.owner().as_str(), owner, quoted)
    }

    /// Expects this group.
    #[track_caller]
    pub fn group(self, group: &str) -> Self {
        self.expect("group", self.resource.group().as_str(), group, quoted)
    }
}

impl Tested<'_, Link> {
    /// Expects it to say this.
    #[track_caller]
    pub fn leads_to(self, target: &str) -> Self {
        self.expect("target", self.resource.target.as_str(), target, quoted)
    }
}

impl Tested<'_, AptPackage> {
    /// Expects that the plan asks for this version or a later one, in these words.
    #[track_caller]
    pub fn at_least(self, version: &str) -> Self {
        let is = match &self.resource.state {
            PackageState::AtLeast(version) => version.as_str(),
            PackageState::Present | PackageState::Absent => "any",
        };
        self.expect("minimum version", is, version, quoted)
    }
}

impl Tested<'_, Service> {
    /// Expects it to start at boot.
    #[track_caller]
    pub fn is_enabled(self) -> Self {
        self.says("enabled", self.resource.enabled, true)
    }

    /// Expects it not to start at boot.
    #[track_caller]
    pub fn is_disabled(self) -> Self {
        self.says("enabled", self.resource.enabled, false)
    }

    /// Expects it to run.
    #[track_caller]
    pub fn is_running(self) -> Self {
        self.says("running", self.resource.running, true)
    }

    /// Expects it not to run.
    #[track_caller]
    pub fn is_stopped(self) -> Self {
        self.says("running", self.resource.running, false)
    }

    /// Expects that nobody can start it.
    #[track_caller]
    pub fn is_masked(self) -> Self {
        self.says("masked", self.resource.masked, true)
    }

    /// Expects a restart when this task changes something: `restarts_on("file /etc/app/secrets.env")`.
    #[track_caller]
    pub fn restarts_on(self, task: &str) -> Self {
        self.acts_on(Action::Restart, task)
    }

    /// Expects a reload when this task changes something.
    #[track_caller]
    pub fn reloads_on(self, task: &str) -> Self {
        self.acts_on(Action::Reload, task)
    }

    #[track_caller]
    fn says(self, what: &str, is: Option<bool>, wanted: bool) -> Self {
        let shown = |says: &Option<bool>| match says {
            Some(true) => "`yes`".to_owned(),
            Some(false) => "`no`".to_owned(),
            None => "left as it is".to_owned(),
        };
        self.expect(what, is, Some(wanted), shown)
    }
}

impl Tested<'_, User> {
    /// Expects it to be a member of this group, which may be its primary one.
    #[track_caller]
    pub fn is_in(self, group: &str) -> Self {
        let groups: Vec<_> =
            self.resource.groups.iter().chain(&self.resource.group).map(|group| group.as_str()).collect();
        if !groups.contains(&group) {
            let shown = if groups.is_empty() { "no group".to_owned() } else { groups.join(", ") };
            self.fails(&format!("is not in `{group}`, but in {shown}"));
        }
        self
    }

    /// Expects this home.
    #[track_caller]
    pub fn home(self, home: &str) -> Self {
        self.expect(
            "home",
            self.resource.home.as_ref().map_or("left as it is", |home| home.as_str()),
            home,
            quoted,
        )
    }

    /// Expects this login shell.
    #[track_caller]
    pub fn shell(self, shell: &str) -> Self {
        self.expect(
            "shell",
            self.resource.shell.as_ref().map_or("left as it is", |shell| shell.as_str()),
            shell,
            quoted,
        )
    }
}

impl Tested<'_, Group> {
    /// Expects this id.
    #[track_caller]
    pub fn gid(self, gid: u32) -> Self {
        let shown = |gid: &Option<u32>| gid.map_or("left as it is".to_owned(), |gid| gid.to_string());
        self.expect("id", self.resource.gid, Some(gid), shown)
    }
}

impl Tested<'_, Command> {
    /// Expects this text somewhere in its script; secrets stand as `‹secret NAME›`.
    #[track_caller]
    pub fn contains(self, wanted: &str) -> Self {
        let script = self.resource.script.to_string();
        self.holds(&script, wanted, script.contains(wanted), "does not contain")
    }

    /// Expects it to run when this task changes something.
    #[track_caller]
    pub fn runs_on(self, task: &str) -> Self {
        self.acts_on(Action::Run, task)
    }

    /// Expects that it has nothing to do when this path exists.
    #[track_caller]
    pub fn creates(self, path: &str) -> Self {
        self.expect(
            "`creates`",
            self.resource.creates.as_ref().map_or("none", |path| path.as_str()),
            path,
            quoted,
        )
    }

    /// Expects it to promise that it changes nothing but what is at these paths and below; none: nothing at all.
    #[track_caller]
    pub fn changes(self, paths: &[&str]) -> Self {
        let shown = |paths: &[&str]| match paths {
            [] => "nothing".to_owned(),
            paths => paths.join(", "),
        };
        let promised = self.resource.changes.as_ref().map_or("anything".to_owned(), |promised| {
            shown(&promised.iter().map(|path| path.as_str()).collect::<Vec<_>>())
        });
        let mut wanted = paths.to_vec();
        wanted.sort_unstable();
        self.expect("what it changes", &*promised, &*shown(&wanted), quoted)
    }

    /// Expects this user to run it.
    #[track_caller]
    pub fn runs_as(self, user: &str) -> Self {
        self.expect("user", self.resource.user.as_ref().map_or("root", |user| user.as_str()), user, quoted)
    }
}
