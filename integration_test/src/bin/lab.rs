//! The lab for people: `cargo lab up 3`, `cargo lab ssh 1`, `cargo lab run <program>`, `cargo lab down`.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};
use integration_test::lab::{Error, Host, Lab, Result};

/// Debian hosts on this machine, to try Paracrine on.
#[derive(Parser)]
#[command(name = "cargo lab", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Boot hosts: a number of them (web1, web2, …) or names
    Up {
        /// How many, or their names
        #[arg(default_value = "3", value_name = "NUMBER or NAMES")]
        hosts: Vec<String>,
    },
    /// Show the labs of this machine
    Status,
    /// Log in to a host, or run a command there
    Ssh {
        /// Number or name of the host
        host: String,
        /// Log in as this user: root, deploy, asksudo (password: paracrine) or nosudo
        #[arg(long, default_value = "root")]
        user: String,
        /// What to run there instead of a shell
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Run a program on this machine but in the lab's network, from where hosts can be reached
    Run {
        /// The program and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Take the lab down
    Down {
        /// The labs of other clones too
        #[arg(long)]
        all: bool,
    },
    /// Build the Debian image now rather than with the first `up`
    Image,
}

/// The clone that this program was built from: each has a lab of its own.
const CLONE: &str = env!("CARGO_MANIFEST_DIR");

fn main() -> ExitCode {
    match act(Arguments::parse().action) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes a line. Who reads no further (`cargo lab status | head`) has what was wanted.
fn say(line: &str) {
    let _closed = writeln!(std::io::stdout(), "{line}");
}

fn act(action: Action) -> Result<()> {
    match action {
        Action::Up { hosts } => up(&hosts),
        Action::Status => status(),
        Action::Ssh { host, user, command } => {
            let lab = require()?;
            let name = find(&lab, &host)?.name().to_owned();
            let mut ssh = lab.ssh_as(&user, &name)?;
            Err(failed("ssh", &ssh.args(command).exec()))
        }
        Action::Run { command } => {
            let (program, arguments) = command.split_first().ok_or_else(|| Error::new("nothing to run"))?;
            Err(failed(program, &require()?.command(program).args(arguments).exec()))
        }
        Action::Down { all } => down(all),
        Action::Image => Lab::prepare_image(),
    }
}

fn failed(program: &str, error: &std::io::Error) -> Error {
    Error::new(format!("cannot run {program}: {error}"))
}

fn up(hosts: &[String]) -> Result<()> {
    // A lab left running before the machine's last boot is not one that is up.
    Lab::sweep()?;
    if let Some(lab) = mine()? {
        return Err(Error::new(format!(
            "a lab of {} is up already; take it down first: cargo lab down",
            names(&lab)
        )));
    }
    let hosts = match hosts {
        [number] if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            let number = number.parse::<usize>().unwrap_or(usize::MAX).min(1000);
            (1..=number).map(|number| format!("web{number}")).collect()
        }
        names => names.to_vec(),
    };
    Lab::prepare_image()?;
    let start = Instant::now();
    let lab = Lab::start(&hosts.iter().map(String::as_str).collect::<Vec<_>>())?;
    let seconds = start.elapsed().as_secs_f64();
    show(&lab);
    say(&format!("up in {seconds:.1} s; `cargo lab ssh 1` logs in, `cargo lab down` ends it"));
    say("reached from the lab's network only: `cargo lab run <program>`");
    say(&format!("key: {}, known hosts: {}", lab.key().display(), lab.known_hosts().display()));
    lab.detach(Path::new(CLONE))
}

fn status() -> Result<()> {
    let labs = Lab::all()?;
    if labs.is_empty() {
        say("no lab is up");
    }
    for lab in &labs {
        match lab.detached_for() {
            Some(clone) => say(&format!("lab {} of {}", lab.id(), clone.display())),
            None => say(&format!("lab {} of a running program", lab.id())),
        }
        show(lab);
    }
    Ok(())
}

fn show(lab: &Lab) {
    for (number, host) in lab.hosts().iter().enumerate() {
        let state = if host.leader().is_some() { "up" } else { "down" };
        say(&format!("  {:>3}  {:<12} {:<12} {state}", number + 1, host.name(), host.address()));
    }
}

fn down(all: bool) -> Result<()> {
    let swept = Lab::sweep()?;
    let labs = Lab::all()?.into_iter().filter(|lab| match lab.detached_for() {
        Some(clone) => all || clone == Path::new(CLONE),
        None => false,
    });
    let labs = labs.collect::<Vec<_>>();
    if labs.is_empty() && swept.is_empty() {
        say("no lab is up");
    }
    labs.into_iter().try_for_each(Lab::down)
}

/// This clone's lab that was left running.
fn mine() -> Result<Option<Lab>> {
    Ok(Lab::all()?.into_iter().find(|lab| lab.detached_for().as_deref() == Some(Path::new(CLONE))))
}

fn require() -> Result<Lab> {
    mine()?.ok_or_else(|| Error::new("no lab is up; boot one: cargo lab up 3"))
}

fn find<'a>(lab: &'a Lab, host: &str) -> Result<&'a Host> {
    let number = host.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    match number.and_then(|number| lab.hosts().get(number)) {
        Some(host) => Ok(host),
        None => lab.host(host),
    }
}

fn names(lab: &Lab) -> String {
    lab.hosts().iter().map(Host::name).collect::<Vec<_>>().join(", ")
}
