//! Users and groups: `/etc/passwd` and `/etc/group`, read by ourselves, because the C library's look-ups load the
//! host's modules into a static program and crash where versions differ. Names that the files lack are asked of
//! `getent`, but only where `/etc/nsswitch.conf` names a source besides the files.

mod parse;
mod processes;
#[cfg(test)]
mod tests;
mod tool;

pub(crate) use tool::in_use;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use paracrine_model::protocol::Failure;

use super::process::{End, Finished, Login, Program};

/// The accounts of the machine, under what a check has predicted.
pub struct Accounts {
    root: PathBuf,
    files: OnceCell<Files>,
    /// What directories such as LDAP said, by what was asked.
    asked: RefCell<BTreeMap<Question, Option<String>>>,
    /// Why a directory could not be asked.
    mute: RefCell<Option<String>>,
    /// Check only: `None` for one that would have been removed.
    users: BTreeMap<String, Option<User>>,
    /// Check only: `None` for one that would have been removed.
    groups: BTreeMap<String, Option<Group>>,
}

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The login name.
    pub name: String,
    /// Its id; `None` for one that is only predicted.
    pub uid: Option<u32>,
    /// Its primary group's id; `None` for one that is only predicted.
    pub gid: Option<u32>,
    /// Its primary group's name, or the id if that has no name.
    pub group: String,
    /// The GECOS field.
    pub comment: String,
    /// Its home.
    pub home: String,
    /// Its login shell.
    pub shell: String,
    /// Groups it is a member of besides the primary one, sorted.
    pub groups: Vec<String>,
}

impl User {
    /// What is needed to run programs as this user.
    ///
    /// # Errors
    /// It is only predicted.
    pub fn login(&self) -> Result<Login, Failure> {
        let (Some(uid), Some(gid)) = (self.uid, self.gid) else {
            return Err(Failure::new(format!("user {} does not exist yet", self.name)));
        };
        Ok(Login { name: self.name.clone(), uid, gid, home: self.home.clone() })
    }
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its id; `None` for one that is only predicted.
    pub gid: Option<u32>,
    /// Its members by name, but those that have it as their primary group.
    pub members: Vec<String>,
}

/// The files as they were read.
#[derive(Default)]
struct Files {
    users: Vec<parse::Entry>,
    groups: Vec<Group>,
    directory: bool,
    /// Why the files could not be read, if they are there.
    wrong: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    User(String),
    Group(String),
}

impl Accounts {
    /// The accounts below `root`.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            files: OnceCell::new(),
            asked: RefCell::default(),
            mute: RefCell::default(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    /// Forgets what was read; called after everything that may have made an account.
    pub fn forget(&mut self) {
        self.files.take();
        self.asked.take();
        self.mute.take();
    }

    /// A user as it is or is predicted.
    pub fn user(&self, name: &str) -> Option<User> {
        let mut user = match self.users.get(name) {
            Some(predicted) => predicted.clone()?,
            None => self.real_user(name)?,
        };
        // Groups that were predicted since, or that would be gone.
        user.groups.retain(|group| !matches!(self.groups.get(group), Some(None)));
        Some(user)
    }

    /// A group as it is or is predicted.
    pub fn group(&self, name: &str) -> Option<Group> {
        match self.groups.get(name) {
            Some(predicted) => predicted.clone(),
            None => self.real_group(name),
        }
    }

    /// A user's id, if it exists and has one already.
    pub fn uid(&self, name: &str) -> Option<u32> {
        match self.users.get(name) {
            Some(predicted) => predicted.as_ref()?.uid,
            None => match self.files().users.iter().find(|user| user.name == name) {
                Some(user) => Some(user.uid),
                None => self.real_user(name)?.uid,
            },
        }
    }

    /// A group's id, if it exists and has one already.
    pub fn gid(&self, name: &str) -> Option<u32> {
        match self.groups.get(name) {
            Some(predicted) => predicted.as_ref()?.gid,
            None => match self.files().groups.iter().find(|group| group.name == name) {
                Some(group) => group.gid,
                None => self.real_group(name)?.gid,
            },
        }
    }

    /// The name of the user with this id: the first, where several have it.
    pub fn user_name(&self, uid: u32) -> Option<String> {
        let predicted = self.users.values().flatten().find(|user| user.uid == Some(uid));
        if let Some(user) = predicted {
            return Some(user.name.clone());
        }
        let name = match self.files().users.iter().find(|user| user.uid == uid) {
            Some(user) => user.name.clone(),
            None => parse::passwd(&self.ask(Question::User(uid.to_string()))?).into_iter().next()?.name,
        };
        // One whose id a check would have changed or that it would have removed is not known by this id any more.
        (!self.users.contains_key(&name)).then_some(name)
    }

    /// The name of the group with this id: the first, where several have it.
    pub fn group_name(&self, gid: u32) -> Option<String> {
        let predicted = self.groups.values().flatten().find(|group| group.gid == Some(gid));
        if let Some(group) = predicted {
            return Some(group.name.clone());
        }
        let name = self.real_group_name(gid)?;
        (!self.groups.contains_key(&name)).then_some(name)
    }

    /// Whether there is such a user, or will be.
    pub fn knows_user(&self, name: &str) -> bool {
        match self.users.get(name) {
            Some(predicted) => predicted.is_some(),
            None => self.uid(name).is_some(),
        }
    }

    /// Whether there is such a group, or will be.
    pub fn knows_group(&self, name: &str) -> bool {
        match self.groups.get(name) {
            Some(predicted) => predicted.is_some(),
            None => self.gid(name).is_some(),
        }
    }

    /// Whether the user is kept in `/etc/passwd`, which is all that can be changed here, or will be.
    pub fn is_local_user(&self, name: &str) -> bool {
        self.users.contains_key(name) || self.files().users.iter().any(|user| user.name == name)
    }

    /// Whether the group is kept in `/etc/group`, which is all that can be changed here, or will be.
    pub fn is_local_group(&self, name: &str) -> bool {
        self.groups.contains_key(name) || self.files().groups.iter().any(|group| group.name == name)
    }

    /// Whether an earlier task of this check would have made the user.
    pub fn predicts_user(&self, name: &str) -> bool {
        matches!(self.users.get(name), Some(Some(_)))
    }

    /// Whether an earlier task of this check would have made the group.
    pub fn predicts_group(&self, name: &str) -> bool {
        matches!(self.groups.get(name), Some(Some(_)))
    }

    /// Names of users and groups that earlier tasks of this check would have made, changed or removed.
    pub fn predicted(&self) -> impl Iterator<Item = &String> {
        self.users.keys().chain(self.groups.keys())
    }

    /// Whether this check has predicted anything about accounts.
    pub fn predicts_anything(&self) -> bool {
        !(self.users.is_empty() && self.groups.is_empty())
    }

    /// Users that have this group as their primary one, sorted.
    pub fn primary_members(&self, group: &str) -> Vec<String> {
        let gid = self.gid(group);
        let real = self.files().users.iter().filter(|user| gid.is_some() && Some(user.gid) == gid);
        let mut members: Vec<String> =
            real.map(|user| user.name.clone()).filter(|name| !self.users.contains_key(name)).collect();
        let predicted = self.users.values().flatten().filter(|user| user.group == group);
        members.extend(predicted.map(|user| user.name.clone()));
        members.sort();
        members
    }

    /// Why not all is known of the accounts: the files are there and cannot be read, or a directory did not answer
    /// what was asked so far. What seems to be missing may be there then.
    pub fn trouble(&self) -> Option<String> {
        self.files().wrong.clone().or_else(|| self.mute.borrow().clone())
    }

    /// Fails where not all of what was asked so far is known.
    ///
    /// # Errors
    /// [`Self::trouble`]
    pub fn all_known(&self) -> Result<(), Failure> {
        self.trouble().map_or(Ok(()), |trouble| Err(Failure::new(trouble)))
    }

    /// Check: a user would be as this says.
    pub fn predict_user(&mut self, user: User) {
        for name in &user.groups {
            if let Some(mut group) = self.group(name)
                && !group.members.contains(&user.name)
            {
                group.members.push(user.name.clone());
                self.groups.insert(name.clone(), Some(group));
            }
        }
        self.users.insert(user.name.clone(), Some(user));
    }

    /// Check: a user would be gone.
    pub fn predict_no_user(&mut self, name: &str) {
        self.users.insert(name.to_owned(), None);
    }

    /// Check: a group would be as this says.
    pub fn predict_group(&mut self, group: Group) {
        self.groups.insert(group.name.clone(), Some(group));
    }

    /// Check: a group would be gone.
    pub fn predict_no_group(&mut self, name: &str) {
        self.groups.insert(name.to_owned(), None);
    }

    fn files(&self) -> &Files {
        self.files.get_or_init(|| Files::read(&self.root))
    }

    fn real_user(&self, name: &str) -> Option<User> {
        let files = self.files();
        let entry = match files.users.iter().find(|user| user.name == name) {
            Some(entry) => entry.clone(),
            None => {
                let answer = self.ask(Question::User(name.to_owned()))?;
                parse::passwd(&answer).into_iter().find(|entry| entry.name == name)?
            }
        };
        let member = |group: &&Group| group.members.contains(&entry.name);
        let mut groups: Vec<String> =
            files.groups.iter().filter(member).map(|group| group.name.clone()).collect();
        groups.sort();
        groups.dedup();
        Some(User {
            group: self.real_group_name(entry.gid).unwrap_or_else(|| entry.gid.to_string()),
            name: entry.name,
            uid: Some(entry.uid),
            gid: Some(entry.gid),
            comment: entry.comment,
            home: entry.home,
            shell: entry.shell,
            groups,
        })
    }

    fn real_group(&self, name: &str) -> Option<Group> {
        if let Some(group) = self.files().groups.iter().find(|group| group.name == name) {
            return Some(group.clone());
        }
        let answer = self.ask(Question::Group(name.to_owned()))?;
        parse::group(&answer).into_iter().find(|group| group.name == name)
    }

    fn real_group_name(&self, gid: u32) -> Option<String> {
        if let Some(group) = self.files().groups.iter().find(|group| group.gid == Some(gid)) {
            return Some(group.name.clone());
        }
        Some(parse::group(&self.ask(Question::Group(gid.to_string()))?).into_iter().next()?.name)
    }

    /// What `getent` says, once per question.
    fn ask(&self, question: Question) -> Option<String> {
        if !self.files().directory {
            return None;
        }
        if let Some(answer) = self.asked.borrow().get(&question) {
            return answer.clone();
        }
        let (database, key) = match &question {
            Question::User(key) => ("passwd", key),
            Question::Group(key) => ("group", key),
        };
        let program =
            Program::new("getent").args([database, "--", key]).separate().timeout(Duration::from_secs(30));
        let answer = match program.run() {
            Ok(finished) if finished.succeeded() => Some(finished.output),
            // It is not there.
            Ok(Finished { end: End::Status(2), .. }) => None,
            Ok(finished) => {
                *self.mute.borrow_mut() = Some(format!("`getent {database} {key}` {}", finished.how()));
                None
            }
            Err(failure) => {
                *self.mute.borrow_mut() = Some(failure.message);
                None
            }
        };
        self.asked.borrow_mut().insert(question, answer.clone());
        answer
    }
}

impl Files {
    fn read(root: &Path) -> Self {
        let mut wrong = None;
        let mut read = |name: &str| match fs::read(root.join(name)) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                wrong = Some(format!("cannot read /{name}: {error}"));
                String::new()
            }
        };
        let users = parse::passwd(&read("etc/passwd"));
        let groups = parse::group(&read("etc/group"));
        // Only the machine itself has directories; a tree somewhere below has not.
        let directory = root == Path::new("/") && parse::asks_directories(&read("etc/nsswitch.conf"));
        Self { users, groups, directory, wrong }
    }
}
