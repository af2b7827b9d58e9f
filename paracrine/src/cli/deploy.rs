//! `check` and `apply`.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use paracrine_model::artifact::Host;
use paracrine_model::protocol::Mode;
use paracrine_model::secret::SecretSource;
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;

use super::args::{Deploy, Format};
use super::problem::Problem;
use super::show::plan_of;
use super::{FAILED, PENDING, SUCCESS, UNREACHABLE, select, told, warn_of};
use crate::Embedded;
use crate::controller::connection::Connector;
use crate::controller::over_ssh::OverSsh;
use crate::controller::{self, Job};
use crate::event::{Event, Status, Totals, Urgency};
use crate::link::Settings;
use crate::relay;
use crate::report::{Bars, Json, Lines, Report, Terminal};
use crate::secrets::{self, Missing, Providers, Resolved};
use crate::site::Site;

/// Between two looks at what is going on.
const TICK: Duration = Duration::from_millis(100);

/// `check`
pub(super) fn check(
    embedded: &'static Embedded,
    site: Site,
    options: Deploy,
    verbose: bool,
) -> Result<u8, Problem> {
    warn_of(&site.stale(), "build again for what the files say now");
    deploy(embedded, site, Mode::Check, &options, verbose)
}

/// `apply`
pub(super) fn apply(
    embedded: &'static Embedded,
    site: Site,
    options: Deploy,
    verbose: bool,
) -> Result<u8, Problem> {
    let stale = site.stale();
    if options.stale {
        warn_of(&stale, "`--stale` was given: applying what was built");
    } else if !stale.is_empty() {
        return Err(Problem::new(told(&stale)).help("build again, or apply what was built with `--stale`"));
    }
    deploy(embedded, site, Mode::Apply, &options, verbose)
}

fn deploy(
    embedded: &'static Embedded,
    site: Site,
    mode: Mode,
    options: &Deploy,
    verbose: bool,
) -> Result<u8, Problem> {
    let index = site.index();
    let environment = select::environment(index, options.selection.environment.as_deref())?.to_owned();
    let hosts: Vec<Host> =
        select::hosts(index, &environment, &options.selection.limit)?.into_iter().cloned().collect();
    agents(embedded, &site, &hosts)?;
    let secrets = resolve(&site, &hosts)?;
    let job = Job {
        mode,
        environment,
        hosts,
        jobs: options.jobs.into(),
        adopt: options.adopt,
        lock_wait: options.lock_wait,
        holder: holder(site.index().commit.as_deref()),
    };
    let connector = connector(&site, options, &secrets);
    let totals = talk(embedded, site, job, secrets, connector, reports(options.format, verbose))?;
    Ok(code(&totals))
}

/// Sees that there is an agent for each host.
fn agents(embedded: &Embedded, site: &Site, hosts: &[Host]) -> Result<(), Problem> {
    let lacks = |host: &&Host| {
        let arch = host.address.arch;
        !site.index().agents.contains_key(&arch)
            || !embedded.agents.iter().any(|(name, _)| *name == arch.name())
    };
    match hosts.iter().find(lacks) {
        None => Ok(()),
        Some(host) => Err(Problem::new(format!(
            "this binary holds no agent for {}, the architecture of `{}`",
            host.address.arch, host.address.name
        ))
        .help("build the site where that agent can be built")),
    }
}

/// The values of the secrets that these hosts use.
fn resolve(site: &Site, hosts: &[Host]) -> Result<Resolved, Problem> {
    let mut used: BTreeSet<SecretSource> = BTreeSet::new();
    for host in hosts {
        let plan = plan_of(site, host)?;
        used.extend(plan.texts().flat_map(|text| text.secrets()).cloned());
    }
    let providers = Providers { site: site.directory.clone(), env: |name| std::env::var_os(name) };
    secrets::resolve(used, &providers).map_err(|missing| lacking(&missing))
}

/// All secrets that could not be had, and what to do.
pub(super) fn lacking(missing: &[Missing]) -> Problem {
    let message = match missing {
        [_] => "a secret has no value; no host was contacted".to_owned(),
        several => format!("{} secrets have no value; no host was contacted", several.len()),
    };
    missing.iter().fold(Problem::new(message), |problem, missing| {
        problem.detail(format!("{missing}\n    {}", missing.help))
    })
}

/// How hosts are reached.
fn connector(site: &Site, options: &Deploy, secrets: &Resolved) -> OverSsh {
    let settings = Settings {
        relay: relay::this_program(),
        secret_variables: secrets.variables(),
        connect_timeout: Duration::from_secs(options.connect_timeout.into()),
        persist: Duration::from_secs(options.persist.into()),
        ..Settings::default()
    };
    OverSsh::new(&site.index().site, site.directory.clone(), settings)
}

/// `ann@laptop, commit 1234abc`
fn holder(commit: Option<&str>) -> String {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = variable("USER")
        .or_else(|| variable("LOGNAME"))
        .or_else(account)
        .unwrap_or_else(|| "somebody".to_owned());
    let machine = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .map(|name| name.trim().to_owned())
        .or_else(|| variable("HOSTNAME"))
        .unwrap_or_else(|| "somewhere".to_owned());
    match commit {
        Some(commit) => format!("{user}@{machine}, commit {commit}"),
        None => format!("{user}@{machine}"),
    }
}

/// Whose account this process runs under, where the environment does not say.
fn account() -> Option<String> {
    let uid = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields
        .into_iter()
        .find(|fields| fields.get(2) == Some(&uid.as_str()))?
        .first()
        .map(|name| (*name).to_owned())
}

/// Who draws the events.
fn reports(format: Format, verbose: bool) -> Vec<Box<dyn Report>> {
    // The live lines first: they are gone when the report is written.
    let mut reports: Vec<Box<dyn Report>> = Vec::new();
    if std::io::stderr().is_terminal() {
        reports.push(Box::new(Bars::new()));
    } else if verbose {
        reports.push(Box::new(Lines::new(anstream::stderr())));
    }
    reports.push(match format {
        Format::Text => Box::new(Terminal::new(anstream::stdout(), verbose)),
        Format::Json => Box::new(Json::new(std::io::stdout())),
    });
    reports
}

/// Runs the job with its reports, and listens for Ctrl-C.
fn talk(
    embedded: &'static Embedded,
    site: Site,
    job: Job,
    secrets: Resolved,
    connector: impl Connector + 'static,
    mut reports: Vec<Box<dyn Report>>,
) -> Result<Totals, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::new(format!("cannot begin: {error}")))?;
    let (interrupt, interrupted) = watch::channel(None);
    let (events, mut told) = mpsc::unbounded_channel();
    let local = LocalSet::new();
    let (site, events_of_signals) = (site.artifact, events.clone());
    let totals = local.block_on(&runtime, async move {
        let signals = tokio::task::spawn_local(listen(interrupt, events_of_signals));
        let run = tokio::task::spawn_local(controller::run(
            connector,
            embedded,
            site,
            job,
            secrets,
            events,
            interrupted,
        ));
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                event = told.recv() => {
                    let Some(event) = event else { break };
                    reports.iter_mut().for_each(|report| report.event(&event));
                    if matches!(event, Event::Finished(_)) {
                        break;
                    }
                }
                _ = tick.tick() => reports.iter_mut().for_each(|report| report.tick()),
            }
        }
        signals.abort();
        run.await
    });
    // Threads that still pack contents for a connection that was dropped are not waited for.
    runtime.shutdown_background();
    totals
        .map_err(|_| Problem::new("the run broke off by a mistake of this program").help("please report it"))
}

/// The first Ctrl-C (or `kill`) stops after the task at hand, the second at once.
async fn listen(interrupt: watch::Sender<Option<Urgency>>, events: mpsc::UnboundedSender<Event>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut typed), Ok(mut killed)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Then the system's own way to end a program has to do.
        return std::future::pending().await;
    };
    for urgency in [Urgency::AfterTask, Urgency::AtOnce] {
        tokio::select! {
            _ = typed.recv() => {}
            _ = killed.recv() => {}
        }
        let _ = events.send(Event::Interrupted(urgency));
        interrupt.send_replace(Some(urgency));
    }
    std::future::pending().await
}

/// What the run comes down to.
pub(super) fn code(totals: &Totals) -> u8 {
    let any = |statuses: &[Status]| statuses.iter().any(|status| totals.count(*status) > 0);
    if any(&[Status::Failed, Status::Held, Status::Stopped]) {
        FAILED
    } else if any(&[Status::Unreachable]) {
        UNREACHABLE
    } else if any(&[Status::Pending]) {
        PENDING
    } else {
        SUCCESS
    }
}
