//! What a lab leaves on disk while it runs, so that another process can look after it, or clear it away.
//!
//! A lab's folder holds `cgroups` (those it made), `names` (of its hosts, once they are booting), `known_hosts`, `key`, `owner` (the
//! process that started it, for people), `boot` (of the machine), `detached` (for whom, if it outlives its owner) and
//! a folder per host below `hosts`. `lock` is held by the owner and by the watchdog that takes the lab down when the owner is gone.

use std::fs::{self, File};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::error::{Context as _, Error, Result};
use super::setup::PATH;
use super::{mounts, process};

const TEARDOWN: &str = include_str!("teardown.sh");

/// The folder of one lab.
#[derive(Debug, Clone)]
pub(crate) struct State {
    id: String,
    directory: PathBuf,
}

/// The process that waits for the end of the lab's owner, however that comes, and then takes the lab down.
#[derive(Debug)]
pub(crate) struct Watchdog {
    process: Child,
    /// Shared with the process: whichever lives, the lab is owned.
    _lock: File,
}

impl State {
    /// A new folder, and the watchdog that will remove it with all that belongs to it.
    pub(crate) fn create() -> Result<(Self, Watchdog)> {
        let states = states()?;
        let id =
            format!("{}-{:04x}", std::process::id(), RandomState::new().build_hasher().finish() & 0xffff);
        let state = Self { directory: states.join(&id), id };
        let _guard = guard(&states)?;
        fs::create_dir(&state.directory).context(|| format!("cannot make {}", state.directory.display()))?;
        state.write("owner", &format!("{}\n", std::process::id()))?;
        state.write("boot", &boot_id()?)?;
        let lock = state.lock_file()?;
        lock.lock().context(|| "cannot lock a new lab")?;
        let shared = lock.try_clone().context(|| "cannot share a lock")?;
        let process = state.teardown().arg("watch").stdin(Stdio::piped()).stdout(shared).spawn();
        let process = process.context(|| "cannot start the lab's watchdog")?;
        Ok((state, Watchdog { process, _lock: lock }))
    }

    /// All labs of this machine that have a folder.
    pub(crate) fn all() -> Result<Vec<Self>> {
        let states = states()?;
        let mut all = Vec::new();
        for entry in fs::read_dir(&states).context(|| format!("cannot read {}", states.display()))? {
            let entry = entry.context(|| format!("cannot read {}", states.display()))?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let id = entry.file_name().to_string_lossy().into_owned();
                all.push(Self { directory: entry.path(), id });
            }
        }
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    /// Takes down all labs whose owner and watchdog are gone, but for those that are meant to outlive them.
    pub(crate) fn sweep() -> Result<Vec<String>> {
        let _guard = guard(&states()?)?;
        let boot = boot_id()?;
        let (mut swept, mut failure) = (Vec::new(), None);
        for state in Self::all()? {
            let same_boot = state.read("boot").is_ok_and(|then| then == boot);
            if same_boot && state.detached_for().is_some() || !state.try_lock()? {
                continue;
            }
            match process::run(&mut state.teardown()) {
                Ok(_) => swept.push(state.id),
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(swept), Err)
    }

    /// Takes the lab down now, whoever owns it.
    pub(crate) fn tear_down(&self) -> Result<()> {
        process::run(&mut self.teardown()).map(drop)
    }

    fn teardown(&self) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", TEARDOWN, "lab-teardown"]).arg(&self.directory).arg(self.kernel_name());
        // Away from the terminal's Ctrl-C, and from folders that may vanish.
        command.env("PATH", PATH).current_dir("/").process_group(0);
        command
    }

    /// Whether nobody held the lab's lock.
    fn try_lock(&self) -> Result<bool> {
        match self.lock_file()?.try_lock() {
            Ok(()) => Ok(true),
            Err(fs::TryLockError::WouldBlock) => Ok(false),
            Err(fs::TryLockError::Error(error)) => Err(error).context(|| "cannot lock a lab"),
        }
    }

    fn lock_file(&self) -> Result<File> {
        let path = self.path("lock");
        File::create(&path).context(|| format!("cannot make {}", path.display()))
    }

    /// What this lab is called among the lab's labs.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What this lab's namespaces and cgroups are called.
    pub(crate) fn kernel_name(&self) -> String {
        format!("paracrine-lab-{}", self.id)
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Result<String> {
        let path = self.path(name);
        fs::read_to_string(&path).context(|| format!("cannot read {}", path.display()))
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> Result<()> {
        let path = self.path(name);
        fs::write(&path, content).context(|| format!("cannot write {}", path.display()))
    }

    /// For which folder the lab was left running.
    pub(crate) fn detached_for(&self) -> Option<PathBuf> {
        self.read("detached").ok().map(PathBuf::from)
    }

    pub(crate) fn set_detached(&self, folder: &Path) -> Result<()> {
        self.write("detached", &folder.to_string_lossy())
    }
}

impl Watchdog {
    /// Ends the watchdog; the lab goes on.
    pub(crate) fn dismiss(mut self) -> Result<()> {
        if let Some(mut stdin) = self.process.stdin.take() {
            stdin.write_all(b"detach\n").context(|| "cannot talk to the lab's watchdog")?;
        }
        self.process.wait().map(drop).context(|| "cannot wait for the lab's watchdog")
    }

    /// Has the lab taken down and waits for it.
    pub(crate) fn release(mut self) -> Result<()> {
        drop(self.process.stdin.take());
        let status = self.process.wait().context(|| "cannot wait for the lab's watchdog")?;
        match status.success() {
            true => Ok(()),
            false => Err(Error::new(format!("the lab was not taken down completely: {status}"))),
        }
    }
}

/// The folder of all labs, made if need be.
fn states() -> Result<PathBuf> {
    let directory =
        std::env::var_os("PARACRINE_LAB_STATE").unwrap_or_else(|| "/var/tmp/paracrine-lab".into());
    let directory = PathBuf::from(directory);
    mounts::check_path(&directory)?;
    fs::create_dir_all(&directory).context(|| format!("cannot make {}", directory.display()))?;
    // Behind links, mounts would be listed under another path than ours.
    directory.canonicalize().context(|| format!("cannot look at {}", directory.display()))
}

/// Held while labs come into being or are swept.
fn guard(states: &Path) -> Result<File> {
    let path = states.join("lock");
    let file = File::create(&path).context(|| format!("cannot make {}", path.display()))?;
    file.lock().context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// Tells one run of the machine from another.
fn boot_id() -> Result<String> {
    let path = "/proc/sys/kernel/random/boot_id";
    fs::read_to_string(path).context(|| format!("cannot read {path}"))
}
