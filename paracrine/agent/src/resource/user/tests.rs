use super::*;
use crate::suite::{Row, Tried, Wrong};
use crate::world::Maker;

impl Tried for User {
    fn rows() -> Vec<Row> {
        vec![Row {
            what: "of the system, with everything",
            needs: || given::root() && given::program("/usr/sbin/useradd", "passwd"),
            names: ["suite-user", "_", "a-b_c0", "abcdefghijabcdefghijabcdefghij32"]
                .map(str::to_owned)
                .into(),
            given: r#"touch "$ROOT/etc/shadow"; grep -q ^users: "$ROOT/etc/group" || echo users:x:100: >>"$ROOT/etc/group""#,
            wanted: |plan, name, _| {
                let user = plan.user(name).system().uid(45680).group("users").home("/srv/home");
                user.shell("/bin/sh").comment("A Person");
            },
            witness: r#"grep "^$NAME:" "$ROOT/etc/passwd" || true"#,
            drifts: &[
                ("another shell", r#"sed -i "/^$NAME:/s,/bin/sh,/bin/false," "$ROOT/etc/passwd""#),
                ("another name", r#"sed -i "/^$NAME:/s/A Person/Another/" "$ROOT/etc/passwd""#),
                (
                    "removal",
                    r#"sed -i "/^$NAME:/d" "$ROOT/etc/passwd"; sed -i "/^$NAME:/d" "$ROOT/etc/shadow""#,
                ),
            ],
            removed: Some(|plan, name| {
                plan.user(name).absent();
            }),
            failure: Wrong {
                made: r#"sed -i "s/^$NAME:x:/suite-other:x:/" "$ROOT/etc/passwd""#,
                says: "the user suite-user cannot have the id 45680: suite-other has it",
                foreseen: true,
                mended: r#"sed -i "s/^suite-other:x:/$NAME:x:/" "$ROOT/etc/passwd""#,
            },
        }]
    }
}

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
    ann:x:1000:1000:Ann Example,,,:/home/ann:/bin/bash\n\
    bob:x:1001:1001::/home/bob:/bin/sh\n";
const GROUP: &str = "root:x:0:\nann:x:1000:\nbob:x:1001:\nweb:x:50:ann\nadm:x:4:\nlone:x:60:\nusers:x:100:\n";

fn world() -> (tempfile::TempDir, World) {
    let root = tempfile::tempdir().unwrap();
    for directory in ["etc/skel/.config", "home"] {
        std::fs::create_dir_all(root.path().join(directory)).unwrap();
    }
    for (name, text) in [
        ("passwd", PASSWD),
        ("group", GROUP),
        ("login.defs", "USERGROUPS_ENAB yes\nHOME_MODE 0750\nUID_MIN 1000\nUID_MAX 60000\n"),
        ("skel/.profile", "# profile\n"),
        ("skel/.config/x", "x\n"),
    ] {
        std::fs::write(root.path().join("etc").join(name), text).unwrap();
    }
    let world = World::new(root.path(), Default::default(), |_, _| Err(Failure::new("no contents")));
    (root, world)
}

fn account(name: &str) -> AccountName {
    AccountName::parse(name).unwrap()
}

fn path(path: &str) -> paracrine_model::name::AbsolutePath {
    paracrine_model::name::AbsolutePath::parse(path).unwrap()
}

fn user(name: &str) -> User {
    User {
        user: account(name),
        present: true,
        system: false,
        uid: None,
        group: None,
        groups: Vec::new(),
        home: None,
        shell: None,
        comment: None,
    }
}

fn compare(user: &User, world: &mut World) -> Result<Comparison, Failure> {
    let state = user.observe(&Turn::default(), world)?;
    user.compare(&state, &Turn::default(), world)
}

/// `create; shell: none -> /bin/sh`, or the failure's message.
fn shown(user: &User, world: &mut World) -> String {
    let comparison = match compare(user, world) {
        Ok(comparison) => comparison,
        Err(failure) => return format!("failure: {failure}"),
    };
    let mut words: Vec<String> = comparison
        .differences
        .iter()
        .map(|difference| match difference {
            Difference::Create => "create".to_owned(),
            Difference::Remove { what } => format!("remove {what}"),
            Difference::Attribute { name, before, after } => {
                format!("{name}: {} -> {after}", before.as_deref().unwrap_or("none"))
            }
            other => format!("{other:?}"),
        })
        .collect();
    words.extend(comparison.may.map(|because| format!("may: {because}")));
    words.join("; ")
}

#[test]
fn users_differ_as_they_should() {
    let (_root, mut world) = world();
    let groups = |names: &[&str]| names.iter().map(|name| account(name)).collect::<Vec<_>>();
    for (wanted, expected) in [
        (user("ann"), ""),
        (User { uid: Some(1000), group: Some(account("ann")), ..user("ann") }, ""),
        (User { groups: groups(&["web", "ann"]), ..user("ann") }, ""),
        (User { comment: Some("Ann Example".into()), ..user("ann") }, ""),
        (
            User { comment: Some("Ann Example,,".into()), ..user("ann") },
            "comment: Ann Example,,, -> Ann Example,,",
        ),
        (User { comment: Some("Ann".into()), ..user("ann") }, "comment: Ann Example,,, -> Ann"),
        (
            User { shell: Some(path("/bin/sh")), home: Some(path("/srv/ann")), ..user("ann") },
            "home: /home/ann -> /srv/ann; shell: /bin/bash -> /bin/sh",
        ),
        (User { groups: groups(&["adm", "web"]), ..user("ann") }, "groups: web -> adm, web"),
        (User { groups: groups(&["adm"]), ..user("bob") }, "groups: none -> adm"),
        (
            User { uid: Some(7), group: Some(account("web")), ..user("ann") },
            "uid: 1000 -> 7; group: ann -> web",
        ),
        (
            User { uid: Some(1001), ..user("ann") },
            "failure: the user ann cannot have the id 1001: bob has it",
        ),
        (User { present: false, ..user("ann") }, "remove user"),
        (User { present: false, ..user("eve") }, ""),
        (user("eve"), "create"),
        (
            User { uid: Some(5), groups: groups(&["adm", "web"]), comment: Some("E".into()), ..user("eve") },
            "create; uid: none -> 5; groups: none -> adm, web; comment: none -> E",
        ),
        (User { comment: Some(String::new()), ..user("eve") }, "create; comment: none -> "),
        (User { group: Some(account("none")), ..user("eve") }, "failure: the group none does not exist"),
        (User { groups: groups(&["none"]), ..user("ann") }, "failure: the group none does not exist"),
        (User { uid: Some(0), ..user("eve") }, "failure: the user eve cannot have the id 0: root has it"),
    ] {
        assert_eq!(shown(&wanted, &mut world), expected, "{wanted:?}");
    }
}

#[test]
fn packages_may_bring_users_of_the_system_and_groups() {
    let (_root, mut world) = world();
    world.makers.push(Maker::Package("nginx".into()));
    assert_eq!(shown(&user("eve"), &mut world), "create");
    let system = User { system: true, ..user("www") };
    assert_eq!(shown(&system, &mut world), "create; may: package nginx may bring it");
    let member = User { groups: vec![account("docker")], ..user("ann") };
    assert_eq!(
        shown(&member, &mut world),
        "groups: web -> docker, web; may: the group docker is missing; package nginx may bring it"
    );
}

#[test]
fn useradd_and_usermod_are_told_what_differs() {
    let (_root, mut world) = world();
    let mut creation =
        |user: &User| options::creation(user, &user.observe(&Turn::default(), &mut world).unwrap()).join(" ");
    assert_eq!(creation(&user("eve")), "--user-group --create-home");
    assert_eq!(creation(&user("lone")), "--gid lone --create-home");
    let full = User {
        system: true,
        uid: Some(77),
        group: Some(account("web")),
        groups: vec![account("adm"), account("bob")],
        home: Some(path("/srv/eve")),
        shell: Some(path("/usr/sbin/nologin")),
        comment: Some("Eve".into()),
        ..user("eve")
    };
    assert_eq!(
        creation(&full),
        "--system --gid web --no-create-home --groups adm,bob --uid 77 --home /srv/eve --shell /usr/sbin/nologin \
         --comment Eve"
    );
    let there = world.accounts.user("ann").unwrap();
    let changes = |user: &User| options::changes(user, &there).join(" ");
    assert_eq!(changes(&user("ann")), "");
    assert_eq!(
        changes(&User { user: account("ann"), ..full }),
        "--gid web --append --groups adm,bob --uid 77 --home /srv/eve --shell /usr/sbin/nologin --comment Eve"
    );
}

#[test]
fn a_new_user_is_predicted_with_its_group_and_home() {
    let (_root, mut world) = world();
    let wanted = User { groups: vec![account("adm")], ..user("eve") };
    let state = wanted.observe(&Turn::default(), &mut world).unwrap();
    wanted.predict(&state, &mut world);
    assert_eq!(compare(&wanted, &mut world), Ok(Comparison::equal()));
    assert!(world.accounts.predicts_user("eve") && world.accounts.predicts_group("eve"));
    assert_eq!(world.accounts.group("adm").unwrap().members, ["eve"]);
    let home = world.path_state(&path("/home/eve")).unwrap();
    assert_eq!(
        (home.kind, home.owner.as_str(), home.group.as_str(), home.mode),
        (PathKind::Directory, "eve", "eve", 0o750)
    );
    let profile = world.path_state(&path("/home/eve/.profile")).unwrap();
    assert!(matches!(profile.kind, PathKind::File { length: 10, .. }), "{profile:?}");
    assert_eq!(world.path_state(&path("/home/eve/.config/x")).unwrap().owner, "eve");

    let gone = User { present: false, ..user("bob") };
    let state = gone.observe(&Turn::default(), &mut world).unwrap();
    gone.predict(&state, &mut world);
    assert!(!world.accounts.knows_user("bob") && !world.accounts.knows_group("bob"));
    let system = User { system: true, ..user("svc") };
    let state = system.observe(&Turn::default(), &mut world).unwrap();
    system.predict(&state, &mut world);
    assert_eq!(world.path_state(&path("/home/svc")).unwrap().kind, PathKind::Missing);
}

/// Applied below a temporary root, where the programs can do that and we are root; what a check predicts is compared
/// with what there is afterwards. `usermod` looks for groups on the real machine, so those are ones that Debian has.
#[test]
fn what_is_said_is_done() {
    if !given::root() || !given::program("/usr/sbin/useradd", "passwd") {
        return;
    }
    let (root, mut applied) = world();
    for wanted in [
        User { groups: vec![account("adm")], shell: Some(path("/bin/sh")), ..user("eve") },
        User {
            groups: vec![account("users")],
            comment: Some("Eve E.".into()),
            uid: Some(2000),
            ..user("eve")
        },
        User { group: Some(account("users")), home: Some(path("/srv/eve")), ..user("eve") },
        User { system: true, group: Some(account("users")), home: Some(path("/srv/svc")), ..user("svc") },
        User { present: false, ..user("eve") },
        User { present: false, ..user("svc") },
        User { present: false, ..user("ann") },
    ] {
        let mut predicted =
            World::new(root.path(), Default::default(), |_, _| Err(Failure::new("no contents")));
        let state = wanted.observe(&Turn::default(), &mut predicted).unwrap();
        wanted.predict(&state, &mut predicted);

        let state = wanted.observe(&Turn::default(), &mut applied).unwrap();
        assert!(!wanted.compare(&state, &Turn::default(), &applied).unwrap().is_equal(), "{wanted:?}");
        wanted.apply(&state, &Turn::default(), &mut applied).unwrap();
        assert_eq!(compare(&wanted, &mut applied), Ok(Comparison::equal()), "{wanted:?}");

        let name = wanted.user.as_str();
        let (is, said) = (applied.accounts.user(name), predicted.accounts.user(name));
        assert_eq!(is.is_some(), said.is_some(), "{wanted:?}");
        assert_eq!(applied.accounts.knows_group(name), predicted.accounts.knows_group(name), "{wanted:?}");
        if let (Some(is), Some(said)) = (is, said) {
            assert_eq!(
                (&is.group, &is.groups, &is.home, &is.comment),
                (&said.group, &said.groups, &said.home, &said.comment)
            );
        }
        // Told another root, `useradd` still copies this machine's `/etc/skel`, so only what both have is looked at.
        for place in [format!("/home/{name}"), format!("/home/{name}/.profile")] {
            let (is, said) =
                (applied.path_state(&path(&place)).unwrap(), predicted.path_state(&path(&place)).unwrap());
            assert_eq!(
                (is.mode, is.owner, is.kind.describe()),
                (said.mode, said.owner, said.kind.describe()),
                "{place}"
            );
        }
    }
}

#[test]
fn what_keeps_a_user_from_being_changed_is_known_before() {
    let (_root, world) = world();
    let there = world.accounts.user("bob").unwrap();
    let says = |wanted: &User, hindrance: Hindrance, world: &World| {
        let state = State { user: Some(there.clone()), hindrance: Some(hindrance), ..State::default() };
        match wanted.compare(&state, &Turn::default(), world) {
            Ok(comparison) => format!("may: {}", comparison.may.unwrap_or_default()),
            Err(failure) => failure.message,
        }
    };
    let moved = User { home: Some(path("/srv/bob")), ..user("bob") };
    let gone = User { present: false, ..user("bob") };
    let member = User { groups: vec![account("adm")], ..user("bob") };
    let busy = || Hindrance::Process("4711 (sleep)".into());
    let in_use = "bob is in use by process 4711 (sleep) and cannot be changed while it is";
    let elsewhere = |what| Hindrance::Elsewhere(what);
    for (wanted, hindrance, expected) in [
        (&moved, busy(), in_use),
        (&gone, busy(), in_use),
        (
            &moved,
            elsewhere("home"),
            "the user bob is not kept in /etc/passwd, so its home cannot be changed here",
        ),
        (
            &gone,
            elsewhere("existence"),
            "the user bob is not kept in /etc/passwd, so it cannot be removed here",
        ),
        (
            &member,
            Hindrance::Group("adm".into()),
            "the group adm is not kept in /etc/group, so bob cannot be made a member of it here",
        ),
    ] {
        assert_eq!(says(wanted, hindrance, &world), expected);
    }
    // Something that comes before may end the process.
    let (_root, mut later) = self::world();
    later.makers.push(Maker::Package("app".into()));
    assert_eq!(
        says(&moved, busy(), &later),
        "may: process 4711 (sleep) runs as bob now; package app is installed before it"
    );
    assert_eq!(says(&gone, elsewhere("existence"), &later), says(&gone, elsewhere("existence"), &world));
}

#[test]
fn a_process_is_in_the_way_of_what_usermod_refuses_and_of_nothing_else() {
    let machine = World::new("/", Default::default(), |_, _| Err(Failure::new("no contents")));
    // Whoever runs this test has a process, and is in `/etc/passwd`.
    let own = machine.accounts.user_name(rustix::process::geteuid().as_raw()).unwrap();
    let there = machine.accounts.user(&own).unwrap();
    let hindrance = |wanted: User| Hindrance::of(&wanted, &there, &machine);
    let some_group = machine.accounts.group_name(0).unwrap();
    for wanted in [
        User { home: Some(path("/srv/elsewhere")), ..user(&own) },
        User { uid: Some(54321), ..user(&own) },
        User { present: false, ..user(&own) },
    ] {
        assert!(matches!(hindrance(wanted.clone()), Some(Hindrance::Process(_))), "{wanted:?}");
    }
    for wanted in [
        user(&own),
        User { home: path(&there.home).into(), uid: there.uid, ..user(&own) },
        User { shell: Some(path("/bin/other")), comment: Some("x".into()), ..user(&own) },
        User { groups: vec![account("adm"), account(&some_group)], ..user(&own) },
    ] {
        assert_eq!(hindrance(wanted.clone()), None, "{wanted:?}");
    }
}

#[test]
fn a_home_that_is_left_as_it_is_is_told() {
    let told = |wanted: &User, decided: bool| {
        let (root, mut world) = world();
        std::fs::create_dir_all(root.path().join("srv/there")).unwrap();
        std::fs::create_dir_all(root.path().join("home/eve")).unwrap();
        std::fs::write(root.path().join("srv/file"), "").unwrap();
        if decided {
            world.announce_directory(&path("/srv/there"));
        }
        let state = wanted.observe(&Turn::default(), &mut world).unwrap();
        assert_eq!(wanted.rehearse(&state, &mut world), Ok(None));
        std::mem::take(&mut world.notices).join("; ")
    };
    let at = |name: &str, home: &str| User { home: Some(path(home)), ..user(name) };
    if !given::root() {
        return;
    }
    let there = |home: &str, name: &str, program: &str, group: &str| {
        format!(
            "the home {home} of {name} is there already and belongs to root, which {program} leaves so: declare \
             `plan.directory(\"{home}\").owner(\"{name}\").group(\"{group}\")` after the user"
        )
    };
    for (wanted, expected) in [
        (user("eve"), there("/home/eve", "eve", "useradd", "eve")),
        (at("eve", "/srv/there"), there("/srv/there", "eve", "useradd", "eve")),
        (User { group: Some(account("web")), ..at("eve", "/srv/there") }, there("/srv/there", "eve", "useradd", "web")),
        (at("ann", "/srv/there"), there("/srv/there", "ann", "usermod", "ann")),
        (
            at("ann", "/srv/none"),
            "the new home /srv/none of ann does not exist, and usermod makes none: declare \
             `plan.directory(\"/srv/none\").owner(\"ann\").group(\"ann\")` after the user"
                .into(),
        ),
        (
            at("eve", "/srv/file"),
            "the home /srv/file of eve is a file, which useradd leaves so: move it away by hand, or give eve another home"
                .into(),
        ),
        // Made with the user.
        (at("eve", "/srv/none"), String::new()),
        // Its own already.
        (User { uid: Some(0), ..at("eve", "/srv/there") }, String::new()),
        (user("ann"), String::new()),
        (User { system: true, ..at("eve", "/srv/there") }, String::new()),
        (User { present: false, ..at("ann", "/srv/there") }, String::new()),
    ] {
        assert_eq!(told(&wanted, false), expected, "{wanted:?}");
    }
    assert_eq!(told(&at("eve", "/srv/there"), true), "");
}

/// Tried on a lab's host as well, where processes of users run.
mod on_any_machine {
    use std::process::{Child, Command};

    use paracrine_model::plan::Plan;
    use paracrine_model::protocol::{Mode, Outcome};

    use super::*;
    use crate::engine::bench::{Bench, Ran};
    use crate::suite::on_host;

    fn outcome(ran: &Ran) -> String {
        match ran.reports().as_slice() {
            [] => "nothing".to_owned(),
            [report] => match &report.outcome {
                Outcome::Failed(failure) => failure.message.clone(),
                other => format!("{other:?}"),
            },
            several => panic!("{several:?}"),
        }
    }

    /// Something that runs as the user.
    fn process(user: &accounts::User) -> Child {
        let (uid, gid) = (user.uid.unwrap(), user.gid.unwrap());
        Command::new("setpriv")
            .args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()])
            .args(["--", "sleep", "600"])
            .spawn()
            .unwrap()
    }

    #[test]
    fn a_user_whose_process_runs_keeps_its_home_and_gets_its_groups() {
        if !given::root() || !given::program("/usr/sbin/useradd", "passwd") {
            return;
        }
        let bench = if on_host() { Bench::on_the_machine() } else { Bench::new() };
        let made = |plan: &Plan| {
            plan.user("tried").shell("/bin/sh");
        };
        let moved = |plan: &Plan| {
            plan.user("tried").home("/srv");
        };
        let gone = |plan: &Plan| {
            plan.user("tried").absent();
        };
        let changed = |plan: &Plan| {
            plan.user("tried").comment("Tried").shell("/bin/bash").groups(["users"]);
        };
        for directory in ["etc/skel", "home"] {
            std::fs::create_dir_all(bench.root().join(directory)).unwrap();
        }
        if !on_host() {
            let groups = bench.root().join("etc/group");
            let text = std::fs::read_to_string(&groups).unwrap();
            std::fs::write(&groups, text + "users:x:100:\n").unwrap();
            std::fs::write(bench.root().join("etc/shadow"), "").unwrap();
        }
        assert_eq!(outcome(&bench.run(Mode::Apply, made)), "Changed");
        if on_host() {
            let mut running = process(&accounts::Accounts::new(bench.root()).user("tried").unwrap());
            let in_use = format!(
                "tried is in use by process {} (sleep) and cannot be changed while it is",
                running.id()
            );
            // Until it has become what it will be.
            let name = format!("/proc/{}/comm", running.id());
            while std::fs::read_to_string(&name).unwrap() != "sleep\n" {
                std::thread::yield_now();
            }
            for mode in [Mode::Check, Mode::Apply] {
                assert_eq!(outcome(&bench.run(mode, moved)), in_use);
                assert_eq!(outcome(&bench.run(mode, gone)), in_use);
            }
            assert_eq!(outcome(&bench.run(Mode::Apply, changed)), "Changed");
            running.kill().unwrap();
            running.wait().unwrap();
        } else {
            assert_eq!(outcome(&bench.run(Mode::Apply, changed)), "Changed");
        }
        assert_eq!(outcome(&bench.run(Mode::Check, changed)), "nothing");
        for done in [moved, gone] {
            assert_eq!(outcome(&bench.run(Mode::Check, done)), "Changed");
            assert_eq!(outcome(&bench.run(Mode::Apply, done)), "Changed");
            assert_eq!(outcome(&bench.run(Mode::Check, done)), "nothing");
        }
    }
}
