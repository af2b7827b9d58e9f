//! The packages that hosts can install: tiny ones made here, real ones downloaded beforehand.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::error::{Context as _, Result};
use super::process::run;
use super::setup::PATH;

/// Real packages that hosts can install, with all they depend on.
pub(crate) const DOWNLOADED: &[&str] = &["ca-certificates", "curl", "nginx"];

/// How many of the packages `tiny-01`, `tiny-02`, … there are.
pub const TINY_PACKAGES: usize = 20;

const SERVICE: &str = "\
#!/bin/sh
# Does nothing, for as long as it is let; says so when it is told to reload.
trap 'echo reloaded' HUP
echo started
while :; do
    sleep 3600 &
    wait $!
    kill $! 2>/dev/null
done
";

const SERVICE_UNIT: &str = "\
[Unit]
Description=A service that does nothing

[Service]
ExecStart=/usr/bin/paracrine-service
ExecReload=/bin/kill -HUP $MAINPID

[Install]
WantedBy=multi-user.target
";

/// What debhelper writes for a package with a service: enabled and started when installed.
const SERVICE_POSTINST: &str = "\
#!/bin/sh
set -e
if [ \"$1\" = configure ] || [ \"$1\" = abort-upgrade ] || [ \"$1\" = abort-deconfigure ] || [ \"$1\" = abort-remove ]; then
    deb-systemd-helper unmask paracrine-service.service >/dev/null || true
    if deb-systemd-helper --quiet was-enabled paracrine-service.service; then
        deb-systemd-helper enable paracrine-service.service >/dev/null || true
    else
        deb-systemd-helper update-state paracrine-service.service >/dev/null || true
    fi
    if [ -d /run/systemd/system ]; then
        systemctl --system daemon-reload >/dev/null || true
        if [ -n \"$2\" ]; then action=restart; else action=start; fi
        deb-systemd-invoke $action paracrine-service.service >/dev/null || true
    fi
fi
";

const SERVICE_PRERM: &str = "\
#!/bin/sh
set -e
if [ -d /run/systemd/system ] && [ \"$1\" = remove ]; then
    deb-systemd-invoke stop paracrine-service.service >/dev/null || true
fi
";

const SERVICE_POSTRM: &str = "\
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl --system daemon-reload >/dev/null || true; fi
if [ \"$1\" = remove ] && [ -x /usr/bin/deb-systemd-helper ]; then
    deb-systemd-helper mask paracrine-service.service >/dev/null || true
fi
if [ \"$1\" = purge ] && [ -x /usr/bin/deb-systemd-helper ]; then
    deb-systemd-helper purge paracrine-service.service >/dev/null || true
    deb-systemd-helper unmask paracrine-service.service >/dev/null || true
fi
";

/// A package to be made with `dpkg-deb`.
#[derive(Debug)]
pub(crate) struct TinyPackage {
    name: String,
    version: &'static str,
    depends: &'static str,
    /// Path inside the package (those under `DEBIAN/` for dpkg itself), mode, content.
    files: Vec<(String, u32, String)>,
}

/// The packages made here.
pub(crate) fn tiny_packages() -> Vec<TinyPackage> {
    let program =
        |name: &str, says: &str| (format!("usr/bin/{name}"), 0o755, format!("#!/bin/sh\necho {says}\n"));
    let mut packages = Vec::from(["1.0", "2.0"].map(|version| TinyPackage {
        name: "paracrine-hello".into(),
        version,
        depends: "",
        files: vec![program("paracrine-hello", &format!("hello {version}"))],
    }));
    packages.push(TinyPackage {
        name: "paracrine-world".into(),
        version: "1.0",
        depends: "paracrine-hello",
        files: vec![program("paracrine-world", "world")],
    });
    packages.push(TinyPackage {
        name: "paracrine-service".into(),
        version: "1.0",
        depends: "init-system-helpers (>= 1.52)",
        files: vec![
            ("usr/bin/paracrine-service".into(), 0o755, SERVICE.into()),
            ("lib/systemd/system/paracrine-service.service".into(), 0o644, SERVICE_UNIT.into()),
            ("etc/paracrine-service.conf".into(), 0o644, "# nothing to configure\n".into()),
            ("DEBIAN/conffiles".into(), 0o644, "/etc/paracrine-service.conf\n".into()),
            ("DEBIAN/postinst".into(), 0o755, SERVICE_POSTINST.into()),
            ("DEBIAN/prerm".into(), 0o755, SERVICE_PRERM.into()),
            ("DEBIAN/postrm".into(), 0o755, SERVICE_POSTRM.into()),
        ],
    });
    packages.extend((1..=TINY_PACKAGES).map(|number| {
        let name = format!("tiny-{number:02}");
        let files = vec![(format!("usr/share/{name}/number"), 0o644, format!("{number}\n"))];
        TinyPackage { name, version: "1.0", depends: "", files }
    }));
    packages
}

impl TinyPackage {
    /// Writes the tree that `dpkg-deb --build` makes into a package.
    pub(crate) fn write(&self, below: &Path) -> Result<()> {
        let tree = below.join(format!("{}_{}", self.name, self.version));
        let control = ("DEBIAN/control".to_owned(), 0o644, self.control());
        for (path, mode, content) in self.files.iter().chain([&control]) {
            let path = tree.join(path);
            let folder = path.parent().unwrap_or(&tree);
            fs::create_dir_all(folder).context(|| format!("cannot make {}", folder.display()))?;
            fs::write(&path, content).context(|| format!("cannot write {}", path.display()))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode))
                .context(|| format!("cannot set the mode of {}", path.display()))?;
        }
        Ok(())
    }

    fn control(&self) -> String {
        let depends = match self.depends {
            "" => String::new(),
            depends => format!("Depends: {depends}\n"),
        };
        format!(
            "Package: {}\nVersion: {}\nArchitecture: all\nMaintainer: The lab <lab@example.invalid>\n\
             {depends}Section: misc\nPriority: optional\nDescription: a package of the lab\n",
            self.name, self.version
        )
    }
}

/// Downloads the real packages, and those they depend on that the root lacks, into a folder.
///
/// This is the machine's own apt, with its proxies, but with the root's packages and the given source only.
pub(crate) fn download(root: &Path, source: &str, scratch: &Path, into: &Path) -> Result<()> {
    for folder in ["state/lists/partial", "cache/archives/partial"] {
        let folder = scratch.join(folder);
        fs::create_dir_all(&folder).context(|| format!("cannot make {}", folder.display()))?;
    }
    let list = scratch.join("sources.list");
    fs::write(&list, source).context(|| format!("cannot write {}", list.display()))?;
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("PATH", PATH).env("DEBIAN_FRONTEND", "noninteractive").args(["--quiet", "--yes"]);
        for (option, path) in [
            ("Dir::State", scratch.join("state")),
            ("Dir::State::status", root.join("var/lib/dpkg/status")),
            ("Dir::Cache", scratch.join("cache")),
            ("Dir::Etc::SourceList", list.clone()),
            ("Dir::Etc::SourceParts", "/dev/null".into()),
            ("Dir::Etc::Preferences", "/dev/null".into()),
            ("Dir::Etc::PreferencesParts", "/dev/null".into()),
        ] {
            command.arg("-o").arg(format!("{option}={}", path.display()));
        }
        run(command.args(["-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"]).args(arguments))
    };
    apt(&["update"])?;
    apt(&[&["install", "--download-only"], DOWNLOADED].concat())?;
    let archives = scratch.join("cache/archives");
    for entry in fs::read_dir(&archives).context(|| format!("cannot read {}", archives.display()))? {
        let from = entry.context(|| format!("cannot read {}", archives.display()))?.path();
        if let Some(name) = from.file_name().filter(|_| from.extension().is_some_and(|end| end == "deb")) {
            fs::copy(&from, into.join(name)).context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_package_for_every_need() {
        let names = tiny_packages().iter().map(|p| format!("{} {}", p.name, p.version)).collect::<Vec<_>>();
        assert!(
            names.starts_with(&["paracrine-hello 1.0".into(), "paracrine-hello 2.0".into()]),
            "{names:?}"
        );
        assert_eq!(names.last().map(String::as_str), Some("tiny-20 1.0"));
    }

    #[test]
    fn control_files_have_no_empty_fields() {
        for package in tiny_packages() {
            assert!(
                package
                    .control()
                    .lines()
                    .all(|line| line.split_once(": ").is_some_and(|(_, v)| !v.is_empty()))
            );
        }
    }
}
