//! What apt and dpkg say when something goes wrong, in a line, and what helps.

use paracrine_model::protocol::Failure;

use crate::world::process::{End, Finished, tail};

/// Lines that tell of progress and nothing else.
const PROGRESS: [&str; 14] = [
    "(Reading database",
    "0 upgraded, ",
    "After this operation",
    "Building dependency tree",
    "Get:",
    "Hit:",
    "Ign:",
    "Need to get",
    "Preparing to unpack",
    "Reading package lists",
    "Reading state information",
    "Selecting previously unselected",
    "Unpacking ",
    "Waiting for cache lock",
];

/// The failure of a call of apt or dpkg.
pub(crate) fn explain(finished: &Finished) -> Failure {
    let said = finished.said();
    let failure = Failure::new(message(finished, &said)).output(tail(&telling(&said)));
    match help(&said) {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// Why apt would not do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// In words.
    pub(crate) failure: Failure,
    /// Whether newer lists of packages would not change that.
    pub(crate) lasting: bool,
}

/// Why a simulation failed.
pub(crate) fn trouble(finished: &Finished) -> Trouble {
    let said = finished.said();
    let lasting = providers(&said).is_some() || said.contains("Essential packages were removed");
    Trouble { failure: explain(finished), lasting }
}

/// Whether it failed for a reason that has nothing to do with one package more than with another.
pub(crate) fn is_everybodys(finished: &Finished) -> bool {
    let said = finished.said();
    let status = matches!(finished.end, End::Status(_));
    let signs = [
        "No space left on device",
        "You don't have enough free space",
        "Read-only file system",
        "Temporary failure resolving",
        "Malformed entry",
        "The list of sources could not be read",
    ];
    !finished.succeeded() && (!status || is_locked(&said) || signs.iter().any(|sign| said.contains(sign)))
}

/// Whether it failed because somebody else holds a lock.
pub(super) fn is_locked(said: &str) -> bool {
    ["Unable to acquire the dpkg", "Unable to lock ", "locked by another process"]
        .iter()
        .any(|sign| said.contains(sign))
}

/// Whether refreshed lists may mend what apt complains of.
pub(crate) fn may_be_stale(said: &str) -> bool {
    [
        "Unable to locate package",
        "has no installation candidate",
        "Unable to fetch some archives",
        "Hash Sum mismatch",
        "File has unexpected size",
        "unmet dependencies",
    ]
    .iter()
    .any(|sign| said.contains(sign))
}

fn message(finished: &Finished, said: &str) -> String {
    if !matches!(finished.end, End::Status(_)) {
        return format!("{} {}", finished.program, finished.how());
    }
    if is_locked(said) {
        let holder = holder(said).unwrap_or_else(|| "another program".to_owned());
        return format!("{holder} holds the lock of apt or dpkg");
    }
    if let Some((action, package)) = processed(said) {
        return format!("dpkg could not {action} the package {package}");
    }
    if let Some((name, providers)) = providers(said) {
        return format!("several packages provide {name}, and apt takes none of {providers} by itself");
    }
    if said.contains("unmet dependencies") {
        return "apt finds no way to install what the packages depend on".to_owned();
    }
    if said.contains("Unable to fetch some archives") {
        return "apt could not fetch all packages".to_owned();
    }
    match said.lines().find_map(|line| line.strip_prefix("E: ")) {
        Some(error) => format!("apt: {}", error.trim_end_matches('.')),
        None => format!("{} {}", finished.program, finished.how()),
    }
}

/// `process 4711 (unattended-upgr)`
fn holder(said: &str) -> Option<String> {
    let signs = ["held by process ", "locked by another process with pid "];
    let rest = signs.iter().find_map(|sign| said.rsplit_once(sign))?.1;
    let line = rest.lines().next()?;
    let end = line.find(')').map_or(line.len(), |end| end + 1);
    Some(format!("process {}", line[..end].trim_end_matches('.')))
}

/// `Package NAME is a virtual package provided by:`, the providers with their versions, and what to do.
fn providers(said: &str) -> Option<(&str, String)> {
    let (before, after) = said.split_once(" is a virtual package provided by:\n")?;
    let name = before.rsplit_once("Package ")?.1;
    let lines = after.lines().take_while(|line| line.starts_with([' ', '\t']));
    let providers: Vec<&str> = lines.filter_map(|line| line.split_whitespace().next()).collect();
    Some((name, providers.join(", ")))
}

/// `dpkg: error processing package NAME (--configure):` and `… archive /x/y.deb (--unpack):`
fn processed(said: &str) -> Option<(&'static str, &str)> {
    let rest = said.split_once("dpkg: error processing ")?.1;
    let (_, rest) = rest.split_once(' ')?;
    let (name, rest) = rest.split_once(" (--")?;
    let action = match rest.split_once(')')?.0 {
        "configure" => "configure",
        "remove" | "purge" => "remove",
        _ => "unpack",
    };
    Some((action, name.rsplit('/').next().unwrap_or(name)))
}

fn help(said: &str) -> Option<&'static str> {
    [
        ("No space left on device", "the disk is full: see `df -h` on the host"),
        ("You don't have enough free space", "the disk is full: see `df -h` on the host"),
        (
            "Read-only file system",
            "a file system of the host is mounted read-only: see `findmnt` and `dmesg` there",
        ),
        ("post-installation script", "the package's own script failed, which says why above"),
        ("pre-installation script", "the package's own script failed, which says why above"),
        ("post-removal script", "the package's own script failed, which says why above"),
        ("pre-removal script", "the package's own script failed, which says why above"),
        (
            "unmet dependencies",
            "what they depend on is in none of the host's apt sources, or in a version that does not fit",
        ),
        ("is a virtual package provided by", "declare the one that is meant"),
        (
            "has no installation candidate",
            "others only name it, or a pin keeps it out: see `apt-cache policy` on the host",
        ),
        (
            "Essential packages were removed",
            "the system does not work without it: if that is meant, remove it by hand",
        ),
        ("Temporary failure resolving", "the host cannot look up the names of its package servers"),
        ("NO_PUBKEY", "apt has no key for one of its sources: see `signed-by` in sources.list(5)"),
        ("is not signed", "apt has no key for one of its sources: see `signed-by` in sources.list(5)"),
        ("is not valid yet", "the host's clock is wrong"),
        ("Held packages were changed", "a package is on hold: see `apt-mark showhold` on the host"),
        ("another process", "wait until it is done, or see on the host what keeps it"),
        ("held by process", "wait until it is done, or see on the host what keeps it"),
        ("Unable to fetch some archives", "see whether the host reaches the servers of its apt sources"),
    ]
    .iter()
    .find_map(|(sign, help)| said.contains(sign).then_some(*help))
}

/// All but progress.
fn telling(said: &str) -> String {
    let telling = said.lines().filter(|line| !PROGRESS.iter().any(|progress| line.starts_with(progress)));
    telling.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(said: &str) -> Failure {
        let program = "apt-get".to_owned();
        explain(&Finished { end: End::Status(100), output: said.to_owned(), errors: String::new(), program })
    }

    /// As apt 2.6 and dpkg 1.21 said it on Debian 12.
    #[test]
    fn troubles_are_told_in_a_line() {
        let script = "Reading package lists...\nBuilding dependency tree...\nThe following NEW packages will be \
            installed:\n  failing\nSelecting previously unselected package failing.\nUnpacking failing (1.0) ...\n\
            Setting up failing (1.0) ...\npostinst says no\ndpkg: error processing package failing \
            (--configure):\n installed failing package post-installation script subprocess returned error exit \
            status 1\nErrors were encountered while processing:\n failing\nE: Sub-process /usr/bin/dpkg returned \
            an error code (1)\n";
        let failure = explained(script);
        assert_eq!(failure.message, "dpkg could not configure the package failing");
        assert_eq!(failure.help.as_deref(), Some("the package's own script failed, which says why above"));
        assert!(
            failure
                .output
                .unwrap()
                .starts_with("The following NEW packages will be installed:\n  failing\nSetting up")
        );

        for (said, message, help) in [
            (
                "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4924 \
                 (perl)...\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another \
                 process using it?\n",
                "process 4924 (perl) holds the lock of apt or dpkg",
                Some("wait until it is done, or see on the host what keeps it"),
            ),
            (
                "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 12 (apt-get)\nE: Unable to lock \
                 directory /var/lib/apt/lists/\n",
                "process 12 (apt-get) holds the lock of apt or dpkg",
                Some("wait until it is done, or see on the host what keeps it"),
            ),
            (
                "dpkg: error: dpkg frontend lock was locked by another process with pid 4924\nNote: removing the \
                 lock file is always wrong\n",
                "process 4924 holds the lock of apt or dpkg",
                Some("wait until it is done, or see on the host what keeps it"),
            ),
            (
                "dpkg: error: dpkg frontend lock is locked by another process\n",
                "another program holds the lock of apt or dpkg",
                Some("wait until it is done, or see on the host what keeps it"),
            ),
            // Waited for, and then something else went wrong.
            (
                "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4924 \
                 (perl)...\nE: You don't have enough free space in /var/cache/apt/archives/.\n",
                "apt: You don't have enough free space in /var/cache/apt/archives/",
                Some("the disk is full: see `df -h` on the host"),
            ),
            (
                "The following packages have unmet dependencies:\n needs : Depends: nowhere (>= 1) but it is not \
                 installable\nE: Unable to correct problems, you have held broken packages.\n",
                "apt finds no way to install what the packages depend on",
                Some(
                    "what they depend on is in none of the host's apt sources, or in a version that does not fit",
                ),
            ),
            (
                "E: Failed to fetch http://deb.example/x.deb  404  Not Found\nE: Unable to fetch some archives, \
                 maybe run apt-get update or try with --fix-missing?\n",
                "apt could not fetch all packages",
                Some("see whether the host reaches the servers of its apt sources"),
            ),
            (
                "dpkg: error processing archive /srv/apt/./x_1_all.deb (--unpack):\n trying to overwrite '/etc/y', \
                 which is also in package z 1\n",
                "dpkg could not unpack the package x_1_all.deb",
                None,
            ),
            (
                "E: Malformed entry 1 in list file /etc/apt/sources.list.\n",
                "apt: Malformed entry 1 in list file /etc/apt/sources.list",
                None,
            ),
            (
                "Package mail-transport-agent is a virtual package provided by:\n  postfix 3.7.11-0+deb12u1\n  \
                 exim4-daemon-light 4.96-15\nYou should explicitly select one to install.\n\nE: Package \
                 'mail-transport-agent' has no installation candidate\n",
                "several packages provide mail-transport-agent, and apt takes none of postfix, exim4-daemon-light by \
                 itself",
                Some("declare the one that is meant"),
            ),
            (
                "Package pinned is not available, but is referred to by another package.\nThis may mean that the package \
                 is missing, has been obsoleted, or\nis only available from another source\n\nE: Package 'pinned' has no \
                 installation candidate\n",
                "apt: Package 'pinned' has no installation candidate",
                Some("others only name it, or a pin keeps it out: see `apt-cache policy` on the host"),
            ),
            (
                "WARNING: The following essential packages will be removed.\nThis should NOT be done unless you know \
                 exactly what you are doing!\n  base-files\nE: Essential packages were removed and -y was used \
                 without --allow-remove-essential.\n",
                "apt: Essential packages were removed and -y was used without --allow-remove-essential",
                Some("the system does not work without it: if that is meant, remove it by hand"),
            ),
            ("strange\n", "apt-get ended with status 100", None),
            ("", "apt-get ended with status 100", None),
            ("dpkg: error processing ", "apt-get ended with status 100", None),
        ] {
            let failure = explained(said);
            assert_eq!((failure.message.as_str(), failure.help.as_deref()), (message, help), "{said}");
        }
        let late = Finished {
            end: End::Timeout(std::time::Duration::from_secs(5)),
            output: script.to_owned(),
            errors: String::new(),
            program: "apt-get".to_owned(),
        };
        assert_eq!(explain(&late).message, "apt-get was ended because it took longer than 5 s");
    }
}
