//! scratch
fn main() -> std::process::ExitCode { paracrine::link::relay_if_asked_for(std::env::args_os()).unwrap_or(std::process::ExitCode::FAILURE) }
