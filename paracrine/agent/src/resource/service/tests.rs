use paracrine_model::name::UnitName;
use paracrine_model::protocol::Difference;

use super::*;
use crate::manage::{Due, Look};
use crate::suite::{Row, Tried, Wrong};

impl Tried for Service {
    fn rows() -> Vec<Row> {
        const UNIT: &str = r#"units=$ROOT/etc/systemd/system; mkdir -p $units
            printf '[Service]\nExecStart=/bin/sleep 100000\n[Install]\nWantedBy=multi-user.target\n' >"$units/$NAME"
            systemctl daemon-reload"#;
        vec![Row {
            what: "enabled and running",
            needs: || true,
            names: ["suite.service", "suite-a_b.c:d.service", "suite\\x2dname.service"]
                .map(str::to_owned)
                .into(),
            given: UNIT,
            wanted: |plan, name, _| {
                plan.service(name).enabled().running();
            },
            witness: r#"systemctl is-enabled -- "$NAME" || true; systemctl is-active -- "$NAME" || true"#,
            drifts: &[
                ("a stop", r#"systemctl stop -- "$NAME""#),
                ("that it is disabled", r#"systemctl disable -- "$NAME" 2>/dev/null"#),
            ],
            removed: Some(|plan, name| {
                plan.service(name).disabled().stopped();
            }),
            failure: Wrong {
                made: r#"systemctl stop -- "$NAME"; mkdir "$ROOT/etc/systemd/system/$NAME.d"
                    printf '[Service]\nExecStart=\nExecStart=/bin/false\n' >"$ROOT/etc/systemd/system/$NAME.d/fail.conf"
                    systemctl daemon-reload"#,
                says: "suite.service was started and does not run: its program ended with status 1",
                foreseen: false,
                mended: r#"rm -r "$ROOT/etc/systemd/system/$NAME.d"; systemctl daemon-reload"#,
            },
        }]
    }
}

fn service(enabled: Option<bool>, running: Option<bool>, masked: Option<bool>) -> Service {
    Service { unit: UnitName::parse("app.service").unwrap(), enabled, running, masked, settled_for: None }
}

/// `active running enabled`, with flags behind them.
fn state(text: &str) -> State {
    let mut unit = UnitState { load: Load::Loaded, kind: "simple".into(), ..UnitState::default() };
    let mut state = State::default();
    for (at, word) in text.split_whitespace().enumerate() {
        match (at, word) {
            (0, active) => unit.active = active.into(),
            (1, sub) => unit.sub = sub.into(),
            (2, file) => unit.file = file.into(),
            (_, "reloadable") => unit.can_reload = true,
            (_, "changed") => unit.needs_reload = true,
            (_, "oneshot") => unit.kind = "oneshot".into(),
            (_, "remains") => unit.remains = true,
            (_, "masked") => unit.load = Load::Masked,
            (_, "missing") => unit.load = Load::NotFound,
            (_, "bad") => unit.load = Load::Bad("Unit app.service has a bad unit file setting".into()),
            (_, "written") => state.written = true,
            (_, "brought") => state.brought = Some("package app may bring it".into()),
            (_, "script-on") => state.script_enabled = Some(true),
            (_, "script-off") => state.script_enabled = Some(false),
            (_, "own") => unit.fragment = "/etc/systemd/system/app.service".into(),
            other => panic!("{other:?}"),
        }
    }
    state.unit = unit;
    state
}

fn due(actions: &[Action]) -> Vec<Due> {
    let due =
        |(at, action): (usize, &Action)| Due { action: *action, because: format!("file /{at}"), may: false };
    actions.iter().enumerate().map(due).collect()
}

/// `enabled: no -> yes; restart (file /0)`, or the failure's message.
fn shown(service: &Service, state: &State, due: &[Due]) -> String {
    let compared = differ::compare(service, state, &Turn { due, look: Look::First });
    let comparison = match compared {
        Ok(comparison) => comparison,
        Err(failure) => return format!("failure: {failure}"),
    };
    let mut words: Vec<String> = comparison
        .differences
        .iter()
        .map(|difference| match difference {
            Difference::Attribute { name, before, after } => {
                format!("{name}: {} -> {after}", before.as_deref().unwrap_or("none"))
            }
            Difference::Action { verb, because } => format!("{verb} ({because})"),
            other => format!("{other:?}"),
        })
        .collect();
    words.extend(comparison.may.map(|because| format!("may: {because}")));
    words.join("; ")
}

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

#[test]
fn units_differ_as_they_should() {
    use Action::{Reload, Restart};
    let some = |enabled, running| service(enabled, running, None);
    let cases: &[(Service, &str, &[Action], &str)] = &[
        // As it should be, or left alone.
        (some(YES, YES), "active running enabled", &[], ""),
        (some(YES, YES), "active running alias", &[], ""),
        (some(None, YES), "reloading reload disabled", &[], ""),
        (some(NO, NO), "inactive dead disabled", &[], ""),
        (some(NO, NO), "failed failed disabled", &[], ""),
        (some(None, None), "failed failed disabled", &[], ""),
        // Enabled and running.
        (some(YES, YES), "inactive dead disabled", &[], "enabled: no -> yes; running: no -> yes"),
        (some(None, YES), "failed failed enabled", &[], "running: failed -> yes"),
        (
            some(None, YES),
            "activating auto-restart enabled",
            &[],
            "running: activating (auto-restart) -> yes",
        ),
        (some(None, YES), "activating start enabled", &[], "running: activating (start) -> yes"),
        (some(NO, NO), "active running enabled", &[], "enabled: yes -> no; running: yes -> no"),
        (some(None, NO), "activating auto-restart enabled", &[], "running: activating (auto-restart) -> no"),
        (some(YES, None), "active running enabled-runtime", &[], "enabled: enabled-runtime -> yes"),
        (some(NO, None), "active running enabled-runtime", &[], ""),
        (some(YES, None), "active running linked", &[], "enabled: linked -> yes"),
        // Files that have no say in it.
        (some(YES, None), "active running indirect", &[], ""),
        (some(NO, None), "active running indirect", &[], ""),
        (some(NO, None), "active running static", &[], ""),
        (
            some(YES, None),
            "active running static",
            &[],
            "failure: app.service cannot be enabled: it is static",
        ),
        (some(YES, None), "active running static written", &[], "enabled: static -> yes"),
        (some(YES, None), "active running generated", &[], ""),
        (some(YES, None), "active running generated script-off", &[], "enabled: no -> yes"),
        (some(NO, None), "active running generated script-on", &[], "enabled: yes -> no"),
        (some(YES, None), "active running generated script-on", &[], ""),
        // What is due.
        (some(YES, YES), "active running enabled", &[Restart], "restart (file /0)"),
        (some(YES, YES), "active running enabled reloadable", &[Reload], "reload (file /0)"),
        (some(YES, YES), "active running enabled reloadable", &[Reload, Restart], "restart (file /1)"),
        (some(YES, YES), "active running enabled", &[Restart, Restart], "restart (file /0, file /1)"),
        (some(YES, YES), "inactive dead enabled", &[Restart], "running: no -> yes"),
        (some(YES, YES), "inactive dead enabled", &[Reload], "running: no -> yes"),
        (some(YES, NO), "inactive dead enabled", &[Restart], ""),
        (some(YES, NO), "active running enabled", &[Restart], "running: yes -> no"),
        (some(None, None), "inactive dead enabled", &[Reload], ""),
        (some(None, None), "active running enabled", &[Restart], "restart (file /0)"),
        (some(YES, YES), "active running enabled", &[Reload], "failure: app.service cannot be reloaded"),
        (some(YES, YES), "active running enabled written", &[Reload], "reload (file /0)"),
        // Files that systemd has not read yet.
        (
            some(YES, YES),
            "active running enabled changed",
            &[],
            "daemon-reload (its files were changed since systemd read them)",
        ),
        (
            some(YES, YES),
            "active running enabled changed",
            &[Restart],
            "daemon-reload (its files were changed since systemd read them); restart (file /0)",
        ),
        // What ends by itself.
        (
            some(None, YES),
            "inactive dead static oneshot",
            &[],
            "failure: app.service does its work and ends, so it is never found running",
        ),
        (some(None, YES), "inactive dead static oneshot written", &[], "running: no -> yes"),
        (some(None, YES), "inactive dead static oneshot remains", &[], "running: no -> yes"),
        (some(None, NO), "inactive dead static oneshot", &[], ""),
        // Masks.
        (service(None, NO, YES), "inactive dead masked masked", &[], ""),
        (service(None, NO, YES), "inactive dead masked-runtime masked", &[], "masked: no -> yes"),
        (service(None, NO, YES), "active running enabled", &[], "masked: no -> yes; running: yes -> no"),
        (service(None, NO, YES), "inactive dead x missing", &[], "masked: none -> yes"),
        (
            service(None, NO, YES),
            "active running enabled own",
            &[],
            "failure: app.service cannot be masked: its own file is at /etc/systemd/system/app.service",
        ),
        (
            service(YES, YES, NO),
            "inactive dead masked masked",
            &[],
            "masked: yes -> no; enabled: none -> yes; running: no -> yes",
        ),
        (service(NO, NO, None), "inactive dead masked masked", &[], ""),
        (
            service(YES, None, None),
            "inactive dead masked masked",
            &[],
            "failure: app.service is masked, so it can be neither enabled nor started",
        ),
        // Units that are not there.
        (some(YES, YES), "inactive dead x missing", &[], "failure: there is no unit app.service"),
        (some(None, None), "inactive dead x missing", &[], "failure: there is no unit app.service"),
        (some(NO, NO), "inactive dead x missing", &[], ""),
        (some(YES, YES), "inactive dead x missing written", &[], "enabled: no -> yes; running: no -> yes"),
        (
            some(YES, YES),
            "inactive dead x missing written",
            &[Restart],
            "enabled: no -> yes; running: no -> yes",
        ),
        (some(NO, NO), "inactive dead x missing written", &[], ""),
        (
            some(YES, YES),
            "inactive dead x missing brought",
            &[Reload],
            "enabled: none -> yes; running: none -> yes; reload (file /0); may: package app may bring it",
        ),
        (
            some(NO, NO),
            "inactive dead x missing brought",
            &[Restart],
            "enabled: none -> no; running: none -> no; may: package app may bring it",
        ),
        (some(None, None), "inactive dead x missing brought", &[], ""),
        // Units that cannot be used.
        (
            some(YES, None),
            "inactive dead disabled bad",
            &[],
            "failure: app.service cannot be used: Unit app.service has a bad unit file setting",
        ),
        (some(NO, NO), "inactive dead disabled bad", &[], ""),
    ];
    for (service, text, actions, expected) in cases {
        assert_eq!(shown(service, &state(text), &due(actions)), *expected, "{service:?} {text} {actions:?}");
    }
}

#[test]
fn templates_can_only_be_enabled() {
    let template = |enabled, running| Service {
        unit: UnitName::parse("app@.service").unwrap(),
        ..service(enabled, running, None)
    };
    let mut there = state("inactive dead disabled");
    there.unit.template = true;
    assert_eq!(shown(&template(YES, None), &there, &[]), "enabled: no -> yes");
    let expected = "failure: app@.service is a template, which can be enabled but cannot run";
    assert_eq!(shown(&template(None, YES), &there, &[]), expected);
    let failure = differ::compare(&template(None, YES), &there, &Turn::default()).unwrap_err();
    assert_eq!(failure.help.as_deref(), Some("name an instance: app@NAME.service"));
}

#[test]
fn what_a_check_predicts_is_equal_afterwards() {
    let turn = Turn::default();
    for (wanted, text) in [
        (service(YES, YES, None), "inactive dead disabled"),
        (service(NO, NO, None), "active running enabled changed"),
        (service(YES, YES, None), "activating auto-restart enabled-runtime"),
        (service(None, NO, YES), "active running enabled"),
        (service(YES, YES, NO), "inactive dead masked masked"),
        (service(None, None, None), "active running enabled changed"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let mut world = World::new(root.path(), Default::default(), |_, _| Err(Failure::new("no contents")));
        let before = state(text);
        assert!(!differ::compare(&wanted, &before, &turn).unwrap().is_equal(), "{text}");
        wanted.predict(&before, &mut world);
        let after = wanted.observe(&Turn::default(), &mut world).unwrap();
        assert_eq!(wanted.compare(&after, &turn, &world), Ok(Comparison::equal()), "{wanted:?} {text}");
    }
}

#[test]
fn a_package_of_the_units_name_is_named_first() {
    let root = tempfile::tempdir().unwrap();
    let mut world = World::new(root.path(), Default::default(), |_, _| Err(Failure::new("no contents")));
    let wanted = service(YES, None, None);
    assert_eq!(brought(&wanted, &world), None);
    for package in ["app", "other"] {
        world.makers.push(Maker::Package(package.into()));
    }
    assert_eq!(brought(&wanted, &world).as_deref(), Some("package app may bring it"));
    let instance = Service { unit: UnitName::parse("other@x.service").unwrap(), ..wanted.clone() };
    assert_eq!(brought(&instance, &world).as_deref(), Some("package other may bring it"));
    let neither = Service { unit: UnitName::parse("neither.timer").unwrap(), ..wanted };
    assert_eq!(brought(&neither, &world).as_deref(), Some("package other may bring it"));
}

#[test]
fn scripts_are_enabled_by_links() {
    let root = tempfile::tempdir().unwrap();
    let world = World::new(root.path(), Default::default(), |_, _| Err(Failure::new("no contents")));
    let wanted = service(YES, None, None);
    assert_eq!(script_enabled(&wanted, &world), None);
    std::fs::create_dir_all(root.path().join("etc/init.d")).unwrap();
    std::fs::create_dir_all(root.path().join("etc/rc3.d")).unwrap();
    std::fs::write(root.path().join("etc/init.d/app"), "").unwrap();
    std::fs::write(root.path().join("etc/rc3.d/K01app"), "").unwrap();
    std::fs::write(root.path().join("etc/rc3.d/S01application"), "").unwrap();
    assert_eq!(script_enabled(&wanted, &world), Some(false));
    std::fs::write(root.path().join("etc/rc3.d/S05app"), "").unwrap();
    assert_eq!(script_enabled(&wanted, &world), Some(true));
}

#[test]
fn a_host_without_systemd_says_so() {
    given::own_mounts("resource::service::tests::a_host_without_systemd_says_so", without_systemd);
}

fn without_systemd() {
    // This is how its programs know.
    let hidden = std::process::Command::new("mount").args(["-t", "tmpfs", "tmpfs", "/run"]).status();
    assert!(hidden.unwrap().success());
    let mut world = World::new("/", Default::default(), |_, _| Err(Failure::new("no contents")));
    let wanted = service(YES, None, None);
    wanted.announce(&mut world);
    world.units.prefetch();
    let failure = wanted.observe(&Turn::default(), &mut world).unwrap_err();
    if failure.message != "the host has no program `systemctl`" {
        assert_eq!(failure.message, "systemd does not answer on this host");
        assert_eq!(failure.help.as_deref(), Some("services need a host that was booted with systemd"));
    }
}
