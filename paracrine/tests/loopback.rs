//! Conversations with real sshds: started here, as whoever runs the tests, on 127.0.0.1 with throw-away keys.

#[path = "loopback/kept.rs"]
mod kept;
#[path = "loopback/sshd.rs"]
mod sshd;
#[path = "loopback/talk.rs"]
mod talk;
#[path = "loopback/way.rs"]
mod way;

/// An sshd with these lines in its config; the test is skipped if there is none to be had.
#[macro_export]
macro_rules! sshd_or_return {
    ($more:expr) => {
        if given::program($crate::sshd::SSHD, "openssh-server") {
            $crate::sshd::Sshd::start($more)
        } else {
            return;
        }
    };
}
