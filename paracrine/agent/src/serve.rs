//! One run, from the first word to the last.

use std::cell::RefCell;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use paracrine_model::artifact::read_work;
use paracrine_model::hash::Hash;
use paracrine_model::plan::Work;
use paracrine_model::protocol::{Deploy, Failure, Mode, Opening, Request, Summary};
use paracrine_model::receipt::About;

use crate::engine::{Engine, Setup};
use crate::journal::Journal;
use crate::lock::Lock;
use crate::port::{Beginning, Ending, Patient, Port, Stdio, greet};
use crate::receipt::Receipt;
use crate::world::World;
use crate::world::process::{keeper, left};

/// Where the lock and the journal are.
struct Folders {
    run: PathBuf,
    state: PathBuf,
}

impl Folders {
    /// Root's are the system's; other users' (`sudo: false` in the inventory) are in their homes.
    fn ours() -> Result<Self, Failure> {
        if rustix::process::geteuid().is_root() {
            return Ok(Self { run: "/run/paracrine".into(), state: "/var/lib/paracrine".into() });
        }
        let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let home = home.ok_or_else(|| Failure::new("the user has no home for the lock and the journal"))?;
        let state = home.join(".local/state/paracrine");
        Ok(Self { run: state.join("run"), state })
    }
}

/// Talks to the controller over standard input and output until the run is over.
pub fn serve(nonce: &str) -> ExitCode {
    if greet(nonce).is_err() {
        return ExitCode::FAILURE;
    }
    // The bootstrap starts it in its cache's directory, which may have to be removed or unmounted.
    let _ = std::env::set_current_dir("/");
    // The kernel's own numbers for "nobody is to read what root's agent holds".
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let mut beginning = match Beginning::stdio() {
        Ok(beginning) => beginning,
        // There is nobody to tell it to.
        Err(_) => return ExitCode::FAILURE,
    };
    let Opening { agent, request } = match beginning.opening() {
        Ok(opening) => opening,
        Err(error) => return refuse(beginning, Failure::new(error.to_string())),
    };
    let own = match File::open("/proc/self/exe").and_then(Hash::of_reader) {
        Ok(own) => own,
        Err(error) => {
            return refuse(beginning, Failure::new(format!("the agent cannot read itself: {error}")));
        }
    };
    match request {
        Request::Deploy(deploy) => {
            let tasks = match beginning.attached(deploy.plan) {
                Ok(plan) => read_work(&plan).map_err(|error| format!("the plan could not be read: {error}")),
                Err(error) => Err(format!("the plan did not arrive: {error}")),
            };
            let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default().trim().to_owned();
            let port = beginning.hello(deploy.mode, own, machine);
            let port = Rc::new(RefCell::new(port));
            let ended = if own == agent {
                tasks.map_err(Failure::new).and_then(|tasks| run(*deploy, &tasks, &port))
            } else {
                Err(Failure::new("the agent on the host is not the one of this build").help(
                    "its cache was changed by somebody: remove /var/cache/paracrine on the host and run again",
                ))
            };
            let code = if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
            port.borrow_mut().end(ended.map(measured));
            code
        }
    }
}

fn refuse(mut beginning: Beginning<File, Patient>, why: Failure) -> ExitCode {
    beginning.refuse(why);
    ExitCode::FAILURE
}

struct Ready {
    journal: Journal,
    state: PathBuf,
    lock: Option<Lock>,
}

/// Proves that this is the machine that the controller means, and takes the lock.
fn begin(deploy: &Deploy, port: &mut Stdio) -> Result<Ready, Failure> {
    let folders = Folders::ours()?;
    let at;
    let mut at_work = false;
    let lock = match deploy.mode {
        Mode::Check => {
            if let Some(holder) = Lock::held_by(&folders.run) {
                at_work = true;
                port.notice(format!("another run is at work here now: {holder}"));
            }
            at = Lock::cut_off_at(&folders.run);
            keeper::have_keepers(None);
            if !at_work && let Some(running) = left::look(&folders.run) {
                port.notice(running);
            }
            None
        }
        Mode::Apply => {
            let wait = Duration::from_secs(deploy.lock_wait.into());
            let mut told = false;
            let own = (deploy.run.as_str(), deploy.identity.as_str());
            let (lock, before) = Lock::take_for(&folders.run, own, &deploy.holder, wait, |holder| {
                if !std::mem::replace(&mut told, true) {
                    port.waiting(holder);
                }
                port.ending().is_none()
            })?;
            at = before.task;
            keeper::have_keepers(Some(folders.run.clone()));
            if let Some(ended) = left::end(&folders.run, || port.ending().is_none())? {
                port.notice(ended);
            }
            Some(lock)
        }
    };
    // Read under the lock: another run may just have written it.
    let journal = Journal::open(&folders.state)?;
    match journal.identity() {
        Some(other) if other != deploy.identity && !deploy.adopt => {
            return Err(Failure::new(format!(
                "this machine is deployed as {other}, and this run is for {}",
                deploy.identity
            ))
            .help("check `ssh_hostname` and `ssh_port` in the inventory; `--adopt` takes the machine over"));
        }
        _ => {}
    }
    if let Some(holder) = cut_off(&journal, lock.as_ref(), at_work, &folders) {
        let task = at.map(|task| format!(" at {task}")).unwrap_or_default();
        port.notice(format!("the last run ({holder}) was cut off{task}"));
    }
    Ok(Ready { journal, state: folders.state, lock })
}

/// Who ran what was cut off. The journal of a run that is at work looks the same: without the lock, this says nothing while
/// another run holds it, be it that this was so before the journal was read or that that run began just now.
fn cut_off<'j>(
    journal: &'j Journal,
    lock: Option<&Lock>,
    at_work: bool,
    folders: &Folders,
) -> Option<&'j str> {
    let at_work = at_work || (lock.is_none() && Lock::held_by(&folders.run).is_some());
    journal.cut_off().filter(|_| !at_work)
}

fn run(deploy: Deploy, tasks: &[Work], port: &Rc<RefCell<Stdio>>) -> Result<Summary, Failure> {
    let ready = begin(&deploy, &mut port.borrow_mut())?;
    let asked = Rc::clone(port);
    let world = World::new("/", deploy.values, move |lacking, take| {
        let mut port = asked.borrow_mut();
        port.lacking(lacking.to_vec());
        let length = lacking.iter().map(|content| content.length).sum();
        port.delivery(length, take).map_err(Ending::failure)
    });
    let receipt = (deploy.mode == Mode::Apply).then(|| {
        let about = About {
            run: deploy.run.into(),
            number: 0,
            identity: deploy.identity.clone(),
            holder: deploy.holder.clone(),
            commit: deploy.commit,
            began: rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec,
        };
        Receipt::new(ready.state, about)
    });
    let setup = Setup {
        mode: deploy.mode,
        receipt,
        tasks,
        world,
        journal: ready.journal,
        lock: ready.lock,
        identity: deploy.identity,
        holder: deploy.holder,
        port: Rc::clone(port),
    };
    Engine::new(setup).run()
}

fn measured(mut summary: Summary) -> Summary {
    let own = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let own = u64::try_from(own.tv_sec * 1_000_000 + own.tv_nsec / 1000).unwrap_or_default();
    summary.cpu_microseconds = own + children_microseconds().unwrap_or_default();
    summary.peak_kib = peak_kib().unwrap_or_default();
    summary
}

/// Fields 16 and 17 of `/proc/self/stat` (proc(5)), in hundredths of a second on every Debian.
fn children_microseconds() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(13)?.parse::<u64>().ok()? + fields.get(14)?.parse::<u64>().ok()?;
    Some(ticks * 10_000)
}

fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::tests::until_free;

    #[test]
    fn a_check_does_not_call_a_run_cut_off_that_is_still_at_work() {
        let directory = tempfile::tempdir().unwrap();
        let folders = Folders { run: directory.path().join("run"), state: directory.path().join("state") };
        let (other, _) = Lock::take(&folders.run, "ann@laptop", Duration::ZERO, |_| true).unwrap();
        let mut journal = Journal::open(&folders.state).unwrap();
        journal.begin("shop/dev/web1", "ann@laptop");
        journal.write().unwrap();
        let journal = Journal::open(&folders.state).unwrap();
        assert_eq!(cut_off(&journal, None, false, &folders), None);
        // It ended while this one began: its journal is read as it was just before.
        drop(other);
        assert_eq!(cut_off(&journal, None, true, &folders), None);
        // Now nobody is at work any more.
        let mut told = None;
        while told.is_none() {
            until_free(&folders.run);
            told = cut_off(&journal, None, false, &folders);
        }
        assert_eq!(told, Some("ann@laptop"));
        let (own, _) = Lock::take(&folders.run, "bob@ci", Duration::from_secs(60), |_| true).unwrap();
        assert_eq!(cut_off(&journal, Some(&own), false, &folders), Some("ann@laptop"));
    }
}
