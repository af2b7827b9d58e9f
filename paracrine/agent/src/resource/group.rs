//! A group of users.

use paracrine_model::protocol::{Difference, Failure};
use paracrine_model::resource::group::Group;

use crate::manage::{Comparison, Manage, Turn};
use crate::world::accounts;
use crate::world::{ACCOUNTS, World};

/// What is known of a group and of those that are in its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    group: Option<accounts::Group>,
    /// Who has the id that it should have.
    taken_by: Option<String>,
    /// Users of whom it is the primary group.
    primary_of: Vec<String>,
    /// Whether it is kept in a directory such as LDAP.
    elsewhere: bool,
}

impl Manage for Group {
    type State = State;

    fn observe(&self, _turn: &Turn<'_>, world: &mut World) -> Result<State, Failure> {
        let name = self.group.as_str();
        let group = world.accounts.group(name);
        let state = State {
            elsewhere: group.is_some() && !world.accounts.is_local_group(name),
            group,
            taken_by: self.gid.and_then(|gid| world.accounts.group_name(gid)).filter(|taker| taker != name),
            primary_of: world.accounts.primary_members(name),
        };
        world.accounts.all_known()?;
        Ok(state)
    }

    fn compare(&self, state: &State, _turn: &Turn<'_>, world: &World) -> Result<Comparison, Failure> {
        let group = &self.group;
        let mut comparison = Comparison::equal();
        match &state.group {
            None if !self.present => return Ok(comparison),
            Some(_) if !self.present => {
                if !state.primary_of.is_empty() {
                    let users = state.primary_of.join(", ");
                    return Err(Failure::new(format!(
                        "the group {group} cannot be removed: it is the primary group of {users}"
                    )));
                }
                comparison.differences.push(Difference::Remove { what: "group".to_owned() });
            }
            None => {
                comparison.differences.push(Difference::Create);
                if let Some(gid) = self.gid {
                    comparison.attribute("gid", None, &gid.to_string());
                }
                // Packages make groups for themselves, of the system's range.
                if self.system {
                    comparison.may = world.may_be_brought(ACCOUNTS);
                }
            }
            Some(there) => {
                if let (Some(gid), before) = (self.gid, there.gid)
                    && before != Some(gid)
                {
                    comparison.attribute(
                        "gid",
                        before.map(|gid| gid.to_string()).as_deref(),
                        &gid.to_string(),
                    );
                }
            }
        }
        if state.elsewhere && !comparison.is_equal() {
            let what = if self.present { "its id cannot be changed" } else { "it cannot be removed" };
            let message = format!("the group {group} is not kept in /etc/group, so {what} here");
            return Err(Failure::new(message).help(
                "it comes from another source of /etc/nsswitch.conf: change it there, or leave it to that",
            ));
        }
        if let (false, Some(gid), Some(taker)) =
            (comparison.is_equal() || !self.present, self.gid, &state.taken_by)
        {
            return Err(Failure::new(format!("the group {group} cannot have the id {gid}: {taker} has it")));
        }
        Ok(comparison)
    }

    fn rehearse(&self, _state: &State, world: &mut World) -> Result<Option<String>, Failure> {
        world.require_accounts_writable().map(|()| None)
    }

    fn apply(&self, state: &State, _turn: &Turn<'_>, world: &mut World) -> Result<(), Failure> {
        world.require_accounts_writable()?;
        let (program, mut options) = match &state.group {
            Some(_) if !self.present => ("groupdel", Vec::new()),
            Some(_) => ("groupmod", Vec::new()),
            None => ("groupadd", if self.system { vec!["--system".to_owned()] } else { Vec::new() }),
        };
        if let (true, Some(gid)) = (self.present, self.gid) {
            options.extend(["--gid".to_owned(), gid.to_string()]);
        }
        world.accounts.run(program, options, self.group.as_str())
    }

    fn tools_write(&self, _differences: &[Difference]) -> &'static [&'static str] {
        &["/etc/passwd"]
    }

    fn predict(&self, state: &State, world: &mut World) {
        let name = self.group.as_str();
        if !self.present {
            world.accounts.predict_no_group(name);
            return;
        }
        let there = state.group.clone().unwrap_or_default();
        let gid = self.gid.or(there.gid);
        world.accounts.predict_group(accounts::Group { name: name.to_owned(), gid, members: there.members });
    }
}

#[cfg(test)]
mod tests;
