use std::time::Instant;

use paracrine_model::name::AbsolutePath;
use paracrine_model::plan::{Action, Plan};
use paracrine_model::resource::Resource;
use paracrine_model::text::Text;

use super::*;
use crate::manage::Look;
use crate::suite::{Row, Tried, Wrong, odd_names};
use crate::world::paths::PathKind;
use crate::world::{PACKAGES, UNITS};

impl Tried for Command {
    fn rows() -> Vec<Row> {
        vec![Row {
            what: "that makes a file",
            needs: || true,
            names: odd_names(),
            given: r#"mkdir -p "$ROOT/srv""#,
            wanted: |plan, name, root| {
                let quoted = format!("{root}/srv/{name}").replace('\'', "'\\''");
                let script = format!("echo half-way\ntest ! -e {root}/srv/broken\necho made >'{quoted}'\n");
                plan.command(script).named(name).creates(format!("/srv/{name}"));
            },
            witness: r#"cat "$ROOT/srv/$NAME" 2>&1 || true"#,
            drifts: &[("removal", r#"rm "$ROOT/srv/$NAME""#)],
            removed: None,
            failure: Wrong {
                made: r#"rm "$ROOT/srv/$NAME"; touch "$ROOT/srv/broken""#,
                says: "the command ended with status 1",
                foreseen: false,
                mended: r#"rm "$ROOT/srv/broken""#,
            },
        }]
    }
}

fn world(root: &std::path::Path) -> World {
    World::new(root, Default::default(), |_, _| Err(Failure::new("no contents")))
}

/// The real root: guards and scripts see the machine as it is.
fn machine() -> World {
    world(std::path::Path::new("/"))
}

fn command(script: &str) -> Command {
    let plan = Plan::new(Default::default());
    plan.command(script).named("test").timeout(60);
    match plan.finish().0.tasks.remove(0).work.resource {
        Resource::Command(command) => command,
        other => panic!("{other}"),
    }
}

fn creates(path: &std::path::Path) -> Option<AbsolutePath> {
    Some(AbsolutePath::parse(path.to_str().unwrap()).unwrap())
}

fn makes(path: &str) -> Reach {
    Reach::Makes(AbsolutePath::parse(path).unwrap())
}

fn compare(command: &Command, turn: Turn<'_>, world: &mut World) -> Result<Comparison, Failure> {
    let state = command.observe(&turn, world)?;
    command.compare(&state, &turn, world)
}

/// `run (because)`, with doubts behind it; nothing if there is nothing to do; or the failure's message.
fn shown(command: &Command, world: &mut World) -> String {
    match compare(command, Turn::default(), world) {
        Err(failure) => format!("failure: {failure}"),
        Ok(comparison) => {
            let mut words: Vec<String> = comparison
                .differences
                .iter()
                .map(|difference| match difference {
                    Difference::Action { verb, because } => format!("{verb} ({because})"),
                    other => format!("{other:?}"),
                })
                .collect();
            words.extend(comparison.may.map(|because| format!("may: {because}")));
            words.join("; ")
        }
    }
}

fn guards(unless: Option<&str>, only_if: Option<&str>) -> Command {
    Command { unless: unless.map(str::to_owned), only_if: only_if.map(str::to_owned), ..command("true") }
}

#[test]
fn each_guard_has_to_allow_it() {
    for (command, expected) in [
        (guards(Some("true"), None), ""),
        (guards(Some("false"), None), "run (`false` fails)"),
        (guards(None, Some("true")), "run (`true` succeeds)"),
        (guards(None, Some("false")), ""),
        (guards(Some("false"), Some("false")), ""),
        (guards(Some("true"), Some("true")), ""),
        (guards(Some("false"), Some("exit 0")), "run (`false` fails, `exit 0` succeeds)"),
        (Command { creates: creates("/etc/passwd".as_ref()), ..guards(Some("false"), None) }, ""),
        (
            Command { creates: creates("/nonexistent/x".as_ref()), ..guards(Some("false"), None) },
            "run (/nonexistent/x does not exist, `false` fails)",
        ),
        (Command { creates: creates("/nonexistent/x".as_ref()), ..guards(Some("true"), None) }, ""),
        // Only triggers make it run.
        (command("true"), ""),
        // Asking for a program is no failure; using one that is not there is.
        (guards(Some("command -v no-such-program"), None), "run (`command -v no-such-program` fails)"),
        (guards(Some("no-such-program"), None), "failure: the guard `no-such-program` cannot be run"),
        (guards(Some("/etc/passwd"), None), "failure: the guard `/etc/passwd` cannot be run"),
        (
            guards(Some("kill -KILL $$"), None),
            "failure: the guard `kill -KILL $$` was ended by signal 9 (SIGKILL: the kernel does that when memory runs out)",
        ),
        (
            Command { timeout: 1, ..guards(Some("sleep 60"), None) },
            "failure: the guard `sleep 60` was ended because it took longer than 1 s",
        ),
        (
            Command { directory: creates("/nonexistent".as_ref()), ..guards(Some("true"), None) },
            "failure: the directory /nonexistent does not exist",
        ),
        (
            Command {
                user: Some(paracrine_model::name::AccountName::parse("no-such-user").unwrap()),
                ..guards(None, None)
            },
            "failure: the user no-such-user does not exist",
        ),
    ] {
        assert_eq!(shown(&command, &mut machine()), expected, "{command:?}");
    }
}

#[test]
fn what_is_due_is_run_whatever_guards_say() {
    let due = |because: &str| Due { action: Action::Run, because: because.into(), may: false };
    let due = [due("file /a"), due("file /b"), due("file /a")];
    let turn = Turn { due: &due, look: Look::First };
    for command in [command("true"), guards(Some("true"), Some("false"))] {
        let comparison = compare(&command, turn, &mut machine()).unwrap();
        assert_eq!(comparison, run("file /a, file /b".into(), None));
    }
}

#[test]
fn guards_that_tell_of_the_result_have_to_hold_afterwards() {
    let again = Turn { due: &[], look: Look::After };
    let asked = tempfile::tempdir().unwrap();
    let mark = asked.path().join("asked");
    let message =
        |command: &Command| compare(command, again, &mut machine()).map_err(|failure| failure.message);
    assert_eq!(message(&guards(Some("true"), None)), Ok(Comparison::equal()));
    assert_eq!(
        message(&guards(Some("echo no; false"), None)),
        Err("the command succeeded, but its guard `echo no; false` still fails".into())
    );
    let nothing_made = Command { creates: creates("/nonexistent/x".as_ref()), ..command("true") };
    assert_eq!(
        message(&nothing_made),
        Err("the command succeeded, but /nonexistent/x does not exist".into())
    );
    // Not asked again, and asked once before.
    let only_if = guards(None, Some(&format!("echo asked >> {}", mark.display())));
    assert_eq!(message(&only_if), Ok(Comparison::equal()));
    assert!(!mark.exists());
    assert!(!shown(&only_if, &mut machine()).is_empty());
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), "asked\n");
}

#[test]
fn at_the_end_what_has_to_hold_is_asked_once_more() {
    let closing = |changed| Turn { due: &[], look: Look::Closing { changed } };
    let asked = tempfile::tempdir().unwrap();
    let mark = asked.path().join("asked");
    let condition = format!("echo asked >> {}", mark.display());
    let nothing_made =
        Command { creates: creates("/nonexistent/x".as_ref()), ..guards(None, Some(&condition)) };
    let both = Command { creates: creates("/nonexistent/x".as_ref()), ..guards(Some("true"), None) };
    for (command, changed, expected, times) in [
        (&guards(Some("true"), None), true, None, 0),
        (&guards(Some("false"), None), true, Some("`false` fails"), 0),
        (&guards(Some("false"), None), false, Some("`false` fails"), 0),
        // What was run need not be wanted any more; what was not may be wanted by now.
        (&guards(Some("false"), Some(&condition)), true, Some("`false` fails"), 0),
        (&guards(Some("true"), Some(&condition)), false, None, 0),
        (&nothing_made, true, Some("/nonexistent/x does not exist"), 0),
        (&guards(Some("false"), Some("false")), false, None, 0),
        // As in a check: one that says that there is nothing to do is enough.
        (&both, true, None, 0),
        // A condition alone says when to act, not how things should be.
        (&guards(None, Some(&condition)), true, None, 0),
        (&guards(None, Some(&condition)), false, None, 0),
        (&command("true"), true, None, 0),
    ] {
        let found = compare(command, closing(changed), &mut machine()).unwrap();
        let expected = expected.map_or_else(Comparison::equal, |because| run(because.into(), None));
        assert_eq!(found, expected, "{command:?} {changed}");
        let asked = std::fs::read_to_string(&mark).unwrap_or_default();
        assert_eq!(asked.lines().count(), times, "{command:?} {changed}");
    }
}

#[test]
fn a_check_doubts_guards_when_something_is_pending() {
    let unless = guards(Some("test -e /etc/passwd"), None);
    let mut world = machine();
    world.makers.push(Maker::Package("nginx".into()));
    assert_eq!(
        shown(&unless, &mut world),
        "run (`test -e /etc/passwd` succeeds now); may: its guard `test -e /etc/passwd` may answer otherwise then: \
         package nginx is installed before it"
    );
    assert_eq!(
        shown(&guards(Some("no-such-program"), None), &mut world),
        "run (`no-such-program` fails now); may: its guard `no-such-program` may answer otherwise then: package \
         nginx is installed before it"
    );
    let made = Command { creates: creates("/etc/passwd".as_ref()), ..command("true") };
    assert_eq!(shown(&made, &mut world), "");
    let making = Command { creates: creates("/etc/nonexistent".as_ref()), ..command("true") };
    assert_eq!(
        shown(&making, &mut world),
        "run (/etc/nonexistent does not exist); may: package nginx may bring it"
    );

    // A command that says what it makes is no reason to doubt what has nothing to do with that.
    let mut world = machine();
    world.makers.push(Maker::Command { name: "other".into(), reach: makes("/srv/other") });
    assert_eq!(shown(&unless, &mut world), "");
    let related = guards(Some("test -e /srv/other/x"), None);
    assert!(shown(&related, &mut world).ends_with("command `other` is run before it"));
    world.makers.push(Maker::Command { name: "any".into(), reach: Reach::Anything });
    assert!(shown(&unless, &mut world).ends_with("command `any` is run before it"));
}

#[test]
fn a_check_doubts_guards_that_name_what_is_predicted() {
    let mut world = machine();
    let path = AbsolutePath::parse("/etc/paracrine-test.conf").unwrap();
    world.predict_path(
        &path,
        crate::world::paths::PathState::made(
            PathKind::File { length: 0, predicted: None },
            "root",
            "root",
            0o644,
        ),
    );
    assert_eq!(shown(&guards(Some("test -e /etc/passwd"), None), &mut world), "");
    assert_eq!(
        shown(&guards(None, Some("grep -q x /etc/paracrine-test.conf 2>&1")), &mut world),
        "run (`grep -q x /etc/paracrine-test.conf 2>&1` fails now); may: its guard `grep -q x \
         /etc/paracrine-test.conf 2>&1` may answer otherwise then: /etc/paracrine-test.conf is changed before it"
    );
    world.predict_missing(&AbsolutePath::parse("/etc/passwd").unwrap());
    assert!(
        shown(&guards(Some("test -e /etc/passwd"), None), &mut world)
            .ends_with("/etc/passwd is changed before it")
    );
    world.accounts.predict_no_user("nobody");
    assert!(
        shown(&guards(Some("true"), None), &mut world).ends_with("users or groups are changed before it")
    );
}

#[test]
fn a_check_does_not_ask_guards_that_cannot_be_asked_yet() {
    let mut world = machine();
    world.accounts.predict_user(User { name: "future".into(), ..User::default() });
    let guarded = Command {
        user: Some(paracrine_model::name::AccountName::parse("future").unwrap()),
        ..guards(Some("false"), None)
    };
    assert_eq!(
        shown(&guarded, &mut world),
        "run (`false` cannot be asked yet); may: its guard can be asked only then: the user future does not exist yet"
    );
    let mut world = machine();
    world.makers.push(Maker::Command { name: "clone".into(), reach: makes("/nonexistent/app") });
    let guarded = Command { directory: creates("/nonexistent/app".as_ref()), ..guards(Some("false"), None) };
    assert_eq!(
        shown(&guarded, &mut world),
        "run (`false` cannot be asked yet); may: its guard can be asked only then: the directory /nonexistent/app \
         does not exist yet"
    );
}

#[test]
fn what_fails_says_how() {
    let apply = |command: &Command| {
        let mut world = machine();
        let state = command.observe(&Turn::default(), &mut world).unwrap();
        command.apply(&state, &Turn::default(), &mut world)
    };
    assert_eq!(apply(&command("true")), Ok(()));
    assert_eq!(
        apply(&command("echo one\necho two >&2\nexit 3\necho three")),
        Err(Failure::new("the command ended with status 3").output("one\ntwo"))
    );
    let began = Instant::now();
    let failure = apply(&Command { timeout: 1, ..command("echo begun; sleep 60") }).unwrap_err();
    assert_eq!(
        failure,
        Failure::new("the command was ended because it took longer than 1 s").output("begun")
    );
    assert!(began.elapsed().as_secs() < 5);
}

#[test]
fn secrets_are_masked_before_the_output_is_cut() {
    use paracrine_model::secret::{Provider, SecretSource};
    use paracrine_model::text::{Late, LateValues};
    let late = Late::Secret(SecretSource {
        name: "DB_PASSWORD".into(),
        provider: Provider::Env("DB_PASSWORD".into()),
    });
    let mut script = Text::from("password='");
    script.push_late(late.clone());
    script.push_str("'; echo \"got $password\"; exit 1");
    let leaking = Command { script, ..command("true") };
    let mut values = LateValues::default();
    values.insert(late, "poison word".into());
    let mut world = World::new("/", values, |_, _| Err(Failure::new("no contents")));
    let state = leaking.observe(&Turn::default(), &mut world).unwrap();
    let failure = leaking.apply(&state, &Turn::default(), &mut world).unwrap_err();
    assert_eq!(failure.output.as_deref(), Some("got ‹secret DB_PASSWORD›"));

    let failure = leaking.apply(&state, &Turn::default(), &mut machine()).unwrap_err();
    assert_eq!(failure.message, "the value of ‹secret DB_PASSWORD› is not here");
}

#[test]
fn a_command_is_predicted_to_make_what_it_says() {
    let mut world = machine();
    let making = Command { creates: creates("/srv/app".as_ref()), ..command("true") };
    let state = making.observe(&Turn::default(), &mut world).unwrap();
    making.predict(&state, &mut world);
    assert_eq!(world.makers, [Maker::Command { name: "test".into(), reach: makes("/srv/app") }]);
}

#[test]
fn a_promise_bounds_what_is_doubted_because_of_a_command() {
    let path = |path: &str| AbsolutePath::parse(path).unwrap();
    let promising = |paths: &[&str]| Command {
        changes: Some(paths.iter().map(|text| path(text)).collect()),
        ..command("true")
    };
    let after = |before: &Command| {
        let mut world = machine();
        let state = before.observe(&Turn::default(), &mut world).unwrap();
        before.predict(&state, &mut world);
        world
    };
    let asks = guards(Some("test -e /srv/app/x"), None);
    let mut world = after(&promising(&[]));
    assert_eq!(world.makers, []);
    assert_eq!(shown(&guards(Some("test -e /etc/passwd"), None), &mut world), "");
    let mut world = after(&promising(&["/srv/app", "/var/cache/app"]));
    assert!(shown(&asks, &mut world).ends_with("command `test` is run before it"));
    assert_eq!(shown(&guards(Some("test -e /etc/passwd"), None), &mut world), "");
    assert!(world.path_may_be_brought(&path("/srv/app/x")).is_some());
    assert!(world.path_may_be_brought(&path("/srv/other")).is_none());
    for (places, brought) in [
        (ACCOUNTS, promising(&["/etc"])),
        (ACCOUNTS, promising(&["/etc/passwd"])),
        (ACCOUNTS, command("true")),
        (ACCOUNTS, Command { creates: Some(path("/srv/x")), ..command("true") }),
        (UNITS, promising(&["/etc/systemd/system/x.service"])),
        (PACKAGES, promising(&["/etc/apt/sources.list.d/x.list"])),
    ] {
        assert!(after(&brought).may_be_brought(places).is_some(), "{places:?} {brought:?}");
    }
    let bounded = after(&promising(&["/srv"]));
    for places in [ACCOUNTS, UNITS, PACKAGES] {
        assert_eq!(bounded.may_be_brought(places), None);
    }
    // What it makes is within the promise.
    let making = Command { creates: Some(path("/srv/made")), ..promising(&[]) };
    assert!(after(&making).path_may_be_brought(&path("/srv/made")).is_some());
}

#[test]
fn a_directory_to_run_in_that_nobody_makes_is_missed_in_a_check() {
    let within = |directory: &str| Command { directory: creates(directory.as_ref()), ..command("true") };
    let rehearsed = |command: &Command, world: &mut World| {
        let state = command.observe(&Turn::default(), world).unwrap();
        command.rehearse(&state, world).map_err(|failure| failure.message)
    };
    let mut world = machine();
    assert_eq!(rehearsed(&command("true"), &mut world), Ok(None));
    assert_eq!(rehearsed(&within("/etc"), &mut world), Ok(None));
    let missing = within("/nonexistent/app");
    assert_eq!(rehearsed(&missing, &mut world), Err("the directory /nonexistent/app does not exist".into()));
    assert_eq!(rehearsed(&within("/etc/passwd"), &mut world), Err("/etc/passwd is not a directory".into()));
    world.makers.push(Maker::Command { name: "clone".into(), reach: makes("/nonexistent/app") });
    assert_eq!(rehearsed(&missing, &mut world), Ok(None));
}
