use paracrine_model::name::PackageName;
use paracrine_model::plan::Plan;
use paracrine_model::protocol::{Mode, Outcome};

use super::*;
use crate::engine::bench::{Bench, Ran};
use crate::suite::{Row, Tried, Wrong, stand_ins};
use crate::world::packages::Provider;

impl Tried for AptPackage {
    fn rows() -> Vec<Row> {
        const DPKG: &str = r#"if test "$ROOT"; then
            mkdir -p "$ROOT/var/lib/dpkg" "$ROOT/var/lib/apt/lists" "$ROOT/etc/apt/apt.conf.d"
            printf 'Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n' >"$ROOT/var/lib/dpkg/status"
            printf '%s 2.0\n' paracrine-hello g++-12 0ad libsdl2-2.0-0 >"$ROOT/var/lib/apt/available"
            touch "$ROOT/var/lib/apt/lists/here_InRelease"
        fi"#;
        vec![Row {
            what: "of a version",
            needs: || true,
            names: ["paracrine-hello", "g++-12", "0ad", "libsdl2-2.0-0"].map(str::to_owned).into(),
            given: DPKG,
            wanted: |plan, name, _| {
                plan.package(name).at_least("1.5");
            },
            witness: r#"grep -A1 -x "Package: $NAME" "$ROOT/var/lib/dpkg/status" || true"#,
            drifts: &[("removal", r#"apt-get install -y -q -- "$NAME-" >/dev/null 2>&1"#)],
            removed: Some(|plan, name| {
                plan.package(name).absent();
            }),
            failure: Wrong {
                made: r#"apt-get install -y -q -- "$NAME-" >/dev/null 2>&1
                    echo 'DPkg::Pre-Invoke { "false"; };' >"$ROOT/etc/apt/apt.conf.d/99fail""#,
                says: "apt",
                foreseen: false,
                mended: r#"rm "$ROOT/etc/apt/apt.conf.d/99fail""#,
            },
        }]
    }
}

fn wanted(state: &str) -> AptPackage {
    let state = match state {
        "present" => PackageState::Present,
        "absent" => PackageState::Absent,
        version => PackageState::AtLeast(Version::parse(version).unwrap()),
    };
    AptPackage { package: PackageName::parse("nginx").unwrap(), state }
}

fn package(status: Status, version: &str) -> Package {
    Package {
        status,
        version: Some(version.to_owned()).filter(|version| !version.is_empty()),
        ..Package::default()
    }
}

fn shown(wanted: &AptPackage, state: &State) -> String {
    let root = tempfile::tempdir().unwrap();
    let world = World::new(root.path(), Default::default(), |_, _| Err(Failure::new("no contents")));
    match wanted.compare(state, &Turn::default(), &world) {
        Err(failure) => format!("failure: {failure}"),
        Ok(comparison) => {
            let mut words: Vec<String> = comparison
                .differences
                .iter()
                .map(|difference| match difference {
                    Difference::Attribute { name, before, after } => {
                        format!("{name}: {} -> {after}", before.as_deref().unwrap_or("none"))
                    }
                    other => format!("{other:?}"),
                })
                .collect();
            words.extend(comparison.may.map(|because| format!("may: {because}")));
            words.join("; ")
        }
    }
}

#[test]
fn packages_differ_as_they_should() {
    use Status::{ConfigFiles, HalfConfigured, HalfInstalled, Installed, NotInstalled, Unpacked};
    let none = package(NotInstalled, "");
    for (want, there, expected) in [
        ("present", package(Installed, "1.2"), ""),
        ("present", none.clone(), "state: none -> installed"),
        ("present", package(ConfigFiles, "1.2"), "state: none -> installed"),
        ("present", package(HalfConfigured, "1.2"), "state: half-configured -> installed"),
        ("present", package(HalfInstalled, "1.2"), "state: half-installed -> installed"),
        ("present", package(Unpacked, "1.2"), "state: unpacked -> installed"),
        ("1.2", package(Installed, "1.2"), ""),
        ("1.2~rc1", package(Installed, "1.2"), ""),
        ("1.10", package(Installed, "1.9"), "version: 1.9 -> >= 1.10"),
        ("1:0", package(Installed, "9"), "version: 9 -> >= 1:0"),
        ("1.2", none.clone(), "version: none -> >= 1.2"),
        ("1.2", package(ConfigFiles, "1.2"), "version: none -> >= 1.2"),
        ("1.2", package(Installed, ""), ""),
        ("absent", package(Installed, "1.2"), "state: 1.2 -> removed"),
        ("absent", package(HalfConfigured, "1.2"), "state: half-configured -> removed"),
        ("absent", package(ConfigFiles, "1.2"), ""),
        ("absent", none.clone(), ""),
    ] {
        let state = State { package: there, available: Some(Available::Version("99:1".into())), doubt: None };
        assert_eq!(shown(&wanted(want), &state), expected, "{want} {state:?}");
    }
}

#[test]
fn names_that_others_provide_are_installed() {
    let provided = |version: Option<&str>| Package {
        providers: vec![Provider { package: "nginx-light".into(), version: version.map(str::to_owned) }],
        ..Package::default()
    };
    for (want, version, equal) in [
        ("present", None, true),
        ("1.2", None, false),
        ("1.2", Some("1.3"), true),
        ("1.4", Some("1.3"), false),
        ("absent", None, true),
    ] {
        assert_eq!(is_as_wanted(&wanted(want).state, &provided(version)), equal, "{want} {version:?}");
    }
}

#[test]
fn packages_on_hold_are_not_touched() {
    let held = |version: &str| Package { held: true, ..package(Status::Installed, version) };
    let state = |version: &str| State { package: held(version), available: None, doubt: None };
    assert_eq!(shown(&wanted("present"), &state("1")), "");
    assert_eq!(shown(&wanted("2"), &state("1")), "failure: the package nginx is on hold at 1");
    assert_eq!(shown(&wanted("absent"), &state("1")), "failure: the package nginx is on hold at 1");
    // A hold that was set while it was not there keeps nothing.
    let gone = State { package: Package { held: true, ..Package::default() }, available: None, doubt: None };
    assert_eq!(shown(&wanted("present"), &gone), "state: none -> installed");
}

#[test]
fn what_apt_lacks_is_told_unless_its_lists_are_to_be_doubted() {
    let state = |available: Available, doubt: Option<&str>| State {
        package: Package::default(),
        available: Some(available),
        doubt: doubt.map(str::to_owned),
    };
    let version = |text: &str| Available::Version(text.to_owned());
    for (want, available, expected) in [
        ("present", version("1"), "state: none -> installed"),
        ("present", Available::None, "state: none -> installed"),
        ("present", Available::Unknown, "failure: apt has no package nginx"),
        ("2", version("2.1"), "version: none -> >= 2"),
        ("2", version("1.9"), "failure: apt has nginx 1.9, and the plan wants 2 or later"),
        ("2", Available::Unknown, "failure: apt has no package nginx"),
    ] {
        assert_eq!(shown(&wanted(want), &state(available, None)), expected);
    }
    let doubt = Some("the package lists are 3 days old; apply refreshes them");
    assert_eq!(
        shown(&wanted("2"), &state(version("1.9"), doubt)),
        "version: none -> >= 2; may: apt has nginx 1.9, and the plan wants 2 or later; the package lists are 3 days \
         old; apply refreshes them"
    );
}

#[test]
fn sources_that_would_be_written_are_noticed() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("etc/apt/sources.list.d")).unwrap();
    std::fs::write(root.path().join("etc/apt/sources.list.d/old.sources"), "").unwrap();
    let mut world = World::new(root.path(), Default::default(), |_, _| Err(Failure::new("no contents")));
    assert_eq!(predicted_source(&mut world), None);
    let path = |name: &str| AbsolutePath::parse(&format!("/etc/apt/sources.list.d/{name}")).unwrap();
    let file = PathState::made(PathKind::File { length: 0, predicted: None }, "root", "root", 0o644);
    world.predict_path(&path("new.sources"), file.clone());
    assert_eq!(predicted_source(&mut world).unwrap().as_str(), "/etc/apt/sources.list.d");
    let mut world = World::new(root.path(), Default::default(), |_, _| Err(Failure::new("no contents")));
    world.predict_path(&path("old.sources"), file);
    assert_eq!(predicted_source(&mut world), Some(path("old.sources")));
    assert_eq!(
        doubt(&mut world).as_deref(),
        Some("/etc/apt/sources.list.d/old.sources is written before it")
    );
}

/// Tried on a lab's host as well, with apt and dpkg themselves.
mod on_any_machine {
    use super::*;
    use crate::suite::on_host;

    /// What a run said of each package: `name: what`.
    fn told(ran: &Ran, names: &[&str]) -> Vec<String> {
        let outcome = |outcome: &Outcome| match outcome {
            Outcome::Changed => "changed".to_owned(),
            Outcome::MayChange { because } => format!("may change: {because}"),
            // In which order providers are named is apt's own business.
            Outcome::Failed(failure) => failure.message.split(", and apt takes").next().unwrap().to_owned(),
        };
        let reports = ran.reports().into_iter();
        let mut told: Vec<_> = reports
            .map(|report| format!("{}: {}", names[report.task as usize], outcome(&report.outcome)))
            .collect();
        told.sort();
        told
    }

    /// Runs a script with `$ROOT` before each path.
    fn sh(bench: &Bench, script: &str) {
        let root = bench.root().to_str().unwrap().trim_end_matches('/');
        let done = std::process::Command::new("sh").args(["-ec", script]).env("ROOT", root).output().unwrap();
        assert!(done.status.success(), "{script}\n{}", String::from_utf8_lossy(&done.stderr));
    }

    /// A machine with these packages to be had.
    fn machine() -> Bench {
        if on_host() {
            let bench = Bench::on_the_machine();
            sh(
                &bench,
                r#"dpkg --purge --force-all good better failing old other-or-good postfix exim4 >/dev/null 2>&1 || true
                rm -rf /srv/tried; mkdir -p /srv/tried; cd /srv/tried
                make() {
                    mkdir -p "tree/$1/DEBIAN"
                    printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: x <x@example.invalid>\n%sDescription: x\n' \
                        "$1" "$2" "$3" >"tree/$1/DEBIAN/control"
                    if [ "$1" = failing ]; then
                        printf '#!/bin/sh\nexit 1\n' >tree/failing/DEBIAN/postinst; chmod 755 tree/failing/DEBIAN/postinst
                    fi
                    dpkg-deb --build "tree/$1" . >/dev/null
                }
                lines() { printf '%s\n.' "$1"; }
                make good 1.0 ''; make better 2.0 ''; make failing 1.0 ''; make old 1.0 ''
                conflicts=$(lines 'Conflicts: good'); make other-or-good 1.0 "${conflicts%.}"
                provides=$(lines 'Provides: mta'); make postfix 1.0 "${provides%.}"; make exim4 1.0 "${provides%.}"
                apt-ftparchive packages . >Packages
                echo 'deb [trusted=yes] file:/srv/tried ./' >/etc/apt/sources.list.d/tried.list
                find /etc/apt -exec touch -h -d '2 hours ago' {} +
                apt-get update -q >/dev/null"#,
            );
            return bench;
        }
        let bench = Bench::new();
        stand_ins(&bench.beside("tools"));
        sh(
            &bench,
            r#"mkdir -p "$ROOT/var/lib/dpkg" "$ROOT/var/lib/apt/lists/partial" "$ROOT/etc/apt/apt.conf.d"
            printf 'Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n' >"$ROOT/var/lib/dpkg/status"
            printf '%s\n' 'good 1.0' 'better 2.0' 'failing 1.0' 'old 1.0' 'other-or-good 1.0' 'mta - postfix exim4' \
                >"$ROOT/var/lib/apt/available"
            touch "$ROOT/var/lib/apt/lists/here_InRelease""#,
        );
        bench
    }

    #[test]
    fn packages_that_cannot_be_installed_are_not_in_the_way_of_others() {
        let several = "several packages provide mta";
        let unknown = "apt has no package no-such";
        let too_old = "apt has old 1.0, and the plan wants 2 or later";
        let conflict = "apt finds no way to install what the packages depend on";
        let broken = "dpkg could not configure the package failing";
        let old = "the package lists are 30 minutes old; apply refreshes them";
        let names = ["no-such", "mta", "good", "old", "failing", "other-or-good", "better"];
        let declare = |plan: &Plan| {
            plan.packages(["no-such", "mta", "good"]);
            plan.package("old").at_least("2");
            plan.packages(["failing", "other-or-good", "better"]);
        };
        let changed = |name: &str| format!("{name}: changed");
        let may = |name: &str, why: &str| format!("{name}: may change: {why}; {old}");
        let said = |name: &str, what: &str| format!("{name}: {what}");
        let with_old_lists = [
            changed("better"),
            changed("failing"),
            changed("good"),
            said("mta", several),
            may("no-such", unknown),
            may("old", too_old),
            may("other-or-good", conflict),
        ];
        let with_young_lists = [
            changed("better"),
            changed("failing"),
            changed("good"),
            said("mta", several),
            said("no-such", unknown),
            said("old", too_old),
            said("other-or-good", conflict),
        ];
        let done = [
            changed("better"),
            said("failing", broken),
            changed("good"),
            said("mta", several),
            said("no-such", unknown),
            said("old", too_old),
            said("other-or-good", conflict),
        ];
        for (age, announced) in [("30 minutes ago", with_old_lists), ("now", with_young_lists)] {
            let bench = machine();
            sh(&bench, &format!("touch -d '{age}' \"$ROOT/var/lib/apt/lists/partial\""));
            assert_eq!(told(&bench.run(Mode::Check, declare), &names), announced, "lists of {age}");
            let ran = bench.run(Mode::Apply, declare);
            assert_eq!(told(&ran, &names), done, "lists of {age}");
            assert_eq!((ran.summary.changed, ran.summary.failed, ran.summary.skipped), (2, 5, 0));
            let status = std::fs::read_to_string(bench.root().join("var/lib/dpkg/status")).unwrap();
            let installed = |name: &&&str| {
                let stanza = format!("Package: {name}\nStatus: install ok installed\n");
                status.split("\n\n").any(|found| format!("{found}\n").contains(&stanza))
            };
            assert_eq!(names.iter().filter(installed).collect::<Vec<_>>(), [&"good", &"better"]);
            if on_host() {
                let clean = "dpkg --purge --force-all good better failing >/dev/null 2>&1
                    rm -rf /srv/tried /etc/apt/sources.list.d/tried.list; apt-get update -q >/dev/null";
                sh(&bench, clean);
            }
        }
    }
}
