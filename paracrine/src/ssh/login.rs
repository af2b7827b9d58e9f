//! Starting ssh, until it is logged in and in the background.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::arguments;
use super::error::{self, ConnectionError};
use super::route::Route;
use super::target::Target;
use crate::relay;

/// What ssh has written when it ends is there already.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// How often a host is tried again that is busy with other logins; pauses double, from 0.2 s.
const RETRIES: u32 = 4;
/// A connection that is not to be kept goes by itself after so long, should we be killed before we close it.
const NOT_KEPT: Duration = Duration::from_secs(5);
/// By how much a relay gives up before ssh does, so that it can say why.
const RELAY_FIRST: Duration = Duration::from_millis(250);

/// Logs in; returns what ssh told on the way. Tries again after a while if the host is busy with other logins: many
/// hosts behind one jump host meet its limit, which turns away at random.
///
/// Only the first attempt goes through the relay, in case that it is the relay that does not work.
pub(super) async fn log_in(
    route: &Route,
    target: &Target<'_>,
    socket: &Path,
) -> Result<Vec<String>, ConnectionError> {
    let mut route = route.clone();
    if route.persist.is_zero() {
        route.persist = NOT_KEPT;
    }
    let mut pause = Duration::from_millis(200);
    for _ in 0..RETRIES {
        match attempt(&route, target, socket).await {
            Err(ConnectionError::Unreachable { said, .. }) if error::is_busy(&said) => {
                if route.relay.take().is_none() {
                    // Not all at once again: by the clock's last digits.
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                    tokio::time::sleep(pause + pause * (now.subsec_micros() % 1000) / 1000).await;
                    pause *= 2;
                }
            }
            done => return done,
        }
    }
    attempt(&route, target, socket).await
}

async fn attempt(route: &Route, target: &Target<'_>, socket: &Path) -> Result<Vec<String>, ConnectionError> {
    let mut log = socket.as_os_str().to_owned();
    log.push(".log");
    let log = PathBuf::from(log);
    let mut ssh = start(route, target, socket, &log)?;
    let mut said = Vec::new();
    let status = timeout(route.limit(), watch(&mut ssh, &mut said)).await;
    let mut said = String::from_utf8_lossy(&said).into_owned();
    if !route.jump.is_empty() || route.relay.is_some() {
        // What happened on the way comes first.
        if let Ok(on_the_way) = std::fs::read_to_string(&log) {
            said = format!("{}\n{said}", on_the_way.trim_end());
            let _ = std::fs::remove_file(&log);
        }
    }
    let mut said = said.replace('\r', "").trim().to_owned();
    match status {
        Ok(Ok(status)) if status.success() => Ok(said.lines().map(str::to_owned).collect()),
        Ok(Ok(status)) => {
            if said.is_empty() {
                said = format!("ssh ended with {status} and said nothing");
            }
            Err(ConnectionError::from_ssh(said, route.name(), route.key.clone(), target.address))
        }
        Ok(Err(error)) => Err(ConnectionError::local(format!("ssh was lost sight of: {error}"))),
        Err(_) => Err(ConnectionError::Unreachable {
            host: route.name(),
            said: format!("{said}\nno login within {} s", route.limit().as_secs()).trim().to_owned(),
        }),
    }
}

fn start(route: &Route, target: &Target<'_>, socket: &Path, log: &Path) -> Result<Child, ConnectionError> {
    let mut command = Command::new("ssh");
    for secret in &target.settings.secret_variables {
        command.env_remove(secret);
    }
    if let Some(relay) = &route.relay {
        let limit = route.connect_timeout.saturating_sub(RELAY_FIRST).as_millis();
        command
            .env(relay::PROGRAM, &relay.program)
            .env(relay::LOG, log)
            .env(relay::LIMIT, limit.to_string())
            // It is what starts the relay; other shells read their start-up files first.
            .env("SHELL", "/bin/sh");
    }
    command
        .args(arguments::master(route, socket, log)?)
        .env("SSH_ASKPASS_REQUIRE", "never")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // Ctrl-C is for us: we decide what it stops.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            ConnectionError::local_with_help(
                format!("ssh cannot be started: {error}"),
                "apt install openssh-client",
            )
        })
}

/// Until ssh has gone to the background, or has failed. Both close its standard error; should a program that the user's
/// config starts hold it open, it is not waited for.
async fn watch(ssh: &mut Child, said: &mut Vec<u8>) -> std::io::Result<ExitStatus> {
    let stderr = ssh.stderr.take();
    let mut reading = pin!(async {
        if let Some(mut stderr) = stderr {
            while matches!(stderr.read_buf(said).await, Ok(length) if length > 0) {}
        }
    });
    tokio::select! {
        () = &mut reading => ssh.wait().await,
        status = ssh.wait() => {
            let _ = timeout(LAST_WORDS, reading).await;
            status
        }
    }
}
