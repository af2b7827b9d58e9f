use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use paracrine_model::name::Mode;
use paracrine_model::protocol::{Difference, Failure};
use paracrine_model::resource::directory::Directory;

use crate::manage::{Manage, Turn};
use crate::suite::{Row, Tried, Wrong, odd_names};
use crate::world::paths::suite::{
    Machine, account, attribute, directory, failure, is_root, passes_the_suite,
};

impl Tried for Directory {
    fn rows() -> Vec<Row> {
        vec![Row {
            what: "with a mode",
            needs: || true,
            names: odd_names(),
            given: r#"mkdir -p "$ROOT/srv""#,
            wanted: |plan, name, _| {
                plan.directory(format!("/srv/{name}")).mode(0o2750);
            },
            witness: r#"if test -e "$ROOT/srv/$NAME"; then stat -c '%F %a %u' "$ROOT/srv/$NAME"; fi"#,
            drifts: &[
                ("another mode", r#"chmod 1777 "$ROOT/srv/$NAME""#),
                ("removal", r#"rmdir "$ROOT/srv/$NAME""#),
            ],
            removed: Some(|plan, name| {
                plan.absent(format!("/srv/{name}"));
            }),
            failure: Wrong {
                made: r#"rmdir "$ROOT/srv/$NAME"; touch "$ROOT/srv/$NAME""#,
                says: "is a file, not a directory",
                foreseen: true,
                mended: r#"rm "$ROOT/srv/$NAME""#,
            },
        }]
    }
}

#[test]
fn a_directory_passes_the_suite() {
    passes_the_suite(
        |_, at| directory(at),
        &[
            ("another mode", |at| std::fs::set_permissions(at, PermissionsExt::from_mode(0o2777)).unwrap()),
            ("removal", |at| std::fs::remove_dir(at).unwrap()),
            ("another owner", |at| match is_root() {
                true => std::os::unix::fs::chown(at, Some(4321), Some(4322)).unwrap(),
                false => std::fs::set_permissions(at, PermissionsExt::from_mode(0o700)).unwrap(),
            }),
        ],
    );
}

#[test]
fn what_is_in_a_directory_is_left_alone() {
    let machine = Machine::new();
    machine.make("/srv/d/x", "precious");
    let private = Directory { mode: Mode::parse(0o750).unwrap(), ..directory("/srv/d") };
    assert_eq!(machine.apply(&private).unwrap(), [attribute("mode", "0755", "0750")]);
    assert_eq!(machine.read("/srv/d/x"), "precious");
}

#[test]
fn a_directory_gets_exactly_its_mode_whatever_it_lies_in() {
    let machine = Machine::new();
    machine.mode("/srv", 0o2755);
    machine.apply(&directory("/srv/d")).unwrap();
    assert_eq!(machine.at("/srv/d").metadata().unwrap().mode() & 0o7777, 0o755);
}

#[test]
fn the_root_is_a_directory_too() {
    let machine = Machine::new();
    machine.mode("/", 0o700);
    assert_eq!(machine.apply(&directory("/")).unwrap(), [attribute("mode", "0700", "0755")]);
}

#[test]
fn what_is_no_directory_stays() {
    let machine = Machine::new();
    machine.make("/srv/x", "precious");
    assert_eq!(
        machine.check(&directory("/srv/x")),
        Err(failure(
            "/srv/x is a file, not a directory",
            "move it away by hand, or give the directory another path"
        ))
    );
    symlink("/srv/elsewhere", machine.at("/srv/l")).unwrap();
    assert_eq!(
        machine.check(&directory("/srv/l")),
        Err(failure(
            "/srv/l is a link to /srv/elsewhere, not a directory",
            "declare the directory that it leads to, or remove the link by hand"
        ))
    );
}

#[test]
fn an_owner_that_does_not_exist_is_told() {
    let machine = Machine::new();
    let mine = Directory { owner: account("nobody-here"), ..directory("/srv/d") };
    assert_eq!(machine.check(&mine).unwrap_err().message, "the user nobody-here does not exist");
}

#[test]
fn a_directory_that_a_package_may_bring_may_be_made() {
    let machine = Machine::new();
    let mut world = machine.world();
    world.makers.push(crate::world::Maker::Package("nginx".into()));
    let wanted = directory("/etc/nginx/conf.d");
    let state = wanted.observe(&Turn::default(), &mut world).unwrap();
    let found = wanted.compare(&state, &Turn::default(), &world).unwrap();
    assert_eq!(found.differences, [Difference::Create]);
    assert_eq!(found.may.as_deref(), Some("package nginx may bring it"));
    wanted.predict(&state, &mut world);
    let below = directory("/etc/nginx/conf.d/below");
    let state = below.observe(&Turn::default(), &mut world).unwrap();
    assert_eq!(below.compare(&state, &Turn::default(), &world).unwrap().differences, [Difference::Create]);
}

#[test]
fn a_directory_where_nothing_may_be_made_is_a_failure() {
    given::unprivileged(|| {
        let machine = Machine::new();
        machine.mode("/srv", 0o555);
        let before = machine.snapshot();
        assert_eq!(
            machine.apply(&directory("/srv/d")),
            Err(Failure::new("cannot change /srv/d: permission denied"))
        );
        assert_eq!(machine.snapshot(), before);
        machine.mode("/srv", 0o755);
    });
}
