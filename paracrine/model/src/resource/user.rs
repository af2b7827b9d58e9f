//! A user.

use serde::{Deserialize, Serialize};

use crate::facet::{Acts, Claim, Describe, Facets, Need, Provided, Reach, Shown, Undo};
use crate::name::{AbsolutePath, AccountName};
use crate::take_apart;
#[cfg(feature = "declare")]
use crate::{declare::Declared, diagnostic::Code, resource::Plan};

/// A user that exists, or does not. What is `None` is left as it is, or as `useradd` makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The login name.
    pub user: AccountName,
    /// Whether it exists.
    pub present: bool,
    /// Made with an id of the system's range and without a home; has a say only when it is made.
    pub system: bool,
    /// Its id.
    pub uid: Option<u32>,
    /// Its primary group, which has to exist; `None`: one of its own name when it is made.
    pub group: Option<AccountName>,
    /// Groups it is a member of, besides others that it may be in.
    pub groups: Vec<AccountName>,
    /// Its home. Made with the user unless the user is a system's; declare a `directory` for those.
    pub home: Option<AbsolutePath>,
    /// Its login shell.
    pub shell: Option<AbsolutePath>,
    /// The full name (GECOS).
    pub comment: Option<String>,
}

impl Describe for User {
    const KIND: &'static str = "user";

    fn name(&self) -> &str {
        self.user.as_str()
    }

    fn facets(&self) -> Facets<'_> {
        take_apart!(let User { user, present, system, uid, group, groups, home, shell, comment } = self; late);
        let (mut needs, mut provides) = (vec![], vec![]);
        if *present {
            needs.extend(
                group.into_iter().chain(groups.iter().copied()).map(|group| Need::Group(group.as_str())),
            );
            provides.push(Provided::User(user.as_str()));
            // `useradd` makes a group of its own name where no other is said.
            provides.extend(group.is_none().then_some(Provided::Group(user.as_str())));
        }
        let mut attributes: Vec<(_, Shown<'_>)> = vec![("present", present.into())];
        attributes.extend(system.then_some(("system", system.into())));
        attributes.extend(uid.map(|uid| ("uid", uid.into())));
        attributes.extend(group.map(|group| ("group", group.into())));
        if !groups.is_empty() {
            let groups: Vec<_> = groups.iter().map(|group| group.as_str()).collect();
            attributes.push(("groups", Shown::said(groups.join(", "))));
        }
        attributes.extend(home.map(|home| ("home", home.into())));
        attributes.extend(shell.map(|shell| ("shell", shell.into())));
        attributes.extend(comment.map(|comment| ("comment", comment.into())));
        Facets {
            late,
            claims: std::iter::once(Claim::User(user.as_str()))
                .chain(uid.filter(|_| *present).map(|uid| Claim::Id("uid", *uid)))
                .collect(),
            needs,
            provides,
            acts: Acts::WhenDifferent,
            removes: !present,
            reach: Reach::Itself,
            undo: Undo::Not("files may belong to an account by now"),
            attributes,
        }
    }
}

#[cfg(feature = "declare")]
impl Plan {
    /// Declares a user.
    #[track_caller]
    pub fn user(&self, name: impl AsRef<str>) -> Declared<'_, User> {
        match self.parse(Code::BAD_NAME, "user", name.as_ref(), AccountName::parse) {
            Some(user) => self.declare(User {
                user,
                present: true,
                system: false,
                uid: None,
                group: None,
                groups: Vec::new(),
                home: None,
                shell: None,
                comment: None,
            }),
            None => self.nothing(),
        }
    }
}

#[cfg(feature = "declare")]
impl Declared<'_, User> {
    /// Makes it with an id of the system's range, without a home directory.
    pub fn system(self) -> Self {
        self.adjust(|user| user.system = true)
    }

    /// Sets its id.
    pub fn uid(self, uid: u32) -> Self {
        self.adjust(|user| user.uid = Some(uid))
    }

    /// Sets its primary group, which has to exist by then.
    #[track_caller]
    pub fn group(self, group: impl AsRef<str>) -> Self {
        let group = self.plan().parse(Code::BAD_NAME, "group", group.as_ref(), AccountName::parse);
        self.adjust_with(group, |user, group| user.group = Some(group))
    }

    /// Makes it a member of these groups; it stays in others that it is in.
    #[track_caller]
    pub fn groups<S: AsRef<str>>(self, groups: impl IntoIterator<Item = S>) -> Self {
        let mut this = self;
        for group in groups {
            let group = self.plan().parse(Code::BAD_NAME, "group", group.as_ref(), AccountName::parse);
            this = this.adjust_with(group, |user, group| {
                user.groups.push(group);
                user.groups.sort();
                user.groups.dedup();
            });
        }
        this
    }

    /// Sets its home.
    #[track_caller]
    pub fn home(self, home: impl AsRef<str>) -> Self {
        let home = self.plan().path(home.as_ref());
        self.adjust_with(home, |user, home| user.home = Some(home))
    }

    /// Sets its login shell.
    #[track_caller]
    pub fn shell(self, shell: impl AsRef<str>) -> Self {
        let shell = self.plan().path(shell.as_ref());
        self.adjust_with(shell, |user, shell| user.shell = Some(shell))
    }

    /// Sets its full name.
    #[track_caller]
    pub fn comment(self, comment: impl AsRef<str>) -> Self {
        let comment = self.plan().parse(Code::BAD_VALUE, "comment", comment.as_ref(), |comment| {
            if comment.contains([':', '\n', '\0']) {
                Err("holds a colon or a line break, which /etc/passwd cannot".into())
            } else {
                Ok(comment.to_owned())
            }
        });
        self.adjust_with(comment, |user, comment| user.comment = Some(comment))
    }

    /// Removes it; its home stays.
    pub fn absent(self) -> Self {
        self.adjust(|user| user.present = false)
    }
}
