use paracrine_model::resource::absent::Absent;
use std::os::unix::fs::symlink;

use paracrine_model::protocol::{Difference, Failure};

use crate::manage::{Comparison, Manage, Turn};
use crate::suite::{Row, Tried, Wrong, odd_names};
use crate::world::paths::suite::{Machine, absent, directory, failure, listen, path};

impl Tried for Absent {
    fn rows() -> Vec<Row> {
        vec![Row {
            what: "of a directory",
            needs: given::root,
            names: odd_names(),
            given: r#"mkdir -p "$ROOT/srv/$NAME/below"; echo x >"$ROOT/srv/$NAME/below/x""#,
            wanted: |plan, name, _| {
                plan.absent(format!("/srv/{name}"));
            },
            witness: r#"ls -d "$ROOT/srv/$NAME" 2>&1 || true"#,
            drifts: &[
                ("a file", r#"echo x >"$ROOT/srv/$NAME""#),
                ("a link", r#"ln -s /etc/passwd "$ROOT/srv/$NAME""#),
                ("a directory", r#"mkdir "$ROOT/srv/$NAME""#),
            ],
            removed: None,
            failure: Wrong {
                made: r#"mkdir -p "$ROOT/srv/$NAME/below"; echo x >"$ROOT/srv/$NAME/below/x"
                    chattr +i "$ROOT/srv/$NAME/below""#,
                says: "cannot remove /srv/plain: operation not permitted",
                foreseen: false,
                mended: r#"chattr -i "$ROOT/srv/$NAME/below""#,
            },
        }]
    }
}

fn removed(machine: &Machine, at: &str) -> String {
    match machine.apply(&absent(at)).unwrap().as_slice() {
        [Difference::Remove { what }] => what.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_there_is_told_and_removed() {
    let machine = Machine::new();
    machine.make("/srv/f", "");
    assert_eq!(removed(&machine, "/srv/f"), "file");
    symlink("nowhere", machine.at("/srv/l")).unwrap();
    assert_eq!(removed(&machine, "/srv/l"), "link to nowhere");
    let _listener = listen(&machine.at("/srv/s"));
    assert_eq!(removed(&machine, "/srv/s"), "socket");
    std::fs::create_dir(machine.at("/srv/d")).unwrap();
    assert_eq!(removed(&machine, "/srv/d"), "empty directory");
    machine.make("/srv/d/one", "");
    assert_eq!(removed(&machine, "/srv/d"), "directory with 1 entry");
    machine.make("/srv/d/one/below", "");
    machine.make("/srv/d/-two", "");
    assert_eq!(removed(&machine, "/srv/d"), "directory with 2 entries");
    assert_eq!(machine.check(&absent("/srv/d")).unwrap(), Comparison::equal());
    assert_eq!(machine.check(&absent("/nowhere/at/all")).unwrap(), Comparison::equal());
}

#[test]
fn what_a_link_leads_to_stays() {
    let machine = Machine::new();
    machine.make("/srv/precious/x", "precious");
    symlink("precious", machine.at("/srv/l")).unwrap();
    removed(&machine, "/srv/l");
    machine.make("/srv/d/x", "");
    symlink("../precious", machine.at("/srv/d/l")).unwrap();
    removed(&machine, "/srv/d");
    assert_eq!(machine.read("/srv/precious/x"), "precious");
}

#[test]
fn what_is_removed_is_kept_for_a_rollback() {
    let machine = Machine::new();
    machine.make("/srv/d/x", "old");
    removed(&machine, "/srv/d");
    assert_eq!(machine.read("/var/lib/paracrine/runs/run/contents"), "old");
}

#[test]
fn a_tree_deeper_than_paths_and_descriptors_go_is_removed() {
    let machine = Machine::new();
    std::fs::create_dir(machine.at("/srv/deep")).unwrap();
    let open = |parent: &std::os::fd::OwnedFd, name: &str| {
        let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
        rustix::fs::openat(parent, name, flags, rustix::fs::Mode::empty()).unwrap()
    };
    let mut at = std::os::fd::OwnedFd::from(std::fs::File::open(machine.at("/srv/deep")).unwrap());
    for _ in 0..3000 {
        for name in ["below", "beside"] {
            rustix::fs::mkdirat(&at, name, 0o755.into()).unwrap();
        }
        at = open(&at, "below");
    }
    drop(at);
    let mut world = machine.world();
    let deep = absent("/srv/deep");
    let state = deep.observe(&Turn::default(), &mut world).unwrap();
    deep.apply(&state, &Turn::default(), &mut world).unwrap();
    assert_eq!(std::fs::read_dir(machine.at("/srv")).unwrap().count(), 0);
}

#[test]
fn names_that_are_no_text_are_removed() {
    use std::os::unix::ffi::OsStrExt;
    let machine = Machine::new();
    let name = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    std::fs::create_dir_all(machine.at("/srv/d").join(name).join(name)).unwrap();
    removed(&machine, "/srv/d");
}

#[test]
fn the_system_is_never_removed() {
    let machine = Machine::new();
    symlink("usr/bin", machine.at("/bin")).unwrap();
    for at in ["/usr/bin", "/var/lib/dpkg", "/home", "/data"] {
        std::fs::create_dir_all(machine.at(at)).unwrap();
    }
    for at in ["/", "/etc", "/bin", "/usr", "/usr/bin", "/var/lib/dpkg", "/home", "/data"] {
        assert_eq!(
            machine.check(&absent(at)),
            Err(failure(
                &format!("{at} belongs to the system, so it is never removed"),
                "declare the paths below it that should be absent"
            ))
        );
    }
    // By whatever name.
    symlink("/var/lib", machine.at("/srv/way")).unwrap();
    assert!(machine.check(&absent("/srv/way/dpkg")).is_err());
    machine.make("/swapfile", "");
    assert_eq!(removed(&machine, "/swapfile"), "file");
}

#[test]
fn mount_points_are_not_removed() {
    let mut world = crate::world::World::new("/", Default::default(), |_, _| Err(Failure::new("")));
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount = mounts.lines().filter_map(|line| line.split(' ').nth(4)).find(|mount| {
        mount.matches('/').count() > 1 && !mount.contains('\\') && path(mount).parent().is_some()
    });
    if !given::that(mount.is_some(), "a mount point that is not below /") {
        return;
    }
    let mount = mount.unwrap();
    let mounted = absent(mount);
    let state = mounted.observe(&Turn::default(), &mut world).unwrap();
    assert_eq!(
        mounted.compare(&state, &Turn::default(), &world),
        Err(failure(
            &format!("{mount} is a mount point, so it can be neither replaced nor removed"),
            &format!("unmount it first: `umount {mount}`")
        ))
    );
}

#[test]
fn what_earlier_tasks_would_have_made_or_removed_counts_in_a_check() {
    let machine = Machine::new();
    machine.make("/srv/d/old", "");
    let mut world = machine.world();
    for name in ["new", "newer"] {
        let below = directory(&format!("/srv/d/{name}"));
        let state = below.observe(&Turn::default(), &mut world).unwrap();
        below.predict(&state, &mut world);
    }
    let old = absent("/srv/d/old");
    let state = old.observe(&Turn::default(), &mut world).unwrap();
    old.predict(&state, &mut world);
    let all = absent("/srv/d");
    let state = all.observe(&Turn::default(), &mut world).unwrap();
    assert_eq!(
        all.compare(&state, &Turn::default(), &world).unwrap(),
        Comparison::of(vec![Difference::Remove { what: "directory with 2 entries".into() }])
    );
    all.predict(&state, &mut world);
    let state = directory("/srv/d/new/below").observe(&Turn::default(), &mut world).unwrap();
    assert_eq!(
        directory("/srv/d/new/below").compare(&state, &Turn::default(), &world).unwrap_err().message,
        "the directory /srv/d does not exist"
    );
}

#[test]
fn what_a_package_may_bring_may_have_to_be_removed() {
    let machine = Machine::new();
    let mut world = machine.world();
    world.makers.push(crate::world::Maker::Package("nginx".into()));
    let default = absent("/etc/nginx/sites-enabled/default");
    let state = default.observe(&Turn::default(), &mut world).unwrap();
    let found = default.compare(&state, &Turn::default(), &world).unwrap();
    assert_eq!(found.may.as_deref(), Some("package nginx may bring it"));
    assert_eq!(found.differences, [Difference::Remove { what: "what is there by then".into() }]);
}

#[test]
fn what_cannot_be_removed_is_a_failure() {
    given::unprivileged(|| {
        let machine = Machine::new();
        machine.make("/srv/d/x", "");
        machine.mode("/srv/d", 0o555);
        assert_eq!(
            machine.apply(&absent("/srv/d")),
            Err(Failure::new("cannot remove /srv/d: permission denied"))
        );
        machine.mode("/srv/d", 0o755);
    });
}
