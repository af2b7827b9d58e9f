use super::*;

/// As systemd 252 and 257 say it: properties in their own order, units in ours.
const SHOWN: &str = "\
Type=notify
RemainAfterExit=no
MainPID=812
NRestarts=0
Result=success
ExecMainStatus=0
Id=ssh.service
LoadState=loaded
ActiveState=active
SubState=running
FragmentPath=/lib/systemd/system/ssh.service
UnitFileState=enabled
CanReload=yes
NeedDaemonReload=no

Id=nosuch.service
LoadState=not-found
ActiveState=inactive
SubState=dead
UnitFileState=
CanReload=no
NeedDaemonReload=no
LoadError=org.freedesktop.systemd1.NoSuchUnit \"Unit nosuch.service not found.\"

Type=simple
Id=bad.service
LoadState=bad-setting
LoadError=org.freedesktop.systemd1.BadUnitSetting \"Unit bad.service has a bad unit file setting.\"
ActiveState=inactive
UnitFileState=disabled
NeedDaemonReload=yes

Id=masked.service
LoadState=masked
LoadError=org.freedesktop.systemd1.UnitMasked \"Unit masked.service is masked.\"
ActiveState=inactive
UnitFileState=masked

Result=success
Id=backup.timer
LoadState=loaded
ActiveState=active
SubState=waiting
UnitFileState=enabled-runtime
";

#[test]
fn answers_are_read() {
    let states = show::parse(SHOWN);
    let ids: Vec<_> = states.iter().map(|state| state.id.as_str()).collect();
    assert_eq!(ids, ["ssh.service", "nosuch.service", "bad.service", "masked.service", "backup.timer"]);
    assert_eq!(
        states[0],
        UnitState {
            id: "ssh.service".into(),
            load: Load::Loaded,
            active: "active".into(),
            sub: "running".into(),
            file: "enabled".into(),
            fragment: "/lib/systemd/system/ssh.service".into(),
            result: "success".into(),
            process: 812,
            can_reload: true,
            kind: "notify".into(),
            ..UnitState::default()
        }
    );
    assert_eq!(states[1].load, Load::NotFound);
    assert_eq!(states[2].load, Load::Bad("Unit bad.service has a bad unit file setting".into()));
    assert!(states[2].needs_reload);
    assert!(states[3].is_masked());
    assert_eq!((states[4].is_enabled(), states[4].enabled().as_str()), (Some(false), "enabled-runtime"));
}

#[test]
fn garbage_is_no_state() {
    assert_eq!(show::parse(""), []);
    assert_eq!(show::parse("\n\n\n"), []);
    let cut = show::parse("Id=x.service\nLoadState=loa");
    assert_eq!(cut[0].load, Load::Bad("loa".into()));
    let states = show::parse("what is this\nMainPID=-5\nNRestarts=many\n");
    assert_eq!((states[0].process, states[0].restarts), (0, 0));
    assert_eq!(states[0].load, Load::Bad("systemd did not say how it was loaded".into()));
}

#[test]
fn an_answer_of_another_length_is_not_believed() {
    let mut units = Units::new();
    let finished = Finished {
        end: super::super::process::End::Status(0),
        output: SHOWN.into(),
        errors: String::new(),
        program: "systemctl".into(),
    };
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    units.learn(&names(&["ssh.service", "nosuch.service"]), &finished);
    assert!(units.states.is_empty());
    let aliases = ["sshd.service", "nosuch.service", "bad.service", "masked.service", "backup.timer"];
    units.learn(&names(&aliases), &finished);
    assert_eq!(units.state("sshd.service").unwrap().id, "ssh.service");
}

#[test]
fn states_are_told_apart() {
    for (active, sub, running, stopped, shown) in [
        ("active", "running", true, false, "yes"),
        ("reloading", "reload", true, false, "yes"),
        ("inactive", "dead", false, true, "no"),
        ("failed", "failed", false, true, "failed"),
        ("activating", "auto-restart", false, false, "activating (auto-restart)"),
        ("deactivating", "stop-sigterm", false, false, "deactivating (stop-sigterm)"),
        ("", "", false, true, "no"),
    ] {
        let state = UnitState { active: active.into(), sub: sub.into(), ..UnitState::default() };
        assert_eq!((state.is_running(), state.is_stopped()), (running, stopped), "{active}");
        assert_eq!(state.running(), shown);
    }
    for (file, enabled, shown) in [
        ("enabled", Some(true), "yes"),
        ("alias", Some(true), "yes"),
        ("enabled-runtime", Some(false), "enabled-runtime"),
        ("linked", Some(false), "linked"),
        ("disabled", Some(false), "no"),
        ("", Some(false), "no"),
        ("masked", Some(false), "masked"),
        ("static", None, "static"),
        ("indirect", None, "indirect"),
        ("generated", None, "generated"),
        ("transient", None, "transient"),
    ] {
        let state = UnitState { file: file.into(), ..UnitState::default() };
        assert_eq!((state.is_enabled(), state.enabled().as_str()), (enabled, shown), "{file}");
    }
}

#[test]
fn templates_and_instances_are_told_apart() {
    for (unit, template, of) in [
        ("app@.service", true, None),
        ("app@one.service", false, Some("app@.service")),
        ("app.service", false, None),
        ("app@a.b.timer", false, Some("app@.timer")),
    ] {
        assert_eq!((is_template(unit), template_of(unit).as_deref()), (template, of), "{unit}");
    }
    let unit = |name: &str| UnitName::parse(name).unwrap();
    let mut units = Units::new();
    assert!(!units.predicts_anything());
    units.predict_path(&AbsolutePath::parse("/etc/systemd/system/app@.service").unwrap());
    assert!(units.predicts_unit_file("app@one.service") && !units.predicts_unit_file("app.service"));
    units.announce(&unit("app@.service"), Wish::default());
    units.prefetch();
    assert!(units.prefetched.is_none() && units.predicts_anything());
}

#[test]
fn written_unit_files_are_noticed() {
    let path = |path: &str| AbsolutePath::parse(path).unwrap();
    let mut units = Units::new();
    units.changed_path(&path("/etc/systemd/systemd.conf"));
    units.changed_path(&path("/etc/systemd/system-preset/x"));
    assert!(!units.changed);
    units.changed_path(&path("/etc/systemd/system/app.service.d/memory.conf"));
    assert!(units.changed);
}

#[test]
fn failures_say_why() {
    for (result, status, why) in [
        ("exit-code", 3, "its program ended with status 3"),
        ("exit-code", 203, "its program cannot be executed"),
        ("signal", 9, "its program was ended by signal 9"),
        ("timeout", 0, "it took too long"),
        ("success", 0, "it is inactive (dead)"),
        ("something-new", 0, "it is inactive (something-new)"),
    ] {
        let state = UnitState {
            active: "inactive".into(),
            sub: "dead".into(),
            result: result.into(),
            status,
            ..UnitState::default()
        };
        assert_eq!(state.why(), why);
    }
}
