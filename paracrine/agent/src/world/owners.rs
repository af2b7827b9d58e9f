//! Owners and groups that a task asks for.

use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::Failure;

use super::paths::PathState;
use super::{ACCOUNTS, World};

/// An owner and a group on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owners {
    user: (String, Option<u32>),
    group: (String, Option<u32>),
}

impl World {
    /// Looks up the owner and group that something should have. Where it has them already, `state` is told to name
    /// them so: two names may mean one number.
    pub(crate) fn owners(&mut self, owner: &str, group: &str, state: &mut PathState) -> Owners {
        let (uid, gid) = (self.accounts.uid(owner), self.accounts.gid(group));
        if let Some((user, owners)) = state.ids {
            if uid == Some(user) {
                owner.clone_into(&mut state.owner);
            }
            if gid == Some(owners) {
                group.clone_into(&mut state.group);
            }
        }
        Owners { user: (owner.to_owned(), uid), group: (group.to_owned(), gid) }
    }

    /// Fails if the owner or group does not exist, unless in a check an earlier task may make it.
    ///
    /// # Errors
    /// Which, and how to have it made.
    pub(crate) fn require_owners(&self, owners: &Owners) -> Result<(), Failure> {
        let (user, group) = (&owners.user, &owners.group);
        if let (true, Some(trouble)) = (user.1.is_none() || group.1.is_none(), self.accounts.trouble()) {
            return Err(Failure::new(trouble));
        }
        if user.1.is_none()
            && !self.accounts.predicts_user(&user.0)
            && self.may_be_brought(ACCOUNTS).is_none()
        {
            return Err(missing_user(&user.0));
        }
        if group.1.is_none()
            && !self.accounts.predicts_group(&group.0)
            && self.may_be_brought(ACCOUNTS).is_none()
        {
            return Err(missing_group(&group.0));
        }
        Ok(())
    }
}

impl World {
    /// Fails if the files in which accounts are kept cannot be replaced, which is what `usermod` and the like do.
    ///
    /// # Errors
    /// What stands in the way.
    pub(crate) fn require_accounts_writable(&mut self) -> Result<(), Failure> {
        for path in ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"] {
            let Ok(path) = AbsolutePath::parse(path) else { continue };
            if let Some(obstacle) = self.paths.obstacle(&path)? {
                return Err(obstacle);
            }
        }
        Ok(())
    }
}

impl Owners {
    /// Their numbers.
    ///
    /// # Errors
    /// One does not exist.
    pub(crate) fn ids(&self) -> Result<(u32, u32), Failure> {
        let uid = self.user.1.ok_or_else(|| missing_user(&self.user.0))?;
        let gid = self.group.1.ok_or_else(|| missing_group(&self.group.0))?;
        Ok((uid, gid))
    }
}

fn missing_user(name: &str) -> Failure {
    Failure::new(format!("the user {name} does not exist"))
        .help(format!("declare it before, with `plan.user(\"{name}\")`, or the package that brings it"))
}

fn missing_group(name: &str) -> Failure {
    Failure::new(format!("the group {name} does not exist"))
        .help(format!("declare it before, with `plan.group(\"{name}\")`, or the package that brings it"))
}
