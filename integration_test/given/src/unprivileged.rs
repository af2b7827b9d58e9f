//! Tests of what only root may do, which root has to run too.

use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

/// Debian's `nobody` and `nogroup`.
const NOBODY: u32 = 65534;

/// Runs the body as somebody who is not root: as `nobody`, if root runs the tests.
///
/// # Panics
/// If the body does.
pub fn unprivileged<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    let done = std::thread::scope(|scope| {
        // On Linux each thread has users and groups of its own; the other tests keep theirs.
        let thread = scope.spawn(|| {
            if crate::is_root() {
                let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
                set_thread_groups(&[])
                    .and_then(|()| set_thread_res_gid(group, group, group))
                    .and_then(|()| set_thread_res_uid(user, user, user))
                    .unwrap_or_else(|error| panic!("root cannot become nobody: {error}"));
            }
            body()
        });
        thread.join()
    });
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::geteuid;

    #[test]
    fn the_body_is_not_roots_and_what_follows_is_as_before() {
        let before = geteuid();
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o555))
            .unwrap();
        let written = unprivileged(|| {
            assert!(!geteuid().is_root());
            std::fs::write(directory.path().join("x"), "")
        });
        assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
        assert_eq!(geteuid(), before);
    }

    #[test]
    #[should_panic(expected = "of the body")]
    fn a_panic_of_the_body_is_one_of_the_test() {
        unprivileged(|| panic!("of the body"));
    }
}
