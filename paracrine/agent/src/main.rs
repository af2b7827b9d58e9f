//! The executable that the controller puts on hosts. It is started by the bootstrap as `paracrine-agent serve NONCE`
//! and talks over standard input and output; `probe` only proves that it can be started.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (Some("probe"), None, None) => ExitCode::SUCCESS,
        (Some("serve"), Some(nonce), None) => paracrine_agent::serve::serve(&nonce),
        _ => {
            eprintln!("paracrine-agent is started by a deploy binary, not by hand");
            ExitCode::FAILURE
        }
    }
}
