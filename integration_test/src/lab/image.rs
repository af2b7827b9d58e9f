//! The Debian root that all hosts share, made once and kept in a cache outside the clone.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use super::error::{Context as _, Error, Result};
use super::process::{run, run_holding};
use super::setup::PATH;
use super::{mounts, repository};

/// The Debian release of the hosts.
const SUITE: &str = "bookworm";

/// What `debootstrap` adds to its minimal root.
const PACKAGES: &[&str] =
    &["systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "iproute2", "cron", "procps", "apt-utils"];

/// Where Debian comes from when the machine's apt names no mirror.
const MIRROR: &str = "http://deb.debian.org/debian";

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

const CONFIGURE: &str = include_str!("configure.sh");

/// Images that no lab has used for this long are deleted when another one is built.
const KEPT: Duration = Duration::from_secs(14 * 24 * 3600);

/// A root in the cache, complete.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    directory: PathBuf,
}

impl Image {
    /// The image of the current recipe: from the cache, else built now, by whoever holds the lock.
    pub(crate) fn obtain() -> Result<Self> {
        let cache = cache_directory()?;
        let image = Self { directory: cache.join(format!("image-{:016x}", recipe())) };
        let lock_path = cache.join("lock");
        let lock = File::create(&lock_path).context(|| format!("cannot make {}", lock_path.display()))?;
        if !image.directory.exists() {
            if lock.try_lock().is_err() {
                eprintln!("lab: waiting for another process that is building the Debian image");
                lock.lock().context(|| format!("cannot lock {}", lock_path.display()))?;
            }
            if !image.directory.exists() {
                sweep(&cache)?;
                image.build(&cache, &lock)?;
            }
        }
        // The time of last use, for the sweep above.
        let used = image.directory.join("used");
        fs::write(&used, "").context(|| format!("cannot write {}", used.display()))?;
        Ok(image)
    }

    /// The root file system, not to be changed.
    pub(crate) fn root(&self) -> PathBuf {
        self.directory.join("root")
    }

    /// The private key that hosts let in.
    pub(crate) fn key(&self) -> PathBuf {
        self.directory.join("id_ed25519")
    }

    /// Builds under a temporary name and renames when complete.
    fn build(&self, cache: &Path, lock: &File) -> Result<()> {
        let start = Instant::now();
        eprintln!("lab: building the Debian image in {} (once, about a minute)", self.directory.display());
        let building = tempfile::Builder::new()
            .prefix(".building-")
            .tempdir_in(cache)
            .context(|| format!("cannot make a folder in {}", cache.display()))?;
        let assembled = assemble(building.path(), lock);
        // Nothing may be mounted below a folder that is about to be deleted.
        if let Err(error) = mounts::unmount_below(building.path()) {
            let _ = building.keep();
            return Err(error);
        }
        assembled?;
        let finished = building.keep();
        fs::rename(&finished, &self.directory)
            .context(|| format!("cannot make {}", self.directory.display()))?;
        eprintln!("lab: built in {:.0} s", start.elapsed().as_secs_f64());
        Ok(())
    }
}

/// Makes all that an image holds in an empty folder.
fn assemble(building: &Path, lock: &File) -> Result<()> {
    let root = building.join("root");
    let mirror = mirror()?;
    debootstrap(&root, &mirror, lock)?;

    let key = building.join("id_ed25519");
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f"]).arg(&key))?;
    let public = key.with_extension("pub");
    let authorized = root.join("srv/authorized_keys");
    fs::copy(&public, &authorized).context(|| format!("cannot copy {}", public.display()))?;

    let (packages, trees, scratch) = (root.join("srv/apt"), root.join("srv/build"), building.join("apt"));
    for folder in [&packages, &trees] {
        fs::create_dir_all(folder).context(|| format!("cannot make {}", folder.display()))?;
    }
    let source = format!("deb [signed-by={KEYRING}] {mirror} {SUITE} main\n");
    repository::download(&root, &source, &scratch, &packages)?;
    for package in repository::tiny_packages() {
        package.write(&trees)?;
    }
    let mut configure = Command::new("chroot");
    configure.arg(&root).args(["/bin/sh", "-c", CONFIGURE]).env_clear().env("PATH", PATH);
    run_holding(lock, &mut configure)?;
    fs::remove_dir_all(&scratch).context(|| format!("cannot remove {}", scratch.display()))
}

fn debootstrap(root: &Path, mirror: &str, lock: &File) -> Result<()> {
    let mut command = Command::new("debootstrap");
    command.env("PATH", PATH);
    for (option, variable) in
        [("Acquire::http::Proxy", "http_proxy"), ("Acquire::https::Proxy", "https_proxy")]
    {
        let proxy = run(Command::new("apt-config").args(["dump", "--format", "%v", option]))?.stdout;
        let proxy = String::from_utf8_lossy(&proxy).trim().to_owned();
        if !proxy.is_empty() && proxy != "DIRECT" {
            command.env(variable, proxy);
        }
    }
    let include = format!("--include={}", PACKAGES.join(","));
    command
        .args(["--variant=minbase", &format!("--keyring={KEYRING}"), &include, SUITE])
        .arg(root)
        .arg(mirror);
    run_holding(lock, &mut command).map(drop)
}

/// The folder that holds images, made if need be.
fn cache_directory() -> Result<PathBuf> {
    let directory =
        std::env::var_os("PARACRINE_LAB_CACHE").unwrap_or_else(|| "/var/cache/paracrine-lab".into());
    let directory = PathBuf::from(directory);
    mounts::check_path(&directory)?;
    fs::create_dir_all(&directory).context(|| format!("cannot make {}", directory.display()))?;
    Ok(directory)
}

/// What all that makes the image comes to: another recipe, another image.
fn recipe() -> u64 {
    let mut hasher = DefaultHasher::new();
    (SUITE, PACKAGES, CONFIGURE, repository::DOWNLOADED).hash(&mut hasher);
    format!("{:?}", repository::tiny_packages()).hash(&mut hasher);
    hasher.finish()
}

/// Removes what interrupted builds left and images that nobody has used for long. The caller holds the lock.
fn sweep(cache: &Path) -> Result<()> {
    for entry in fs::read_dir(cache).context(|| format!("cannot read {}", cache.display()))? {
        let entry = entry.context(|| format!("cannot read {}", cache.display()))?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let stale = name.starts_with("image-") && !used_lately(&path) && !mounts::mentions(&path)?;
        if name.starts_with(".building-") || stale {
            mounts::unmount_below(&path)?;
            fs::remove_dir_all(&path).context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

fn used_lately(image: &Path) -> bool {
    let used = fs::metadata(image.join("used")).and_then(|file| file.modified());
    used.is_ok_and(|time| SystemTime::now().duration_since(time).unwrap_or_default() < KEPT)
}

/// The mirror that the machine's own apt uses for Debian.
fn mirror() -> Result<String> {
    let format = "$(ORIGIN)|$(RELEASE)|$(COMPONENT)|$(REPO_URI)";
    let output =
        run(Command::new("apt-get").args(["indextargets", "--format", format, "Created-By: Packages"]))?;
    let mirror = choose_mirror(&String::from_utf8_lossy(&output.stdout));
    match mirror.contains([' ', '|', '$']) {
        true => Err(Error::new(format!("apt names a strange mirror: {mirror}"))),
        false => Ok(mirror),
    }
}

fn choose_mirror(targets: &str) -> String {
    let candidates = targets.lines().filter_map(|line| {
        let mut fields = line.splitn(4, '|');
        let (origin, release) = (fields.next()?, fields.next()?);
        let (component, address) = (fields.next()?, fields.next()?);
        // Without package lists apt leaves the origin unnamed. Updates and security have releases like `bookworm-updates`.
        let debian = origin == "Debian" || (origin.starts_with('$') && address.contains("debian"));
        (debian && component == "main" && !release.contains(['-', '/'])).then(|| (release == SUITE, address))
    });
    // The last of the best: prefer the hosts' own release, else any Debian release of the same mirror.
    let best = candidates.max_by_key(|(same, _)| *same);
    best.map_or(MIRROR, |(_, address)| address).trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_that_of_apt() {
        let targets = "Debian|bookworm|main|http://mirror.example/debian/\n\
                       Debian|bookworm-updates|main|http://mirror.example/updates/\n\
                       Debian|bookworm-security|main|http://mirror.example/debian-security/\n\
                       . nodistro|nodistro|main|https://deb.example.com/node_20.x/\n";
        assert_eq!(choose_mirror(targets), "http://mirror.example/debian");
    }

    #[test]
    fn the_hosts_release_is_preferred() {
        let targets = "Debian|bookworm|main|http://old.example/debian/\nDebian|trixie|main|http://new.example/debian/\n";
        assert_eq!(choose_mirror(targets), "http://old.example/debian");
        let targets = "Debian|trixie|main|http://new.example/debian/\n";
        assert_eq!(choose_mirror(targets), "http://new.example/debian");
    }

    #[test]
    fn a_mirror_is_found_without_package_lists() {
        let targets = "$(ORIGIN)|bookworm|main|http://mirror.example/debian/\n";
        assert_eq!(choose_mirror(targets), "http://mirror.example/debian");
        assert_eq!(choose_mirror(""), MIRROR);
    }
}
