//! `check` and `apply`.

use paracrine_model::artifact::Host;
use paracrine_model::protocol::Mode;

use super::args::Deploy;
use super::problem::Problem;
use super::{exit, online, select, stale};
use crate::controller::{self, Job};
use crate::embedded::Embedded;
use crate::site::Site;

/// `check`
pub(super) fn check(
    embedded: &'static Embedded,
    site: Site,
    options: &Deploy,
    verbose: bool,
) -> Result<u8, Problem> {
    deploy(embedded, site, Mode::Check, options, verbose)
}

/// `apply`
pub(super) fn apply(
    embedded: &'static Embedded,
    site: Site,
    options: &Deploy,
    verbose: bool,
) -> Result<u8, Problem> {
    let changed = site.stale();
    if options.stale {
        stale::warn(&changed, "`--stale` was given: applying what was built");
    } else if !changed.is_empty() {
        return Err(
            Problem::new(stale::told(&changed)).help("build again, or apply what was built with `--stale`")
        );
    }
    deploy(embedded, site, Mode::Apply, options, verbose)
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
    online::agents(embedded, &site, &hosts)?;
    let secrets = online::secrets(&site, &hosts)?;
    let job = Job {
        mode,
        environment,
        hosts,
        jobs: options.reach.jobs.into(),
        keep_going: options.keep_going,
        adopt: options.adopt,
        lock_wait: options.lock_wait,
        holder: online::holder(site.index().commit.as_deref()),
    };
    let connector = online::connector(&site, &options.reach)?;
    connector.remembers(&job.hosts)?;
    let totals = online::run(online::reports(options.format, verbose), |events, interrupt| {
        controller::run(connector, embedded, site.artifact, job, secrets, events, interrupt)
    })?;
    Ok(exit::code(&totals))
}
