//! The executable that the controller puts on hosts. It is started by the bootstrap as `paracrine-agent serve NONCE`
//! and talks over standard input and output; `probe` only proves that it can be started. As `keep` it is started by itself.

use std::process::ExitCode;

use paracrine_agent::world::process::keeper;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|word| word == keeper::WORD) {
        return keeper::keep(std::env::args_os().skip(2));
    }
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (Some("probe"), None, None) => ExitCode::SUCCESS,
        (Some("serve"), Some(nonce), None) => {
            leave_no_core();
            paracrine_agent::serve::serve(&nonce)
        }
        _ => {
            eprintln!("paracrine-agent is started by a deploy binary, not by hand");
            ExitCode::FAILURE
        }
    }
}

/// A core file would hold the secrets that are on their way. Programs that are started may still leave one.
fn leave_no_core() {
    // What cannot be had on some kernel is no reason not to run.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Rust's standard library asks where the main thread's stack is, only to say "stack overflow" before the kernel ends the
/// process. "Not known" saves the scanf and strtod that glibc answers with: a twentieth of the executable.
#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
#[expect(unsafe_code, reason = "it takes the place of a function of the C library")]
#[unsafe(no_mangle)]
extern "C" fn pthread_getattr_np(_thread: usize, _attributes: *mut u8) -> i32 {
    rustix::io::Errno::NOSYS.raw_os_error()
}
