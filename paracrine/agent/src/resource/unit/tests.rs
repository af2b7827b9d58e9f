use paracrine_model::name::{AbsolutePath, Mode, UnitName};
use paracrine_model::protocol::Difference;
use paracrine_model::resource::unit::Unit;

use crate::manage::{Comparison, Manage, Turn};
use crate::suite::{Row, Tried, Wrong};
use crate::world::paths::suite::{Machine, absent, attribute, link};

impl Tried for Unit {
    fn rows() -> Vec<Row> {
        vec![Row {
            what: "of a service",
            needs: || true,
            names: ["suite-unit.service", "suite@.service", "suite-a_b.c:d.timer", "suite\\x2dunit.path"]
                .map(str::to_owned)
                .into(),
            given: r#"mkdir -p "$ROOT/etc/systemd/system""#,
            wanted: |plan, name, _| {
                plan.unit(name, "[Service]\nExecStart=/bin/sleep 1000\n");
            },
            witness: r#"cd "$ROOT/etc/systemd/system"; if test -e "$NAME"; then stat -c '%F %a %u' "$NAME"; cat "$NAME"; fi"#,
            drifts: &[
                ("another content", r#"echo '[Service]' >"$ROOT/etc/systemd/system/$NAME""#),
                ("another mode", r#"chmod 600 "$ROOT/etc/systemd/system/$NAME""#),
                ("a mask", r#"ln -sfn /dev/null "$ROOT/etc/systemd/system/$NAME""#),
                ("removal", r#"rm "$ROOT/etc/systemd/system/$NAME""#),
            ],
            removed: Some(|plan, name| {
                plan.absent(format!("/etc/systemd/system/{name}"));
            }),
            failure: Wrong {
                made: r#"rm "$ROOT/etc/systemd/system/$NAME"; mkdir "$ROOT/etc/systemd/system/$NAME""#,
                says: "is a directory, which no file replaces",
                foreseen: true,
                mended: r#"rmdir "$ROOT/etc/systemd/system/$NAME""#,
            },
        }]
    }
}

fn unit(machine: &Machine, name: &str, content: &str) -> Unit {
    Unit {
        unit: UnitName::parse(name).unwrap(),
        path: AbsolutePath::parse(&format!("/etc/systemd/system/{name}")).unwrap(),
        content: machine.blobs.keep(content.as_bytes()),
        mode: Mode::FILE,
        exposed: None,
    }
}

fn machine() -> Machine {
    let machine = Machine::new();
    std::fs::create_dir_all(machine.at("/etc/systemd/system")).unwrap();
    machine
}

#[test]
fn a_unit_is_a_file_of_root() {
    let machine = machine();
    let app = unit(&machine, "app@.service", "[Service]\nExecStart=/bin/true\n");
    assert_eq!(machine.check(&app).unwrap(), Comparison::of(vec![Difference::Create]));
    if !given::root() {
        return;
    }
    machine.apply(&app).unwrap();
    assert_eq!(machine.read("/etc/systemd/system/app@.service"), "[Service]\nExecStart=/bin/true\n");
    machine.mode("/etc/systemd/system/app@.service", 0o755);
    assert_eq!(machine.apply(&app).unwrap(), [attribute("mode", "0755", "0644")]);
    machine.apply(&absent("/etc/systemd/system/app@.service")).unwrap();
}

#[test]
fn a_masked_unit_is_unmasked_by_its_file() {
    if !given::root() {
        return;
    }
    let machine = machine();
    std::os::unix::fs::symlink("/dev/null", machine.at("/etc/systemd/system/app.service")).unwrap();
    let app = unit(&machine, "app.service", "[Service]\n");
    assert_eq!(
        machine.apply(&app).unwrap(),
        [Difference::Remove { what: "link to /dev/null".into() }, Difference::Create]
    );
}

#[test]
fn systemd_is_known_to_have_units_that_would_be_made() {
    let machine = machine();
    let mut world = machine.world();
    let app = unit(&machine, "app.service", "[Service]\n");
    let state = app.observe(&Turn::default(), &mut world).unwrap();
    app.predict(&state, &mut world);
    assert!(world.units.predicts_unit_file("app.service"));

    // However they are made, but by their place.
    let file = machine.file("/etc/systemd/system/timer.timer", "");
    let state = file.observe(&Turn::default(), &mut world).unwrap();
    file.predict(&state, &mut world);
    let alias = link("/etc/systemd/system/alias.service", "/opt/app/app.service");
    let state = alias.observe(&Turn::default(), &mut world).unwrap();
    alias.predict(&state, &mut world);
    let elsewhere = machine.file("/srv/elsewhere.service", "");
    let state = elsewhere.observe(&Turn::default(), &mut world).unwrap();
    elsewhere.predict(&state, &mut world);
    assert!(world.units.predicts_unit_file("timer.timer"));
    assert!(world.units.predicts_unit_file("alias.service"));
    assert!(!world.units.predicts_unit_file("elsewhere.service"));
}
