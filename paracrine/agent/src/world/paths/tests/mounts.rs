//! File systems that are full, read-only or mounted in the way: in a mount namespace of the test's own.

use std::path::PathBuf;

use paracrine_model::protocol::Failure;

use crate::manage::{Comparison, Manage, Turn};
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
    // What is as it should be needs no change.
    assert_eq!(machine.check(&machine.file("/srv/x", "old")).unwrap(), Comparison::equal());
    assert_eq!(machine.check(&directory("/srv/d")).unwrap(), Comparison::equal());
    assert_eq!(machine.check(&absent("/srv/y")).unwrap(), Comparison::equal());
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
