//! Starting ssh, until it is logged in and in the background.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::error::{self, ConnectionError};
use super::route::Route;
use super::target::Target;
use super::{agent, arguments, known_keys};
use crate::relay;

/// What ssh has written when it ends is there already.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// So much of what ssh says is taken in; banners of hosts are part of it.
const MOST_SAID: usize = 256 * 1024;
/// How often a host is tried again that is busy with other logins; pauses double, from 0.2 s.
const RETRIES: u32 = 4;
/// A connection that is not to be kept goes by itself after so long, should we be killed before we close it.
const NOT_KEPT: Duration = Duration::from_secs(5);
/// A host is asked for so many kinds of keys.
const MOST_KEYS: usize = 4;
/// By how much a relay gives up before ssh does, so that it can say why.
const RELAY_FIRST: Duration = Duration::from_millis(250);

/// Logs in; returns what ssh told on the way. Tries again after a while if the host is busy with other logins: many
/// hosts behind one jump host meet its limit, which turns away at random.
///
/// ssh asks a host for the kinds of keys that the user's config lists, and for certificates before keys, whatever is known of
/// it. So one whose key does not fit is asked once more, for those that are known.
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
            Err(error) if !known_keys::worth_a_try(&error, target.address).is_empty() => {
                return by_known_keys(route, target, socket, error).await;
            }
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

/// Asks for the keys that are known, and for nothing else, after `first` has come of what the user's config asks for.
async fn by_known_keys(
    mut route: Route,
    target: &Target<'_>,
    socket: &Path,
    first: ConnectionError,
) -> Result<Vec<String>, ConnectionError> {
    let mut tried: Vec<String> = Vec::new();
    let mut last = first;
    while tried.len() < MOST_KEYS
        && let Some(algorithms) =
            known_keys::worth_a_try(&last, target.address).into_iter().find(|one| !tried.contains(one))
    {
        route.only_known = Some(algorithms.clone());
        tried.push(algorithms);
        match attempt(&route, target, socket).await {
            Ok(notes) => return Ok(notes),
            // It says more of what is known than what came first.
            Err(error @ ConnectionError::HostKeyChanged { .. }) if last.is_of_host_key() => last = error,
            Err(_) => {}
        }
    }
    Err(last)
}

async fn attempt(route: &Route, target: &Target<'_>, socket: &Path) -> Result<Vec<String>, ConnectionError> {
    let mut log = socket.as_os_str().to_owned();
    log.push(".log");
    let log = PathBuf::from(log);
    let mut ssh = start(route, target, socket, &log)?;
    let mut said = Vec::new();
    let status = timeout(route.limit(), watch(&mut ssh, &mut said)).await;
    let mut too_much = said.len() > MOST_SAID;
    said.truncate(MOST_SAID);
    let mut said = String::from_utf8_lossy(&said).into_owned();
    if !route.jump.is_empty() || route.relay.is_some() {
        // What happened on the way comes first.
        if let Ok(on_the_way) = read_some(&log) {
            too_much |= on_the_way.len() > MOST_SAID;
            said = format!("{}\n{said}", String::from_utf8_lossy(&on_the_way).trim_end());
            let _ = std::fs::remove_file(&log);
        }
    }
    let mut said = said.replace('\r', "").trim().to_owned();
    if too_much {
        return Err(prints_too_much(route, &said));
    }
    match status {
        Ok(Ok(status)) if status.success() => Ok(said.lines().map(str::to_owned).collect()),
        Ok(Ok(status)) => {
            if said.is_empty() {
                said = format!("ssh ended with {status} and said nothing");
            }
            Err(ConnectionError::from_ssh(said, route.name(), route.key.clone(), target.address))
        }
        Ok(Err(error)) => Err(ConnectionError::local(format!("ssh was lost sight of: {error}"))),
        Err(_) => Err(no_login(route, &said, agent::that_is_silent().await)),
    }
}

/// Somewhere in what was not taken in may stand that a key was not remembered.
fn prints_too_much(route: &Route, said: &str) -> ConnectionError {
    let said = said.lines().take(20).collect::<Vec<_>>().join("\n");
    ConnectionError::Login { message: format!("{} prints too much at login", route.name()), said }
}

/// That there was no login in time, and which ssh agent does not answer.
fn no_login(route: &Route, said: &str, agent: Option<PathBuf>) -> ConnectionError {
    let (host, limit) = (route.name(), route.limit().as_secs());
    match agent {
        Some(agent) => ConnectionError::local_with_help(
            format!(
                "no login to {host} within {limit} s: the ssh agent at {} does not answer",
                agent.display()
            ),
            "start the ssh agent anew, or unset SSH_AUTH_SOCK",
        ),
        None => {
            let said = format!("{said}\nno login within {limit} s").trim().to_owned();
            ConnectionError::Unreachable { host, said }
        }
    }
}

/// A file's content, but not without end.
fn read_some(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut some = Vec::new();
    std::fs::File::open(file)?.take(MOST_SAID as u64 + 1).read_to_end(&mut some)?;
    Ok(some)
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
/// config starts hold it open, it is not waited for. An ssh that has more and more to say is ended.
async fn watch(ssh: &mut Child, said: &mut Vec<u8>) -> std::io::Result<ExitStatus> {
    let stderr = ssh.stderr.take();
    let mut reading = pin!(async {
        let Some(mut stderr) = stderr else { return false };
        while said.len() <= MOST_SAID {
            if !matches!(stderr.read_buf(said).await, Ok(length) if length > 0) {
                return false;
            }
        }
        true
    });
    tokio::select! {
        too_much = &mut reading => {
            if too_much {
                let _ = ssh.start_kill();
            }
            ssh.wait().await
        }
        status = ssh.wait() => {
            let _ = timeout(LAST_WORDS, reading).await;
            status
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn banners_without_end_are_not_waited_for() {
        let mut ssh = Command::new("/bin/sh");
        ssh.args(["-c", "exec yes 'Authorised use only' >&2"]).stderr(Stdio::piped()).kill_on_drop(true);
        let mut said = Vec::new();
        assert!(!watch(&mut ssh.spawn().unwrap(), &mut said).await.unwrap().success());
        assert!((MOST_SAID..2 * MOST_SAID).contains(&said.len()), "{}", said.len());
        let told = prints_too_much(&Route::for_tests(), &String::from_utf8(said).unwrap());
        assert_eq!(told.to_string(), "deploy@web1.example.org port 2222 prints too much at login");
        let failure = told.failure();
        assert_eq!(failure.output.unwrap(), ["Authorised use only"; 20].join("\n"));
        assert_eq!(
            failure.help.unwrap(),
            "where there is no terminal, the login shell has to run what it is given: neither ask nor wait in its start-up \
             files (`case $- in *i*) ;; *) return ;; esac` ends them early)"
        );
    }

    #[test]
    fn an_agent_that_hangs_is_named() {
        let route = Route::for_tests();
        let hangs = no_login(&route, "", Some("/run/agent".into()));
        assert!(!hangs.unreachable());
        assert_eq!(
            hangs.to_string(),
            "no login to deploy@web1.example.org port 2222 within 40 s: the ssh agent at /run/agent does not answer"
        );
        let help = "start the ssh agent anew, or unset SSH_AUTH_SOCK";
        assert_eq!(hangs.failure().help.as_deref(), Some(help));
        let silent = no_login(&route, "", None);
        assert!(silent.unreachable());
        let said = "cannot reach deploy@web1.example.org port 2222: no login within 40 s";
        assert_eq!(silent.to_string(), said);
    }
}
