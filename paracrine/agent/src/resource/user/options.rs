//! What `useradd` and `usermod` are told.

use paracrine_model::name::{AbsolutePath, AccountName};
use paracrine_model::resource::user::User;

use super::State;
use crate::world::accounts;

/// Groups that it should be in and is not.
pub(super) fn lacking(user: &User, there: &accounts::User) -> Vec<String> {
    let lacks = |group: &&AccountName| {
        there.group != group.as_str() && !there.groups.iter().any(|is| is == group.as_str())
    };
    user.groups.iter().filter(lacks).map(ToString::to_string).collect()
}

/// What `useradd` is told.
pub(super) fn creation(user: &User, state: &State) -> Vec<String> {
    let mut options = Vec::new();
    if user.system {
        options.push("--system".to_owned());
    }
    match &user.group {
        Some(group) => options.extend(["--gid".to_owned(), group.to_string()]),
        // `useradd` would refuse to make a second one.
        None if state.own_group => options.extend(["--gid".to_owned(), user.user.to_string()]),
        None => options.push("--user-group".to_owned()),
    }
    options.push(if user.system { "--no-create-home" } else { "--create-home" }.to_owned());
    if !user.groups.is_empty() {
        options.extend(["--groups".to_owned(), join(&user.groups)]);
    }
    attributes(user, None, &mut options);
    options
}

/// What `usermod` is told; nothing if there is nothing to change.
pub(super) fn changes(user: &User, there: &accounts::User) -> Vec<String> {
    let mut options = Vec::new();
    if let Some(group) = user.group.as_ref().filter(|group| group.as_str() != there.group) {
        options.extend(["--gid".to_owned(), group.to_string()]);
    }
    let lacking = lacking(user, there);
    if !lacking.is_empty() {
        options.extend(["--append".to_owned(), "--groups".to_owned(), lacking.join(",")]);
    }
    attributes(user, Some(there), &mut options);
    options
}

/// The options that `useradd` and `usermod` share, for what differs from `there`.
fn attributes(user: &User, there: Option<&accounts::User>, options: &mut Vec<String>) {
    let mut option = |name: &str, value: String| options.extend([name.to_owned(), value]);
    if let Some(uid) = user.uid.filter(|uid| there.is_none_or(|there| there.uid != Some(*uid))) {
        option("--uid", uid.to_string());
    }
    if let Some(home) =
        user.home.as_ref().filter(|home| there.is_none_or(|there| there.home != home.as_str()))
    {
        option("--home", home.to_string());
    }
    let differs = |shell: &&AbsolutePath| there.is_none_or(|there| there.shell != shell.as_str());
    if let Some(shell) = user.shell.as_ref().filter(differs) {
        option("--shell", shell.to_string());
    }
    let differs = |comment: &&String| there.is_none_or(|there| !same_name(&there.comment, comment));
    if let Some(comment) = user.comment.as_ref().filter(differs) {
        option("--comment", comment.clone());
    }
}

fn join(groups: &[AccountName]) -> String {
    groups.iter().map(AccountName::as_str).collect::<Vec<_>>().join(",")
}

/// Whether a GECOS field says this. `adduser` puts room and telephone numbers after the name, or commas for them.
pub(super) fn same_name(field: &str, name: &str) -> bool {
    field == name || (!name.contains(',') && field.split(',').next() == Some(name))
}
