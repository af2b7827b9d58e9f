//! How hosts are connected to.

use std::time::Duration;

use crate::cli::args::Reach;
use crate::controller::over_ssh::OverSsh;
use crate::relay;
use crate::remote_agent::Settings;
use crate::secrets::Resolved;
use crate::site::Site;

/// Connects to the hosts of the site as the options say. Variables of secrets do not get into connections that are
/// kept.
pub(in crate::cli) fn connector(site: &Site, reach: &Reach, secrets: &Resolved) -> OverSsh {
    let settings = Settings {
        relay: relay::this_program(),
        secret_variables: secrets.variables(),
        connect_timeout: Duration::from_secs(reach.connect_timeout.into()),
        persist: Duration::from_secs(reach.persist.into()),
        ..Settings::default()
    };
    OverSsh::new(&site.index().site, site.directory.clone(), settings)
}
