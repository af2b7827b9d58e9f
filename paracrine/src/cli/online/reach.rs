//! How hosts are connected to.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use paracrine_model::late::Late;
use paracrine_model::secret::Provider;

use crate::cli::args::Reach;
use crate::cli::problem::Problem;
use crate::controller::over_ssh::OverSsh;
use crate::kept_connections::SocketDirectory;
use crate::relay;
use crate::remote_agent::Settings;
use crate::report::{HELP, escaped_line};
use crate::site::Site;

/// Holds private keys where secrets come from sops.
const OF_SOPS: &str = "SOPS_AGE_KEY";

/// Connects to the hosts of the site as the options say. Variables of secrets do not get into connections that are
/// kept.
pub(in crate::cli) fn connector(site: &Site, reach: &Reach) -> Result<OverSsh, Problem> {
    let (sockets, told) = SocketDirectory::open(None).map_err(|error| {
        Problem::new(format!("there is no place for connections; no host was contacted: {error}"))
            .help("set XDG_RUNTIME_DIR to a directory of yours")
    })?;
    if let Some(told) = told {
        let _ = writeln!(anstream::stderr(), "{HELP}note:{HELP:#} {}", escaped_line(&told));
    }
    let settings = Settings {
        relay: relay::this_program(),
        secret_variables: secret_variables(site)?,
        connect_timeout: Duration::from_secs(reach.connect_timeout.into()),
        persist: Duration::from_secs(reach.persist.into()),
        sockets: Some(sockets.path().to_owned()),
        ..Settings::default()
    };
    Ok(OverSsh::new(&site.index().site, site.directory.clone(), settings))
}

/// The variables of all secrets that plans of this site hold, of whatever environment: a run of one of them may have those
/// of the others around.
pub(in crate::cli) fn secret_variables(site: &Site) -> Result<Vec<String>, Problem> {
    let mut variables = BTreeSet::from([OF_SOPS.to_owned()]);
    for host in &site.index().hosts {
        variables.extend(site.artifact.lates(host)?.into_iter().filter_map(|late| match late {
            Late::Secret(source) => match source.provider {
                Provider::Env(name) => Some(name),
                _ => None,
            },
            Late::Signal(_) => None,
        }));
    }
    Ok(variables.into_iter().collect())
}
