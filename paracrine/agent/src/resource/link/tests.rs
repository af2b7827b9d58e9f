use paracrine_model::resource::link::Link;
use std::os::unix::fs::symlink;

use paracrine_model::protocol::{Difference, Failure};

use crate::manage::{Manage, Turn};
use crate::suite::{Row, Tried, Wrong, odd_names};
use crate::world::paths::suite::{Machine, attribute, directory, failure, link, listen, passes_the_suite};

impl Tried for Link {
    fn rows() -> Vec<Row> {
        vec![Row {
            what: "to nowhere",
            needs: || true,
            names: odd_names(),
            given: r#"mkdir -p "$ROOT/srv""#,
            wanted: |plan, name, _| {
                plan.link(format!("/srv/{name}"), "odd target/$(id)");
            },
            witness: r#"readlink "$ROOT/srv/$NAME" || true"#,
            drifts: &[
                ("another target", r#"ln -sfn /etc/passwd "$ROOT/srv/$NAME""#),
                ("a file in its place", r#"rm "$ROOT/srv/$NAME"; echo x >"$ROOT/srv/$NAME""#),
                ("removal", r#"rm "$ROOT/srv/$NAME""#),
            ],
            removed: Some(|plan, name| {
                plan.absent(format!("/srv/{name}"));
            }),
            failure: Wrong {
                made: r#"rm "$ROOT/srv/$NAME"; mkdir "$ROOT/srv/$NAME""#,
                says: "is a directory, which no link replaces",
                foreseen: true,
                mended: r#"rmdir "$ROOT/srv/$NAME""#,
            },
        }]
    }
}

#[test]
fn a_link_passes_the_suite() {
    passes_the_suite(
        |_, at| link(at, "/nowhere/at all"),
        &[
            ("another target", |at| {
                std::fs::remove_file(at).unwrap();
                symlink("/nowhere/at al", at).unwrap();
            }),
            ("removal", |at| std::fs::remove_file(at).unwrap()),
            ("a file in its place", |at| {
                std::fs::remove_file(at).unwrap();
                std::fs::write(at, "").unwrap();
            }),
        ],
    );
}

#[test]
fn what_differs_is_told() {
    let machine = Machine::new();
    symlink("a", machine.at("/srv/l")).unwrap();
    assert_eq!(machine.apply(&link("/srv/l", "b")).unwrap(), [attribute("target", "a", "b")]);
    machine.make("/srv/f", "");
    assert_eq!(
        machine.apply(&link("/srv/f", "b")).unwrap(),
        [Difference::Remove { what: "file".into() }, Difference::Create]
    );
    let _listener = listen(&machine.at("/srv/s"));
    assert_eq!(
        machine.apply(&link("/srv/s", "b")).unwrap(),
        [Difference::Remove { what: "socket".into() }, Difference::Create]
    );
}

#[test]
fn a_directory_is_not_replaced() {
    let machine = Machine::new();
    machine.make("/srv/d/x", "precious");
    assert_eq!(
        machine.check(&link("/srv/d", "b")),
        Err(failure(
            "/srv/d is a directory, which no link replaces",
            "move it away by hand, or give the link another path"
        ))
    );
}

#[test]
fn a_replaced_link_leads_to_its_new_target_within_the_run() {
    let machine = Machine::new();
    machine.make("/srv/one/here", "");
    machine.make("/srv/two/here", "");
    symlink("one", machine.at("/srv/current")).unwrap();
    let mut world = machine.world();
    let file = machine.file("/srv/current/x", "new");
    file.observe(&Turn::default(), &mut world).unwrap();
    let current = link("/srv/current", "two");
    let state = current.observe(&Turn::default(), &mut world).unwrap();
    current.apply(&state, &Turn::default(), &mut world).unwrap();
    let state = file.observe(&Turn::default(), &mut world).unwrap();
    file.apply(&state, &Turn::default(), &mut world).unwrap();
    assert!(machine.at("/srv/two/x").exists() && !machine.at("/srv/one/x").exists());
}

#[test]
fn a_predicted_link_leads_to_its_target_in_a_check() {
    let machine = Machine::new();
    machine.make("/srv/two/x", "there");
    let mut world = machine.world();
    let current = link("/srv/current", "two");
    let state = current.observe(&Turn::default(), &mut world).unwrap();
    current.predict(&state, &mut world);
    let file = machine.file("/srv/current/x", "there");
    let state = file.observe(&Turn::default(), &mut world).unwrap();
    assert!(file.compare(&state, &Turn::default(), &world).unwrap().is_equal());
    let below = directory("/srv/current/d");
    let state = below.observe(&Turn::default(), &mut world).unwrap();
    below.predict(&state, &mut world);
    let same = directory("/srv/two/d");
    let state = same.observe(&Turn::default(), &mut world).unwrap();
    assert!(same.compare(&state, &Turn::default(), &world).unwrap().is_equal());
}

#[test]
fn a_link_where_nothing_may_be_made_is_a_failure() {
    given::unprivileged(|| {
        let machine = Machine::new();
        machine.mode("/srv", 0o555);
        let before = machine.snapshot();
        assert_eq!(
            machine.apply(&link("/srv/l", "b")),
            Err(Failure::new("cannot change /srv/l: permission denied"))
        );
        assert_eq!(machine.snapshot(), before);
        machine.mode("/srv", 0o755);
    });
}
