//! Paths as all of the machine sees them: owners have names, what is missing may be brought, and what changes at a path
//! means something to others. Whoever writes a unit file, systemd has to read it.

use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::Failure;

use super::World;
use super::paths::{PathState, Staged, missing_directory};

impl World {
    /// What is at a path, or in a check would be after the tasks before. The last component is never followed.
    ///
    /// # Errors
    /// A directory on the way is none, is a link of somebody else, or may not be searched.
    pub(crate) fn path_state(&mut self, path: &AbsolutePath) -> Result<PathState, Failure> {
        let mut state = self.paths.state(path)?;
        if let Some((uid, gid)) = state.ids {
            state.owner = self.accounts.user_name(uid).unwrap_or_else(|| uid.to_string());
            state.group = self.accounts.group_name(gid).unwrap_or_else(|| gid.to_string());
        }
        Ok(state)
    }

    /// Fails if the directory is missing in which something has to be made, unless in a check a package or command
    /// that is pending may bring it.
    ///
    /// # Errors
    /// That directory, and how to have it made.
    pub(crate) fn require_parent(&self, state: &PathState) -> Result<(), Failure> {
        let Some(missing) = &state.missing_parent else {
            return Ok(());
        };
        match AbsolutePath::parse(missing).ok().and_then(|path| self.path_may_be_brought(&path)) {
            Some(_) => Ok(()),
            None => Err(missing_directory(missing)),
        }
    }

    /// Puts a new file or link in its place.
    ///
    /// # Errors
    /// It cannot be put there; the old one is still there then.
    pub(crate) fn put(&mut self, staged: Staged) -> Result<(), Failure> {
        let path = staged.meant_for().clone();
        self.paths.place(staged)?;
        self.units.changed_path(&path);
        Ok(())
    }

    /// Removes what is at a path, with all that is below.
    ///
    /// # Errors
    /// Something cannot be removed; what could be is gone then.
    pub(crate) fn remove(&mut self, path: &AbsolutePath) -> Result<(), Failure> {
        // Of what is below some may be gone even if all could not be removed.
        self.units.changed_path(path);
        self.paths.remove(path)
    }

    /// Check only: what a task would have made at a path.
    pub(crate) fn predict_path(&mut self, path: &AbsolutePath, state: PathState) {
        if state.is_file_or_link() {
            self.units.predict_path(path);
        }
        self.paths.predict(path, state);
    }

    /// Check only: a path at which nothing would be left.
    pub(crate) fn predict_missing(&mut self, path: &AbsolutePath) {
        self.paths.predict(path, PathState::missing(None));
    }
}
