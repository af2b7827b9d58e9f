//! A guarded command.

use serde::{Deserialize, Serialize};

use crate::facet::{Acts, Claim, Describe, Facets, Need, Reach, Readers, Shown, Undo, Who};
use crate::name::{AbsolutePath, AccountName};
use crate::take_apart;
use crate::text::Text;
#[cfg(feature = "declare")]
use crate::{
    declare::{AnyTask, Declared},
    diagnostic::Code,
    resource::Plan,
    trigger::Action,
};

/// In seconds, where nothing else is said.
const TIMEOUT: u32 = 600;

/// A shell command, and how to tell that it has nothing to do.
///
/// Guards are run in a check as well, so they have to leave the host as it is. With several guards the command runs
/// when each of them allows it; a trigger (`run_on`) makes it run whatever the guards say, and a command with
/// nothing but triggers runs only for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// What it is called in plans and reports.
    pub name: String,
    /// What `/bin/sh -e` runs; given on standard input, never as an argument, as it may hold secrets.
    pub script: Text,
    /// Nothing to do when this path exists; it has to exist afterwards.
    pub creates: Option<AbsolutePath>,
    /// Nothing to do when this shell command succeeds; it has to succeed afterwards.
    pub unless: Option<String>,
    /// Something to do only when this shell command succeeds.
    pub only_if: Option<String>,
    /// Who runs it; root where nothing is said.
    pub user: Option<AccountName>,
    /// Where it runs; `/` where nothing is said.
    pub directory: Option<AbsolutePath>,
    /// Seconds after which it is ended and has failed; 600 where nothing is said.
    pub timeout: u32,
    /// What it changes at the most: what is at these paths and below, besides what it creates. `None`: it does not say, so it
    /// may be anything.
    pub changes: Option<Vec<AbsolutePath>>,
    /// Why a secret may stand where others can read it.
    pub exposed: Option<String>,
}

impl Command {
    /// Whether anything but a trigger tells when it has nothing to do.
    pub fn is_guarded(&self) -> bool {
        self.creates.is_some() || self.unless.is_some() || self.only_if.is_some()
    }
}

impl Describe for Command {
    const KIND: &'static str = "command";

    fn name(&self) -> &str {
        &self.name
    }

    fn facets(&self) -> Facets<'_> {
        take_apart!(
            let Command {
                name, script, creates, unless, only_if, user, directory, timeout, changes, exposed,
            } = self; late
        );
        let script = script.read_by(Readers { who: Who::Arguments, exposed: exposed.map(String::as_str) });
        let mut attributes: Vec<(_, Shown<'_>)> = vec![("script", script.into())];
        attributes.extend(creates.map(|path| ("creates", path.into())));
        attributes.extend(unless.map(|command| ("unless", command.into())));
        attributes.extend(only_if.map(|command| ("only_if", command.into())));
        attributes.extend(user.map(|user| ("user", user.into())));
        attributes.extend(directory.map(|path| ("directory", path.into())));
        attributes
            .extend((*timeout != TIMEOUT).then(|| ("timeout", Shown::said(format_args!("{timeout} s")))));
        attributes.extend(changes.as_ref().map(|paths| ("changes", Shown::said(listed(paths)))));
        attributes.extend(exposed.map(|reason| ("exposed", reason.into())));
        Facets {
            late: late.tell(script),
            claims: vec![Claim::Command(name)],
            needs: user
                .map(|user| Need::User(user.as_str()))
                .into_iter()
                .chain(directory.map(Need::Path))
                .collect(),
            // What it makes at `creates` may be a file as well as a directory.
            provides: vec![],
            acts: if self.is_guarded() {
                Acts::WhenGuardsSay
            } else {
                Acts::WhenTriggered {
                    instead: &[
                        "say when it has nothing to do: `.creates(path)`, `.unless(command)`, `.only_if(command)`",
                        "or what makes it run: `.run_on(&task)`",
                    ],
                }
            },
            removes: false,
            reach: match changes {
                Some(paths) => Reach::Paths(paths),
                None => Reach::Anything,
            },
            undo: Undo::Not("nobody knows what a command did"),
            attributes,
        }
    }
}

/// `/srv/app, /var/cache/app`
fn listed(paths: &[&AbsolutePath]) -> String {
    let paths: Vec<&str> = paths.iter().map(|path| path.as_str()).collect();
    if paths.is_empty() { "nothing".to_owned() } else { paths.join(", ") }
}

#[cfg(feature = "declare")]
impl Plan {
    /// Declares a shell command. It needs a guard: `creates`, `unless`, `only_if` or `run_on`; without one the site
    /// does not build. Its name is the script's first line unless `.named(…)` says better.
    ///
    /// What it has left running when it ends lives on. A run that is broken off or killed before takes with it all that it
    /// has started, but for packages that are being installed, which come to their end.
    #[track_caller]
    pub fn command(&self, script: impl Into<Text>) -> Declared<'_, Command> {
        let script = script.into();
        let shown = script.to_string();
        let name = shown.trim().lines().next().unwrap_or_default().to_owned();
        if name.is_empty() {
            self.wrong(Code::BAD_VALUE, "a command is empty", "declared here");
            return self.nothing();
        }
        self.declare(Command {
            name,
            script,
            creates: None,
            unless: None,
            only_if: None,
            user: None,
            directory: None,
            timeout: TIMEOUT,
            changes: None,
            exposed: None,
        })
    }
}

#[cfg(feature = "declare")]
impl Declared<'_, Command> {
    /// Names it in plans and reports.
    #[track_caller]
    pub fn named(self, name: impl AsRef<str>) -> Self {
        let name = self.plan().parse(Code::BAD_VALUE, "name", name.as_ref(), |name| {
            if name.is_empty() || name.contains('\n') {
                Err("is empty or holds a line break".into())
            } else {
                Ok(name.to_owned())
            }
        });
        self.adjust_with(name, |command, name| command.name = name)
    }

    /// Nothing to do when `path` exists. The command has to make it.
    #[track_caller]
    pub fn creates(self, path: impl AsRef<str>) -> Self {
        let path = self.plan().path(path.as_ref());
        self.adjust_with(path, |command, path| command.creates = Some(path)).consistent()
    }

    /// Nothing to do when the shell command `guard` succeeds. It has to succeed after the command has run.
    #[track_caller]
    pub fn unless(self, guard: impl AsRef<str>) -> Self {
        let guard = self.plan().parse(Code::BAD_VALUE, "guard", guard.as_ref(), not_blank);
        self.adjust_with(guard, |command, guard| command.unless = Some(guard))
    }

    /// Something to do only when the shell command `guard` succeeds.
    #[track_caller]
    pub fn only_if(self, guard: impl AsRef<str>) -> Self {
        let guard = self.plan().parse(Code::BAD_VALUE, "guard", guard.as_ref(), not_blank);
        self.adjust_with(guard, |command, guard| command.only_if = Some(guard))
    }

    /// Runs it when the earlier task has changed something.
    #[track_caller]
    pub fn run_on(self, task: &dyn AnyTask) -> Self {
        self.triggered(task, Action::Run)
    }

    /// Runs it as this user.
    #[track_caller]
    pub fn user(self, user: impl AsRef<str>) -> Self {
        let user = self.plan().parse(Code::BAD_NAME, "user", user.as_ref(), AccountName::parse);
        self.adjust_with(user, |command, user| command.user = Some(user))
    }

    /// Runs it in this directory.
    #[track_caller]
    pub fn directory(self, path: impl AsRef<str>) -> Self {
        let path = self.plan().path(path.as_ref());
        self.adjust_with(path, |command, path| command.directory = Some(path))
    }

    /// Promises that it changes nothing but what is at these paths and below, and what it `creates`. Without a promise a
    /// check has to take it for possible that a command that will be run changes anything, and says of what could depend on
    /// that that it may change. A promise that is not kept shows when an apply looks at the whole plan at its end.
    #[track_caller]
    pub fn changes<S: AsRef<str>>(self, paths: impl IntoIterator<Item = S>) -> Self {
        let (mut this, mut none) = (self, true);
        // A plain loop: `track_caller` does not reach into closures.
        for path in paths {
            none = false;
            let path = this.plan().path(path.as_ref());
            this = this.adjust_with(path, |command, path| {
                let changes = command.changes.get_or_insert_default();
                changes.push(path);
                changes.sort();
                changes.dedup();
            });
        }
        if none {
            let message =
                "`changes` names no path: of a command that changes nothing say `.changes_nothing()`";
            self.plan().wrong(Code::BAD_VALUE, message, "declared here");
        }
        this
    }

    /// Promises that it changes nothing that a task of the plan could see: it only tells somebody, or looks.
    #[track_caller]
    pub fn changes_nothing(self) -> Self {
        let mut promised = false;
        let this = self.adjust(|command| {
            promised = command.changes.as_ref().is_some_and(|paths| !paths.is_empty());
            command.changes = Some(Vec::new());
        });
        if promised {
            let message = "a command says that it changes paths, and that it changes nothing";
            self.plan().wrong(Code::BAD_VALUE, message, "declared here");
        }
        this.consistent()
    }

    /// Reports a command that creates something and changes nothing.
    #[track_caller]
    fn consistent(self) -> Self {
        let mut made = None;
        let this = self.adjust(|command| {
            let nothing = command.changes.as_ref().is_some_and(Vec::is_empty);
            made = command.creates.clone().filter(|_| nothing);
        });
        if let Some(path) = made {
            let message = format!("a command that creates `{path}` does not change nothing");
            self.plan().wrong(Code::BAD_VALUE, message, "declared here");
        }
        this
    }

    /// Ends it after so many seconds; it has failed then.
    #[track_caller]
    pub fn timeout(self, seconds: u32) -> Self {
        if seconds == 0 {
            self.plan().wrong(Code::BAD_VALUE, "a timeout of 0 seconds ends every command", "declared here");
            return self;
        }
        self.adjust(|command| command.timeout = seconds)
    }

    /// Allows a secret to stand where others than its users can read it, for this reason; without it, that is an error.
    #[track_caller]
    pub fn expose(self, reason: impl AsRef<str>) -> Self {
        let reason = self.plan().parse(Code::BAD_VALUE, "reason", reason.as_ref(), super::reason);
        self.adjust_with(reason, |command, reason| command.exposed = Some(reason))
    }
}

#[cfg(feature = "declare")]
fn not_blank(guard: &str) -> Result<String, String> {
    if guard.trim().is_empty() { Err("is empty".into()) } else { Ok(guard.to_owned()) }
}
