//! A user.

mod hindrance;
mod home;
mod options;
#[cfg(test)]
mod tests;

use paracrine_model::name::AccountName;
use paracrine_model::protocol::{Difference, Failure};
use paracrine_model::resource::user::User;

use crate::manage::{Comparison, Manage, Turn};
use crate::world::accounts;
use crate::world::paths::{PathKind, PathState};
use crate::world::{ACCOUNTS, World};

use hindrance::{Hindered, Hindrance};
use home::{has_user_groups, home, left_as_it_is, predict_home};
use options::{changes, creation, lacking, same_name};

/// What is known of a user and of what it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    user: Option<accounts::User>,
    /// Groups that it should be in and that do not exist, the primary one among them.
    missing_groups: Vec<String>,
    /// Who has the id that it should have.
    taken_by: Option<String>,
    /// Whether there is a group of its name.
    own_group: bool,
    /// What is at its home.
    home: Option<PathState>,
    /// What keeps it from being changed as it should be.
    hindrance: Option<Hindrance>,
}

impl Manage for User {
    type State = State;

    fn observe(&self, _turn: &Turn<'_>, world: &mut World) -> Result<State, Failure> {
        let name = self.user.as_str();
        let wanted = self.group.iter().chain(&self.groups).map(AccountName::as_str);
        let missing = wanted.filter(|group| !world.accounts.knows_group(group)).map(str::to_owned).collect();
        let home = home(self);
        let mut user = world.accounts.user(name);
        if let Some(user) = &mut user {
            hindrance::add_groups_kept_elsewhere(self, user, world);
        }
        let state = State {
            hindrance: user.as_ref().and_then(|there| Hindrance::of(self, there, world)),
            user,
            missing_groups: missing,
            taken_by: self.uid.and_then(|uid| world.accounts.user_name(uid)).filter(|taker| taker != name),
            own_group: world.accounts.knows_group(name),
            home: home.and_then(|home| world.path_state(&home).ok()),
        };
        world.accounts.all_known()?;
        Ok(state)
    }

    fn compare(&self, state: &State, _turn: &Turn<'_>, world: &World) -> Result<Comparison, Failure> {
        let name = &self.user;
        let mut comparison = Comparison::equal();
        if !self.present {
            if state.user.is_some() {
                comparison.differences.push(Difference::Remove { what: "user".to_owned() });
                comparison.may = self.hindered(state, world)?;
            }
            return Ok(comparison);
        }
        if state.user.is_none() {
            comparison.differences.push(Difference::Create);
        }
        let there = state.user.clone().unwrap_or_default();
        let before = |text: &str| state.user.as_ref().map(|_| text.to_owned());
        if let Some(uid) = self.uid {
            comparison.attribute("uid", there.uid.map(|uid| uid.to_string()).as_deref(), &uid.to_string());
        }
        if let Some(group) = &self.group {
            comparison.attribute("group", before(&there.group).as_deref(), group.as_str());
        }
        let lacking = lacking(self, &there);
        if !lacking.is_empty() {
            // What it has and will have, as it is a member of other groups that the plan does not know.
            let mut after = there.groups.clone();
            after.extend(lacking);
            after.sort();
            let is = Some(there.groups.join(", ")).filter(|groups| !groups.is_empty());
            comparison.attribute("groups", is.as_deref(), &after.join(", "));
        }
        if let Some(home) = &self.home {
            comparison.attribute("home", before(&there.home).as_deref(), home.as_str());
        }
        if let Some(shell) = &self.shell {
            comparison.attribute("shell", before(&there.shell).as_deref(), shell.as_str());
        }
        if let Some(comment) = &self.comment
            && (state.user.is_none() || !same_name(&there.comment, comment))
        {
            comparison.attribute("comment", before(&there.comment).as_deref(), comment);
        }
        if comparison.is_equal() {
            return Ok(comparison);
        }
        if let (Some(uid), Some(taker)) = (self.uid, &state.taken_by)
            && there.uid != Some(uid)
        {
            return Err(Failure::new(format!("the user {name} cannot have the id {uid}: {taker} has it")));
        }
        if let Some(group) = state.missing_groups.first() {
            match world.may_be_brought(ACCOUNTS) {
                Some(because) => comparison.may = Some(format!("the group {group} is missing; {because}")),
                None => {
                    return Err(Failure::new(format!("the group {group} does not exist")).help(format!(
                        "declare it before, with `plan.group(\"{group}\")`, or the package that brings it"
                    )));
                }
            }
        }
        if comparison.may.is_none() {
            comparison.may = self.hindered(state, world)?;
        }
        // Packages make users for themselves, of the system's range.
        if state.user.is_none() && self.system && comparison.may.is_none() {
            comparison.may = world.may_be_brought(ACCOUNTS);
        }
        Ok(comparison)
    }

    fn apply(&self, state: &State, _turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
        world.require_accounts_writable()?;
        let name = self.user.as_str();
        let done = match &state.user {
            Some(_) if !self.present => world.accounts.run("userdel", Vec::new(), name),
            None if !self.present => Ok(()),
            Some(there) if !world.accounts.is_local_user(name) => {
                let add = |group: String| {
                    world.accounts.run("gpasswd", vec!["--add".to_owned(), name.to_owned()], &group)
                };
                lacking(self, there).into_iter().try_for_each(add)
            }
            Some(there) => match changes(self, there) {
                changes if changes.is_empty() => Ok(()),
                changes => world.accounts.run("usermod", changes, name),
            },
            None => world.accounts.run("useradd", creation(self, state), name),
        };
        // A home may have been made.
        world.paths.forget();
        done?;
        world.notices.extend(left_as_it_is(self, state, world));
        Ok(())
    }

    fn rehearse(&self, state: &State, world: &mut World) -> Result<Option<String>, Failure> {
        world.require_accounts_writable()?;
        world.notices.extend(left_as_it_is(self, state, world));
        Ok(None)
    }

    fn tools_write(&self, _differences: &[Difference]) -> &'static [&'static str] {
        &["/etc/passwd"]
    }

    fn predict(&self, state: &State, world: &mut World) {
        let name = self.user.as_str();
        if !self.present {
            // As `userdel` does where each user has a group: it goes as well, unless others are in it.
            let primary = state.user.as_ref().is_some_and(|user| user.group == name);
            let own = world.accounts.group(name);
            world.accounts.predict_no_user(name);
            let others = own.is_none_or(|own| own.members.iter().any(|member| member != name))
                || !world.accounts.primary_members(name).is_empty();
            if primary && !others && has_user_groups(world) {
                world.accounts.predict_no_group(name);
            }
            return;
        }
        let new = state.user.is_none();
        let mut user = state.user.clone().unwrap_or_else(|| accounts::User {
            name: name.to_owned(),
            group: name.to_owned(),
            home: home(self).map(|home| home.to_string()).unwrap_or_default(),
            ..accounts::User::default()
        });
        if new && self.group.is_none() && !state.own_group {
            world.accounts.predict_group(accounts::Group { name: name.to_owned(), ..Default::default() });
        }
        user.uid = self.uid.or(user.uid);
        if let Some(group) = &self.group
            && user.group != group.as_str()
        {
            user.group = group.to_string();
            user.gid = world.accounts.gid(group.as_str());
        }
        let lacking = lacking(self, &user);
        user.groups.extend(lacking);
        user.groups.sort();
        for (field, value) in [(&mut user.home, &self.home), (&mut user.shell, &self.shell)] {
            if let Some(value) = value {
                value.as_str().clone_into(field);
            }
        }
        if let Some(comment) = &self.comment {
            comment.clone_into(&mut user.comment);
        }
        let primary = user.group.clone();
        world.accounts.predict_user(user);
        let there = state.home.as_ref().is_some_and(|home| home.kind != PathKind::Missing);
        if let (true, false, false, Some(home)) = (new, self.system, there, home(self)) {
            predict_home(&home, name, &primary, world);
        }
    }
}
