//! What the kernel holds in no file.

use std::path::Path;

use paracrine_model::protocol::Failure;

use super::World;
use crate::reason::reason;

impl World {
    /// What the running system calls itself. A tree below another root than `/` does not run.
    pub fn live_hostname(&self) -> Option<String> {
        let runs = self.root == Path::new("/");
        runs.then(|| rustix::system::uname().nodename().to_string_lossy().into_owned())
    }

    /// Has the running system call itself so.
    ///
    /// # Errors
    /// The kernel refuses, as it does in some containers.
    pub fn set_live_hostname(&self, name: &str) -> Result<(), Failure> {
        rustix::system::sethostname(name.as_bytes()).map_err(|error| {
            Failure::new(format!("cannot name the running system {name}: {}", reason(error)))
                .help("in a container, whoever started it may have to name it")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_refuses_a_name_is_told_of() {
        if !given::root() {
            return;
        }
        // Longer than the kernel has room for, so that this machine keeps its name.
        let name = "a".repeat(65);
        let world = World::new("/", Default::default(), |_, _| Err(Failure::new("no contents")));
        assert_eq!(
            world.set_live_hostname(&name),
            Err(Failure::new(format!("cannot name the running system {name}: invalid argument"))
                .help("in a container, whoever started it may have to name it"))
        );
    }

    #[test]
    fn only_what_runs_has_a_name() {
        let root = tempfile::tempdir().unwrap();
        let world =
            |root: &Path| World::new(root, Default::default(), |_, _| Err(Failure::new("no contents")));
        assert_eq!(world(root.path()).live_hostname(), None);
        assert!(world(Path::new("/")).live_hostname().is_some_and(|name| !name.is_empty()));
    }
}
