//! What keeps a user from being changed, known before anything is touched: its processes, and that it is kept elsewhere.

use paracrine_model::protocol::Failure;
use paracrine_model::resource::user::User;

use super::State;
use super::options::{lacking, same_name};
use crate::world::World;
use crate::world::accounts::{self, in_use};

/// Why a change is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hindrance {
    /// `usermod` and `userdel` refuse while this process runs.
    Process(String),
    /// The user is kept in a directory such as LDAP; what of it should be changed.
    Elsewhere(&'static str),
    /// This group is.
    Group(String),
}

impl Hindrance {
    /// Looked for only where something is to be changed that it would be in the way of.
    pub(super) fn of(user: &User, there: &accounts::User, world: &World) -> Option<Self> {
        let name = user.user.as_str();
        let differing = match user.present {
            true => differing(user, there),
            false => vec!["existence"],
        };
        if let (Some(what), false) = (differing.first(), world.accounts.is_local_user(name)) {
            return Some(Self::Elsewhere(what));
        }
        let foreign =
            |group: &String| world.accounts.knows_group(group) && !world.accounts.is_local_group(group);
        if let Some(group) = lacking(user, there).into_iter().find(foreign).filter(|_| user.present) {
            return Some(Self::Group(group));
        }
        let uid = there.uid.filter(|_| differing.iter().any(|what| REFUSED_WHILE_BUSY.contains(what)))?;
        world.accounts.process_of(name, uid).map(Self::Process)
    }
}

/// What `usermod` and `userdel` leave alone while a process runs as the user.
const REFUSED_WHILE_BUSY: [&str; 3] = ["existence", "id", "home"];

/// What differs of the entry in `/etc/passwd`.
fn differing(user: &User, there: &accounts::User) -> Vec<&'static str> {
    let text = |wanted: Option<&str>, is: &str| wanted.is_some_and(|wanted| wanted != is);
    let differs = [
        ("id", user.uid.is_some_and(|uid| there.uid.is_some_and(|is| is != uid))),
        ("group", text(user.group.as_ref().map(|group| group.as_str()), &there.group)),
        ("home", text(user.home.as_ref().map(|home| home.as_str()), &there.home)),
        ("shell", text(user.shell.as_ref().map(|shell| shell.as_str()), &there.shell)),
        ("comment", user.comment.as_ref().is_some_and(|comment| !same_name(&there.comment, comment))),
    ];
    differs.into_iter().filter_map(|(what, differs)| differs.then_some(what)).collect()
}

/// The files know nothing of members of groups that are kept elsewhere.
pub(super) fn add_groups_kept_elsewhere(user: &User, there: &mut accounts::User, world: &World) {
    for group in lacking(user, there) {
        let elsewhere = Some(&group).filter(|group| !world.accounts.is_local_group(group));
        let members = elsewhere.and_then(|group| world.accounts.group(group)).unwrap_or_default().members;
        if members.contains(&there.name) {
            there.groups.push(group);
            there.groups.sort();
        }
    }
}

pub(super) trait Hindered {
    /// Fails where something is in the way; in a check gives back why it need not be by then.
    fn hindered(&self, state: &State, world: &World) -> Result<Option<String>, Failure>;
}

impl Hindered for User {
    fn hindered(&self, state: &State, world: &World) -> Result<Option<String>, Failure> {
        let name = &self.user;
        let elsewhere =
            "it comes from another source of /etc/nsswitch.conf: change it there, or leave it to that";
        match &state.hindrance {
            None => Ok(None),
            Some(Hindrance::Process(process)) => match world.may_end_processes() {
                Some(because) => Ok(Some(format!("process {process} runs as {name} now; {because}"))),
                None => Err(in_use(name.as_str(), process)),
            },
            Some(Hindrance::Elsewhere("existence")) => {
                let message =
                    format!("the user {name} is not kept in /etc/passwd, so it cannot be removed here");
                Err(Failure::new(message).help(elsewhere))
            }
            Some(Hindrance::Elsewhere(what)) => {
                let message = format!(
                    "the user {name} is not kept in /etc/passwd, so its {what} cannot be changed here"
                );
                Err(Failure::new(message).help(elsewhere))
            }
            Some(Hindrance::Group(group)) => {
                let message = format!(
                    "the group {group} is not kept in /etc/group, so {name} cannot be made a member of it here"
                );
                Err(Failure::new(message).help(elsewhere))
            }
        }
    }
}
