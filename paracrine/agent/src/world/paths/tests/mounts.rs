//! File systems that are full, read-only or mounted in the way: in a mount namespace of the test's own.

use std::path::PathBuf;

use paracrine_model::protocol::Failure;

use crate::manage::{Comparison, Manage, Turn};
use crate::resource::tools_write;
use crate::world::paths::suite::{Machine, absent, directory, failure, link};

fn run(program: &str, arguments: &[&str]) -> bool {
    std::process::Command::new(program).args(arguments).status().is_ok_and(|status| status.success())
}

#[track_caller]
fn alone(test: &str, body: fn()) {
    given::own_mounts(&format!("world::paths::tests::mounts::{test}"), body);
}

/// Something that is mounted, until it is dropped.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        run("umount", &[self.0.to_str().unwrap()]);
    }
}

fn mount(machine: &Machine, at: &str, options: &str) -> Mounted {
    let at = machine.at(at);
    std::fs::create_dir_all(&at).unwrap();
    assert!(run("mount", &["-t", "tmpfs", "-o", options, "tmpfs", at.to_str().unwrap()]));
    Mounted(at)
}

fn bind(machine: &Machine, from: &str, to: &str) -> Mounted {
    let (from, to) = (machine.at(from), machine.at(to));
    assert!(run("mount", &["--bind", from.to_str().unwrap(), to.to_str().unwrap()]));
    Mounted(to)
}

#[test]
fn a_full_disk_leaves_the_old_file() {
    alone("a_full_disk_leaves_the_old_file", full_disk);
}

fn full_disk() {
    let machine = Machine::new();
    let _full = mount(&machine, "/srv", "size=64k,mode=755");
    machine.make("/srv/x", "old");
    let large = "x".repeat(1024 * 1024);
    assert_eq!(
        machine.apply(&machine.file("/srv/x", &large)),
        Err(Failure::new("cannot write /srv/x: no space left on device"))
    );
    assert_eq!(machine.read("/srv/x"), "old");
    // Nor is a file replaced whose old content cannot be kept.
    let _also_full = mount(&machine, "/var/lib/paracrine", "size=64k,mode=700");
    std::fs::write(machine.at("/var/lib/paracrine/full"), vec![0; 60 * 1024]).unwrap();
    machine.make("/etc/x", &large);
    assert_eq!(
        machine.apply(&machine.file("/etc/x", "new")),
        Err(Failure::new("cannot keep the old content of /etc/x: no space left on device"))
    );
    assert_eq!(machine.read("/etc/x"), large);
    let contents = machine.at("/var/lib/paracrine/runs/run/contents");
    assert_eq!(contents.metadata().unwrap().len(), 0, "half a content is none");
}

#[test]
fn a_check_knows_that_nothing_can_be_written() {
    alone("a_check_knows_that_nothing_can_be_written", read_only);
}

fn read_only() {
    let machine = Machine::new();
    let _read_only = mount(&machine, "/srv", "mode=755");
    machine.make("/srv/x", "old");
    std::fs::create_dir(machine.at("/srv/d")).unwrap();
    assert!(run("mount", &["-o", "remount,ro", machine.at("/srv").to_str().unwrap()]));
    let refused = |path: &str| Failure::new(format!("cannot change {path}: read-only file system"));
    assert_eq!(machine.check(&machine.file("/srv/x", "new")), Err(refused("/srv/x")));
    assert_eq!(machine.check(&machine.file("/srv/y", "new")), Err(refused("/srv/y")));
    assert_eq!(machine.check(&directory("/srv/e")), Err(refused("/srv/e")));
    assert_eq!(machine.check(&link("/srv/l", "x")), Err(refused("/srv/l")));
    assert_eq!(machine.check(&absent("/srv/x")), Err(refused("/srv/x")));
    // Nor owners and modes.
    let refused =
        |path: &str| Failure::new(format!("cannot set owner and mode of {path}: read-only file system"));
    let closed = paracrine_model::name::Mode::parse(0o700).unwrap();
    let file = paracrine_model::resource::file::File { mode: closed, ..machine.file("/srv/x", "old") };
    assert_eq!(machine.check(&file), Err(refused("/srv/x")));
    let directory_closed =
        paracrine_model::resource::directory::Directory { mode: closed, ..directory("/srv/d") };
    assert_eq!(machine.check(&directory_closed), Err(refused("/srv/d")));
    // What is as it should be needs no change.
    assert_eq!(machine.check(&machine.file("/srv/x", "old")).unwrap(), Comparison::equal());
    assert_eq!(machine.check(&directory("/srv/d")).unwrap(), Comparison::equal());
    assert_eq!(machine.check(&absent("/srv/y")).unwrap(), Comparison::equal());
}

#[test]
fn a_check_knows_that_there_is_no_room() {
    alone("a_check_knows_that_there_is_no_room", no_room);
}

fn no_room() {
    let machine = Machine::new();
    let _small = mount(&machine, "/srv", "size=64k,mode=755");
    let full = |path: &str| Err(Failure::new(format!("cannot write {path}: no space left on device")));
    let large = "x".repeat(100 * 1024);
    let half = "x".repeat(40 * 1024);
    assert_eq!(machine.check(&machine.file("/srv/x", &large)).map(drop), full("/srv/x"));
    assert_eq!(machine.apply(&machine.file("/srv/x", &large)).map(drop), full("/srv/x"));
    // Two that fit one by one, and not together; but something may make room for them.
    let (one, two) = (machine.file("/srv/1", &half), machine.file("/srv/2", &half));
    let mut world = machine.world();
    let see = |file: &paracrine_model::resource::file::File, world: &mut crate::world::World| {
        let state = file.observe(&Turn::default(), world)?;
        file.compare(&state, &Turn::default(), world)?;
        file.predict(&state, world);
        Ok(())
    };
    assert_eq!(see(&one, &mut world), Ok(()));
    assert_eq!(see(&two, &mut world), full("/srv/2"));
    world.makers.push(crate::world::Maker::Package("cleaner".into()));
    assert_eq!(see(&two, &mut world), Ok(()));
    let mut world = machine.world();
    machine.make("/srv/old", "x".repeat(40 * 1024));
    let old = absent("/srv/old");
    let state = old.observe(&Turn::default(), &mut world).unwrap();
    old.predict(&state, &mut world);
    assert_eq!(see(&one, &mut world), Ok(()));
    // What is replaced stays until its successor is whole.
    assert_eq!(
        see(&machine.file("/srv/old", &half.replace('x', "y")), &mut machine.world()),
        full("/srv/old")
    );
    let _no_more_files = mount(&machine, "/opt", "nr_inodes=2,mode=755");
    machine.make("/opt/x", "");
    assert_eq!(see(&machine.file("/opt/y", ""), &mut machine.world()), full("/opt/y"));
}

#[test]
fn a_check_knows_that_accounts_and_packages_cannot_be_written() {
    alone("a_check_knows_that_accounts_and_packages_cannot_be_written", read_only_system);
}

fn read_only_system() {
    let machine = Machine::new();
    let accounts = ["/etc/passwd", "/etc/group"].map(|path| (path, machine.read(path)));
    let _etc = mount(&machine, "/etc", "mode=755");
    accounts.iter().for_each(|(path, text)| machine.make(path, text));
    std::fs::create_dir_all(machine.at("/etc/systemd/system")).unwrap();
    let plan = paracrine_model::plan::Plan::new(machine.blobs.clone());
    plan.user("svc");
    plan.group("staff2");
    plan.service("svc").enabled();
    plan.package("svc");
    let all: Vec<_> = plan.finish().0.tasks.into_iter().map(|task| task.work.resource).collect();
    let enabled = paracrine_model::protocol::Difference::Attribute {
        name: "enabled".into(),
        before: Some("no".into()),
        after: "yes".into(),
    };
    let obstacle = |resource: &paracrine_model::resource::Resource, differences: &[_]| {
        machine.world().obstacle_to(tools_write(resource, differences)).map(|failure| failure.message)
    };
    for resource in &all {
        assert_eq!(obstacle(resource, std::slice::from_ref(&enabled)), None, "{resource}");
    }
    let remount = |at: &str| run("mount", &["-o", "remount,ro", machine.at(at).to_str().unwrap()]);
    assert!(remount("/etc"));
    let _usr = mount(&machine, "/usr/bin", "mode=755");
    assert!(remount("/usr/bin"));
    let refused = |path: &str| Some(format!("cannot change {path}: read-only file system"));
    let told: Vec<_> =
        all.iter().map(|resource| obstacle(resource, std::slice::from_ref(&enabled))).collect();
    let passwd = refused("/etc/passwd");
    let expected =
        [passwd.clone(), passwd, refused("/etc/systemd/system/default.target"), refused("/usr/bin/env")];
    assert_eq!(told, expected);
    // Starting a service writes nothing there.
    assert_eq!(obstacle(&all[2], &[]), None);
}

#[test]
fn other_file_systems_are_not_removed() {
    alone("other_file_systems_are_not_removed", mounted_below);
}

fn mounted_below() {
    let machine = Machine::new();
    machine.make("/srv/d/e/x", "");
    let _below = mount(&machine, "/srv/d/with blank", "mode=755");
    machine.make("/srv/d/with blank/precious", "precious");
    assert_eq!(
        machine.check(&absent("/srv/d")),
        Err(failure(
            "/srv/d/with blank is a mount point below /srv/d, so /srv/d is not removed",
            "unmount it first: `umount /srv/d/with blank`"
        ))
    );
    assert_eq!(
        machine.check(&link("/srv/d/with blank", "e")).unwrap_err().message,
        "/srv/d/with blank is a directory, which no link replaces"
    );
    // Another place of the same file system, mounted between the look and the change.
    machine.make("/srv/precious/x", "precious");
    let below = absent("/srv/d/e");
    let mut world = machine.world();
    let state = below.observe(&Turn::default(), &mut world).unwrap();
    std::fs::create_dir(machine.at("/srv/d/e/bound")).unwrap();
    let _bound = bind(&machine, "/srv/precious", "/srv/d/e/bound");
    assert_eq!(
        below.apply(&state, &Turn::default(), &mut world),
        Err(failure(
            "a file system is mounted below /srv/d/e, so not all of it is removed",
            "unmount it first: see `findmnt`"
        ))
    );
    assert_eq!(machine.read("/srv/precious/x"), "precious");
    assert_eq!(machine.read("/srv/d/with blank/precious"), "precious");
}

#[test]
fn a_file_that_is_mounted_is_not_replaced() {
    alone("a_file_that_is_mounted_is_not_replaced", mounted_file);
}

fn mounted_file() {
    let machine = Machine::new();
    machine.make("/etc/resolv.conf", "old");
    machine.make("/srv/from", "mounted");
    let _bound = bind(&machine, "/srv/from", "/etc/resolv.conf");
    let refused = Err(failure(
        "/etc/resolv.conf is a mount point, so it can be neither replaced nor removed",
        "unmount it first: `umount /etc/resolv.conf`",
    ));
    assert_eq!(machine.check(&machine.file("/etc/resolv.conf", "new")), refused);
    assert_eq!(machine.check(&absent("/etc/resolv.conf")), refused);
    assert_eq!(machine.check(&machine.file("/etc/resolv.conf", "mounted")).unwrap(), Comparison::equal());
    // One that is mounted between the look and the change is not harmed either.
    let other = machine.file("/srv/y", "new");
    machine.make("/srv/y", "old");
    let mut world = machine.world();
    let state = other.observe(&Turn::default(), &mut world).unwrap();
    let _also_bound = bind(&machine, "/srv/from", "/srv/y");
    assert_eq!(
        other.apply(&state, &Turn::default(), &mut world),
        Err(failure(
            "cannot replace /srv/y: device or resource busy",
            "something is mounted there: see `findmnt`"
        ))
    );
    assert_eq!(machine.read("/srv/from"), "mounted");
}
