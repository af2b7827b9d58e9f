//! `cargo demo`: builds the example site, boots lab hosts, and deploys to them: check, apply, apply again.
//!
//! Where no lab can be, or with `--loopback`, a small site is deployed to this machine instead.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use integration_test::lab::Lab;
use integration_test::loopback;
use integration_test::site::{Site, build, workspace};

/// Builds the example site, boots three real Debian hosts in containers, and deploys to them: check, apply, apply again.
#[derive(Parser)]
#[command(name = "cargo demo")]
struct Arguments {
    /// Deploy a small site to an sshd of its own on this machine instead; needs neither root nor network
    #[arg(long)]
    loopback: bool,
}

fn main() -> ExitCode {
    let Arguments { loopback } = Arguments::parse();
    let shown = match Lab::prepare_machine() {
        _ if loopback => loopback::demo(),
        Ok(()) => demo(),
        Err(why) => {
            println!("No lab here: {why}.");
            println!("Instead, a small site is deployed over SSH to this machine, as the current user.\n");
            loopback::demo()
        }
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demo() -> Result<(), Box<dyn Error>> {
    let mut times = Vec::new();
    let mut timed = |name: &str, began: Instant| times.push((name.to_owned(), began.elapsed()));

    println!("$ cargo build --package example-site");
    let began = Instant::now();
    let binary = build("example-site", false)?;
    timed("build the site", began);

    println!("(booting three Debian hosts; the first time, their image is made)");
    let began = Instant::now();
    let lab = Lab::start(&["web1", "web2", "db1"])?;
    timed("boot the hosts", began);

    let site = Site::new(&lab, "demo", &workspace().join("integration_test/site"), binary)?;
    // Check of fresh hosts says what is pending (2), the others change everything or nothing (0).
    for (arguments, expected) in [(["check", "dev"], 2), (["apply", "dev"], 0), (["apply", "dev"], 0)] {
        println!("\n$ example-site {}", arguments.join(" "));
        std::io::stdout().flush()?;
        let began = Instant::now();
        let status = site.command().args(arguments).status()?;
        timed(&arguments.join(" "), began);
        println!("(exit code {})", status.code().map_or("none".to_owned(), |code| code.to_string()));
        if status.code() != Some(expected) {
            return Err(format!("{} should have ended with {expected}", arguments.join(" ")).into());
        }
    }

    // nginx answers with its old configuration for a moment after a reload.
    let get = "perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(\"127.0.0.1:80\") or die; \
               print $s \"GET / HTTP/1.0\\r\\n\\r\\n\"; print <$s>'";
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut page = lab.run("web1", get)?;
    while !page.contains("Served by web1") && Instant::now() < deadline {
        page = lab.run("web1", get)?;
    }
    println!("\nWhat nginx on web1 serves now:\n{}", page.split("\r\n\r\n").nth(1).unwrap_or(&page).trim());

    println!();
    for (name, took) in times {
        println!("{name:<16} {:>6.2} s", took.as_secs_f64());
    }
    Ok(())
}
