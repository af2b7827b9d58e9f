//! `cargo bench -p integration_test`: how long a run takes in which nothing changes, against the yardstick.
//!
//! A site of some 190 resources (10 directories, 100 files from 10 templates, 20 packages, 10 services, 5 users, links,
//! guarded commands) is applied to lab hosts once; then `check` is timed, interleaved with `ssh host true` to the same
//! hosts, all in parallel: cold (a connection each) and over kept connections. Medians are printed, and their ratios.
//!
//! Then first deploys are timed, beside what cannot be undercut there: 1,000 small files, and 100 and 500 MB in one.
//!
//! `--rounds N` (default 11) and `--hosts 1,4,12` choose less or more; `--delay MS` puts the hosts so far away; `--what` takes
//! some of `nothing,small,large`.

mod first;
mod site;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use integration_test::lab::Lab;
use integration_test::site::Site;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    // A process of its own per measured command: what the kernel counts of ended children is then that command's.
    if arguments.first().is_some_and(|word| word == "measure") {
        return measure(&arguments[1..]);
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn option<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    let at = arguments.iter().position(|word| word == name)?;
    arguments.get(at + 1).map(String::as_str)
}

fn run(arguments: &[String]) -> Result<()> {
    let rounds: usize = option(arguments, "--rounds").unwrap_or("11").parse()?;
    let counts: Vec<usize> = option(arguments, "--hosts")
        .unwrap_or("1,4,12")
        .split(',')
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    let what = option(arguments, "--what").unwrap_or("nothing,small,large");
    let wanted = |word: &str| what.split(',').any(|wanted| wanted == word);
    let most = if wanted("nothing") { counts.iter().copied().max().unwrap_or(1) } else { 1 };

    let names: Vec<String> = (1..=most).map(|number| format!("h{number}")).collect();
    println!("booting {most} hosts");
    let lab = Lab::start(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
    if let Some(delay) = option(arguments, "--delay") {
        for host in lab.hosts() {
            host.delay(delay.parse()?)?;
        }
    }
    if wanted("nothing") {
        nothing_to_change(&lab, &names, counts, rounds)?;
    }
    println!("\nload before first deploys: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    if wanted("small") {
        first::small(&lab, rounds)?;
    }
    if wanted("large") {
        for megabytes in [100, 500] {
            first::large(&lab, rounds.div_ceil(2), megabytes)?;
        }
    }
    Ok(())
}

fn nothing_to_change(lab: &Lab, names: &[String], counts: Vec<usize>, rounds: usize) -> Result<()> {
    let most = names.len();
    let (folder, binary) = site::build(most)?;
    let site = Site::new(lab, "bench", &folder, binary)?;
    let apply = site.run(&["apply", "bench"])?;
    if apply.code != Some(0) {
        return Err(format!("the first apply failed:\n{}{}", apply.stdout, apply.stderr).into());
    }
    println!("first apply to {most} hosts: {:.1} s", apply.took.as_secs_f64());

    println!("load: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    println!(
        "\nmedians of {rounds} rounds, in seconds; spread from the first to the third quartile in brackets"
    );
    println!(
        "{:>5}  {:>22} {:>22} {:>7}  {:>22} {:>22} {:>7}",
        "hosts", "ssh true, cold", "check, cold", "ratio", "ssh true, kept", "check, kept", "ratio"
    );
    for count in counts {
        let hosts = &names[..count];
        let limit = hosts.join(",");
        let kept = Kept::open(lab, hosts)?;
        let check = |persist: &str| -> Result<Duration> {
            let run = site.run(&["check", "bench", "--limit", &limit, "--persist", persist])?;
            if run.code == Some(0) {
                Ok(run.took)
            } else {
                Err(format!("{}{}", run.stdout, run.stderr).into())
            }
        };
        check("600")?;
        let mut times = [(); 4].map(|()| Vec::new());
        for _ in 0..rounds {
            times[0].push(in_parallel(hosts.iter().map(|host| plain(lab, host)))?);
            times[1].push(check("0")?);
            times[2].push(in_parallel(hosts.iter().map(|host| kept.command(lab, host)))?);
            times[3].push(check("600")?);
        }
        let [cold, check_cold, warm, check_warm] = times.map(Spread::of);
        println!(
            "{count:>5}  {cold:>22} {check_cold:>22} {:>7.2}  {warm:>22} {check_warm:>22} {:>7.2}",
            check_cold.median / cold.median,
            check_warm.median / warm.median,
        );
        let costs = Costs::of(&site, &limit)?;
        println!("       {costs}");
    }
    Ok(())
}

/// Median and quartiles, in seconds.
#[derive(Clone, Copy)]
struct Spread {
    low: f64,
    median: f64,
    high: f64,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let at = |part: usize| times.get(times.len() * part / 4).map_or(0.0, Duration::as_secs_f64);
        Self { low: at(1), median: at(2), high: at(3) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{:.3} ({:.3}–{:.3})", self.median, self.low, self.high))
    }
}

fn plain(lab: &Lab, host: &str) -> Result<Command> {
    let mut ssh = lab.ssh(host)?;
    ssh.arg("true");
    Ok(ssh)
}

/// Connections that are kept for the yardstick.
struct Kept {
    folder: PathBuf,
}

impl Kept {
    fn open(lab: &Lab, hosts: &[String]) -> Result<Self> {
        let kept = Self { folder: lab.folder().to_owned() };
        in_parallel(hosts.iter().map(|host| {
            let mut ssh = lab.ssh(host)?;
            ssh.args(["-o", "ControlMaster=yes", "-o", "ControlPersist=600", "-o"])
                .arg(kept.path(host))
                .arg("true");
            Ok(ssh)
        }))?;
        Ok(kept)
    }

    fn path(&self, host: &str) -> String {
        format!("ControlPath={}/y-{host}", self.folder.display())
    }

    fn command(&self, lab: &Lab, host: &str) -> Result<Command> {
        let mut ssh = lab.ssh(host)?;
        ssh.args(["-o", "ControlMaster=no", "-o"]).arg(self.path(host)).arg("true");
        Ok(ssh)
    }
}

fn in_parallel(commands: impl Iterator<Item = Result<Command>>) -> Result<Duration> {
    let mut commands = commands.collect::<Result<Vec<_>>>()?;
    let began = Instant::now();
    let children = commands
        .iter_mut()
        .map(|command| command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn())
        .collect::<std::io::Result<Vec<_>>>()?;
    for mut child in children {
        if !child.wait()?.success() {
            return Err("ssh failed".into());
        }
    }
    Ok(began.elapsed())
}

/// What a warm check costs.
struct Costs {
    controller_cpu: f64,
    controller_peak_kib: u64,
    agent_cpu: f64,
    agent_peak_kib: u64,
}

impl Costs {
    fn of(site: &Site<'_>, limit: &str) -> Result<Self> {
        let json = site.run(&["check", "bench", "--limit", limit, "--format", "json"])?;
        let mut costs =
            Self { controller_cpu: 0.0, controller_peak_kib: 0, agent_cpu: 0.0, agent_peak_kib: 0 };
        for line in json.stdout.lines() {
            let event: serde_json::Value = serde_json::from_str(line)?;
            let summary = &event["summary"];
            costs.agent_cpu = costs.agent_cpu.max(summary["cpu_seconds"].as_f64().unwrap_or_default());
            costs.agent_peak_kib = costs.agent_peak_kib.max(summary["peak_kib"].as_u64().unwrap_or_default());
        }
        let command = site.command();
        let mut measured = Command::new(std::env::current_exe()?);
        measured.arg("measure").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => measured.env(name, value),
                None => measured.env_remove(name),
            };
        }
        measured.current_dir(site.folder()).args(["check", "bench", "--limit", limit]);
        let output = measured.output()?;
        let text = String::from_utf8(output.stdout)?;
        let last = text.lines().last().unwrap_or_default();
        let (cpu, peak) = last.split_once(' ').ok_or("nothing was measured")?;
        (costs.controller_cpu, costs.controller_peak_kib) = (cpu.parse()?, peak.parse()?);
        Ok(costs)
    }
}

impl std::fmt::Display for Costs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "controller {:.3} s CPU, {:.1} MiB peak; agent at most {:.3} s CPU with its children, {:.1} MiB peak",
            self.controller_cpu,
            self.controller_peak_kib as f64 / 1024.0,
            self.agent_cpu,
            self.agent_peak_kib as f64 / 1024.0,
        )
    }
}

/// Runs a command and prints its processor time in seconds and its peak resident size in KiB.
fn measure(words: &[String]) -> ExitCode {
    use nix::sys::resource::{UsageWho, getrusage};
    let Some((program, arguments)) = words.split_first() else { return ExitCode::FAILURE };
    let status = Command::new(Path::new(program)).args(arguments).stdin(Stdio::null()).status();
    let (Ok(status), Ok(usage)) = (status, getrusage(UsageWho::RUSAGE_CHILDREN)) else {
        return ExitCode::FAILURE;
    };
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    println!("\n{} {}", seconds(usage.user_time()) + seconds(usage.system_time()), usage.max_rss());
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
