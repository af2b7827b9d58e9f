//! The cargo that builds an agent, inside the build script of a site.
//!
//! It has a target folder of its own, as the outer cargo holds the lock of the outer one; it hears nothing of what the
//! outer cargo sets for build scripts and wrappers (clippy's among them); it shares the outer one's job slots.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use paracrine_model::host::Arch;

use super::agent::Failure;
use super::sources;

/// What an agent is built for, and with.
pub(super) struct Target {
    arch: Arch,
    triple: &'static str,
    /// What `rustc -vV` says.
    rustc: String,
    /// One after the other, as cargo takes them.
    flags: String,
}

impl Target {
    /// What changes the agent besides its sources.
    pub(super) fn parts(&self) -> [(&'static str, &str); 3] {
        [("rustc", &self.rustc), ("target", self.triple), ("flags", &self.flags)]
    }
}

/// The best target for an architecture whose standard library is installed: musl, or glibc linked statically.
pub(super) fn target(arch: Arch) -> Result<Target, Failure> {
    let candidates = match arch {
        Arch::X86_64 => ["x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"],
        Arch::Aarch64 => ["aarch64-unknown-linux-musl", "aarch64-unknown-linux-gnu"],
    };
    let Some(triple) = candidates.into_iter().find(|triple| is_installed(triple)) else {
        let why = "cannot be built: Rust's standard library for it is not installed";
        return Err(Failure::new(why).help(format!("run `rustup target add {}`", candidates[0])));
    };
    let rustc = ask_rustc(&["-vV"]).ok_or_else(|| Failure::new("cannot be built: `rustc -vV` fails"))?;
    Ok(Target { arch, triple, rustc, flags: flags(triple).join("\x1f") })
}

/// Static, small, and without the paths of whoever builds it.
fn flags(triple: &str) -> Vec<String> {
    let mut flags = vec!["-Ctarget-feature=+crt-static".to_owned()];
    // Where it has been tried. The script goes on its own, not behind `-Wl`, where a comma in its path would split it.
    if triple == "x86_64-unknown-linux-gnu" {
        let script =
            std::fs::canonicalize(sources::LINKER_SCRIPT).unwrap_or_else(|_| sources::LINKER_SCRIPT.into());
        flags.push("-Clink-arg=-Wl,--no-eh-frame-hdr".to_owned());
        flags.push("-Clink-arg=-T".to_owned());
        flags.push(format!("-Clink-arg={}", script.display()));
    }
    let workspace = std::fs::canonicalize(sources::WORKSPACE).ok();
    let cargo = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    for (path, name) in [(workspace, "/paracrine"), (cargo, "/cargo")] {
        if let Some(path) = path {
            flags.push(format!("--remap-path-prefix={}={name}", path.display()));
        }
    }
    flags
}

fn is_installed(triple: &str) -> bool {
    ask_rustc(&["--print", "target-libdir", "--target", triple])
        .is_some_and(|folder| Path::new(folder.trim()).is_dir())
}

fn ask_rustc(args: &[&str]) -> Option<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Builds the agent; gives its executable.
pub(super) fn build(target: &Target, folder: &Path) -> Result<PathBuf, Failure> {
    let manifest = Path::new(sources::AGENT).join("Cargo.toml");
    let manifest = std::fs::canonicalize(&manifest).unwrap_or(manifest);
    let args = arguments(target, &manifest);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(&args).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_the_outer_cargos) {
            command.env_remove(name);
        }
    }
    command.env("CARGO_TARGET_DIR", folder).env("CARGO_BUILD_BUILD_DIR", folder);
    command.env("CARGO_ENCODED_RUSTFLAGS", &target.flags);
    command.env("CARGO_TERM_COLOR", "never");
    if let Some((variable, linker)) = linker(target) {
        command.env(variable, linker);
    }
    let manifest = manifest.display();
    let by_hand =
        format!("cargo build --manifest-path {manifest} --profile agent --target {}", target.triple);
    let output = command.output().map_err(|error| {
        Failure::new(format!("cannot be built: cargo does not start: {error}"))
            .help(format!("run `{by_hand}`"))
    })?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(explain(target, &said, &by_hand));
    }
    executable(&output.stdout).ok_or_else(|| Failure::new("was built, but cargo names no executable"))
}

fn arguments(target: &Target, manifest: &Path) -> Vec<String> {
    let manifest = manifest.to_string_lossy();
    let mut args: Vec<String> =
        ["build", "--manifest-path", &manifest, "--bin", "paracrine-agent", "--profile", "agent"]
            .map(str::to_owned)
            .into();
    args.extend(["--target", target.triple, "--message-format=json-render-diagnostics"].map(str::to_owned));
    if Path::new(sources::WORKSPACE).join("Cargo.lock").is_file() {
        args.push("--locked".into());
    }
    if is_offline(&outer_arguments()) {
        args.push("--offline".into());
    }
    args
}

/// The arguments of the cargo that runs this build script: nothing else says that it is offline.
fn outer_arguments() -> Vec<String> {
    #[cfg(target_os = "linux")]
    {
        let parent = std::os::unix::process::parent_id();
        let line = std::fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect()
    }
    #[cfg(not(target_os = "linux"))]
    Vec::new()
}

fn is_offline(arguments: &[String]) -> bool {
    let own = arguments.iter().take_while(|arg| *arg != "--");
    own.into_iter().any(|arg| arg == "--offline" || arg == "--frozen")
}

/// Whether a variable is meant for build scripts or wrappers, not for a cargo.
fn is_the_outer_cargos(name: &str) -> bool {
    const PREFIXES: [&str; 6] =
        ["CARGO_PKG_", "CARGO_FEATURE_", "CARGO_CFG_", "CARGO_MANIFEST_", "CARGO_BIN_", "DEP_"];
    const NAMES: [&str; 21] = [
        "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
        "CARGO_BUILD_RUSTC_WRAPPER",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_CRATE_NAME",
        "CARGO_INCREMENTAL",
        "CARGO_PRIMARY_PACKAGE",
        "DEBUG",
        "HOST",
        "NUM_JOBS",
        "OPT_LEVEL",
        "OUT_DIR",
        "PROFILE",
        "RUSTC_LINKER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTDOC",
        "RUSTFLAGS",
        "TARGET",
        "__CARGO_DEFAULT_LIB_METADATA",
        "__CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name)
}

/// The linker for another architecture than this machine's, where the user has not chosen one.
fn linker(target: &Target) -> Option<(String, &'static str)> {
    let here = std::env::consts::ARCH == target.arch.name() && cfg!(target_os = "linux");
    let variable = format!("CARGO_TARGET_{}_LINKER", target.triple.to_uppercase().replace('-', "_"));
    if here || std::env::var_os(&variable).is_some() {
        return None;
    }
    let linker = match (target.triple.ends_with("-musl"), target.arch) {
        (true, _) => "rust-lld",
        (false, Arch::X86_64) => "x86_64-linux-gnu-gcc",
        (false, Arch::Aarch64) => "aarch64-linux-gnu-gcc",
    };
    Some((variable, linker))
}

fn executable(messages: &[u8]) -> Option<PathBuf> {
    messages.split(|byte| *byte == b'\n').find_map(|line| {
        let message: serde_json::Value = serde_json::from_slice(line).ok()?;
        let ours = message["reason"] == "compiler-artifact" && message["target"]["name"] == "paracrine-agent";
        ours.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
    })
}

fn explain(target: &Target, said: &str, by_hand: &str) -> Failure {
    let mut errors = said.lines().filter(|line| line.starts_with("error"));
    let first = errors.next().unwrap_or("cargo fails without a word").trim_end_matches('.');
    let failure = Failure::new(format!("cannot be built: {first}"));
    let failure = if said.contains("may not be installed") || said.contains("can't find crate for `core`") {
        failure.help(format!("run `rustup target add {}`", target.triple))
    } else if said.contains("linker `") && said.contains("not found") {
        match linker(target) {
            Some((_, "aarch64-linux-gnu-gcc")) => failure.help("run `apt-get install gcc-aarch64-linux-gnu`"),
            Some((_, "x86_64-linux-gnu-gcc")) => failure.help("run `apt-get install gcc-x86-64-linux-gnu`"),
            _ => failure.help("run `apt-get install gcc`"),
        }
    } else if said.contains("--offline was specified") || said.contains("you're offline") {
        failure.help(format!("run `cargo fetch --manifest-path {}` once while online", manifest_of(by_hand)))
    } else {
        failure
    };
    failure.help(format!("to see all of it, run `{by_hand}`"))
}

fn manifest_of(by_hand: &str) -> &str {
    by_hand.split_whitespace().nth(3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_target() -> Target {
        let triple = "aarch64-unknown-linux-musl";
        Target { arch: Arch::Aarch64, triple, rustc: String::new(), flags: String::new() }
    }

    #[test]
    fn the_outer_cargo_is_not_heard() {
        for name in
            ["CARGO_PKG_NAME", "OUT_DIR", "RUSTC_WORKSPACE_WRAPPER", "RUSTFLAGS", "CARGO_CFG_UNIX", "TARGET"]
        {
            assert!(is_the_outer_cargos(name), "{name}");
        }
        for name in
            ["CARGO_HOME", "CARGO_MAKEFLAGS", "PATH", "RUSTUP_TOOLCHAIN", "CARGO_NET_OFFLINE", "RUSTC"]
        {
            assert!(!is_the_outer_cargos(name), "{name}");
        }
    }

    #[test]
    fn offline_is_inherited() {
        let args = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(is_offline(&args("cargo build --offline")));
        assert!(is_offline(&args("cargo test --frozen -- x")));
        assert!(!is_offline(&args("cargo run -- --offline")));
    }

    #[test]
    fn failures_say_what_mends_them() {
        let failure = |said: &str| explain(&some_target(), said, "cargo build --manifest-path /a/Cargo.toml");
        let missing = failure("error[E0463]: can't find crate for `core`\n  = note: may not be installed\n");
        assert_eq!(missing.why, "cannot be built: error[E0463]: can't find crate for `core`");
        assert_eq!(missing.help[0], "run `rustup target add aarch64-unknown-linux-musl`");
        let offline = failure("error: failed to download\nhint: you're offline\n");
        assert_eq!(offline.help[0], "run `cargo fetch --manifest-path /a/Cargo.toml` once while online");
        assert_eq!(offline.help[1], "to see all of it, run `cargo build --manifest-path /a/Cargo.toml`");
    }

    #[test]
    fn the_executable_is_found_among_the_messages() {
        let messages = br#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"paracrine-agent"},"executable":"/t/paracrine-agent"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(executable(messages), Some(PathBuf::from("/t/paracrine-agent")));
        assert_eq!(executable(b"garbage\n"), None);
    }
}
