use paracrine_model::name::AccountName;
use paracrine_model::plan::Plan;
use paracrine_model::protocol::{Mode, Outcome};

use super::*;
use crate::engine::bench::Bench;
use crate::suite::{Row, Tried, Wrong};

impl Tried for Group {
    fn rows() -> Vec<Row> {
        vec![Row {
            what: "with an id",
            needs: || given::root() && given::program("/usr/sbin/groupadd", "passwd"),
            names: ["suite-group", "_", "a-b_c0", "abcdefghijabcdefghijabcdefghij32"]
                .map(str::to_owned)
                .into(),
            given: "",
            wanted: |plan, name, _| {
                plan.group(name).gid(45678);
            },
            witness: r#"grep "^$NAME:" "$ROOT/etc/group" || true"#,
            drifts: &[
                ("another id", r#"sed -i "s/^$NAME:x:45678:/$NAME:x:45679:/" "$ROOT/etc/group""#),
                ("removal", r#"sed -i "/^$NAME:/d" "$ROOT/etc/group""#),
            ],
            removed: Some(|plan, name| {
                plan.group(name).absent();
            }),
            failure: Wrong {
                made: r#"sed -i "s/^$NAME:x:/suite-other:x:/" "$ROOT/etc/group""#,
                says: "the group suite-group cannot have the id 45678: suite-other has it",
                foreseen: true,
                mended: r#"sed -i "s/^suite-other:x:/$NAME:x:/" "$ROOT/etc/group""#,
            },
        }]
    }
}

fn world(passwd: &str, group: &str) -> (tempfile::TempDir, World) {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("etc")).unwrap();
    std::fs::write(root.path().join("etc/passwd"), passwd).unwrap();
    std::fs::write(root.path().join("etc/group"), group).unwrap();
    let world = World::new(root.path(), Default::default(), |_, _| Err(Failure::new("no contents")));
    (root, world)
}

fn group(name: &str) -> Group {
    Group { group: AccountName::parse(name).unwrap(), present: true, system: false, gid: None }
}

fn compare(group: &Group, world: &mut World) -> Result<Comparison, Failure> {
    let state = group.observe(&Turn::default(), world)?;
    group.compare(&state, &Turn::default(), world)
}

fn attribute(name: &str, before: Option<&str>, after: &str) -> Difference {
    Difference::Attribute { name: name.into(), before: before.map(str::to_owned), after: after.into() }
}

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n";
const GROUP: &str = "root:x:0:\napp:x:1000:\nweb:x:50:app\n";

#[test]
fn groups_differ_as_they_should() {
    let (_root, mut world) = world(PASSWD, GROUP);
    let gid = |name: &str, gid: u32| Group { gid: Some(gid), ..group(name) };
    let absent = |name: &str| Group { present: false, ..group(name) };
    let mut differences = |group: Group| compare(&group, &mut world).map(|comparison| comparison.differences);
    assert_eq!(differences(group("web")), Ok(vec![]));
    assert_eq!(differences(gid("web", 50)), Ok(vec![]));
    assert_eq!(differences(absent("none")), Ok(vec![]));
    assert_eq!(differences(group("new")), Ok(vec![Difference::Create]));
    assert_eq!(differences(gid("new", 51)), Ok(vec![Difference::Create, attribute("gid", None, "51")]));
    assert_eq!(differences(gid("web", 51)), Ok(vec![attribute("gid", Some("50"), "51")]));
    assert_eq!(differences(absent("web")), Ok(vec![Difference::Remove { what: "group".into() }]));
    let message = |result: Result<_, Failure>| result.unwrap_err().message;
    assert_eq!(message(differences(gid("new", 50))), "the group new cannot have the id 50: web has it");
    assert_eq!(
        message(differences(absent("app"))),
        "the group app cannot be removed: it is the primary group of app"
    );
}

#[test]
fn only_groups_of_the_system_may_be_brought_by_packages() {
    let (_root, mut world) = world(PASSWD, GROUP);
    world.makers.push(crate::world::Maker::Package("nginx".into()));
    assert_eq!(compare(&group("new"), &mut world).unwrap().may, None);
    let system = Group { system: true, ..group("new") };
    assert_eq!(compare(&system, &mut world).unwrap().may.as_deref(), Some("package nginx may bring it"));
    assert_eq!(compare(&Group { system: true, ..group("web") }, &mut world), Ok(Comparison::equal()));
}

#[test]
fn accounts_that_cannot_be_read_are_no_missing_accounts() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("etc/passwd")).unwrap();
    let mut world = World::new(root.path(), Default::default(), |_, _| Err(Failure::new("no contents")));
    let failure = compare(&group("web"), &mut world).unwrap_err();
    assert_eq!(failure.message, "cannot read /etc/passwd: Is a directory (os error 21)");
}

/// Applied below a temporary root, where the programs can do that and we are root.
#[test]
fn what_is_said_is_done() {
    if !given::root() || !given::program("/usr/sbin/groupadd", "passwd") {
        return;
    }
    let (root, mut world) = world(PASSWD, GROUP);
    for (wanted, file) in [
        (Group { gid: Some(4242), ..group("new") }, "new:x:4242:"),
        (Group { gid: Some(4243), ..group("new") }, "new:x:4243:"),
        (Group { present: false, ..group("new") }, ""),
    ] {
        let state = wanted.observe(&Turn::default(), &mut world).unwrap();
        assert!(!wanted.compare(&state, &Turn::default(), &world).unwrap().is_equal());
        wanted.apply(&state, &Turn::default(), &mut world).unwrap();
        assert_eq!(compare(&wanted, &mut world), Ok(Comparison::equal()));
        let text = std::fs::read_to_string(root.path().join("etc/group")).unwrap();
        assert_eq!(text.lines().find(|line| line.starts_with("new:")).unwrap_or_default(), file);
    }
    // What the program says is passed on.
    let taken = Group { gid: Some(50), ..group("other") };
    let failure = taken.apply(&State::default(), &Turn::default(), &mut world).unwrap_err();
    assert!(failure.message.starts_with("groupadd ended with status 4"), "{failure:?}");
    assert!(failure.output.unwrap().contains("GID '50' already exists"));
}

#[test]
fn a_group_that_is_kept_elsewhere_is_not_changed() {
    let kept = accounts::Group { name: "ldap".into(), gid: Some(7000), members: Vec::new() };
    let state = State { group: Some(kept), elsewhere: true, ..State::default() };
    let root = tempfile::tempdir().unwrap();
    let world = World::new(root.path(), Default::default(), |_, _| Err(Failure::new("no contents")));
    let name = AccountName::parse("ldap").unwrap();
    let group = Group { group: name, present: true, system: false, gid: Some(7000) };
    let message =
        |group: &Group| group.compare(&state, &Turn::default(), &world).map_err(|failure| failure.message);
    assert_eq!(message(&group), Ok(Comparison::equal()));
    assert_eq!(
        message(&Group { gid: Some(7001), ..group.clone() }),
        Err("the group ldap is not kept in /etc/group, so its id cannot be changed here".into())
    );
    assert_eq!(
        message(&Group { present: false, ..group }),
        Err("the group ldap is not kept in /etc/group, so it cannot be removed here".into())
    );
}

#[test]
fn accounts_that_cannot_be_written_are_known_in_a_check() {
    let bench = Bench::new();
    let chattr = |flag: &str| {
        let done =
            std::process::Command::new("chattr").arg(flag).arg(bench.root().join("etc/group")).output();
        done.is_ok_and(|done| done.status.success())
    };
    if !given::root() || !given::that(chattr("+i"), "a file system with attributes") {
        return;
    }
    let immutable =
        Failure::new("/etc/group is immutable").help("allow changes first: `chattr -i /etc/group`");
    let group = |plan: &Plan| {
        plan.group("new");
    };
    let user = |plan: &Plan| {
        plan.user("new");
    };
    let mut said = Vec::new();
    for mode in [Mode::Check, Mode::Apply] {
        for declare in [group as fn(&Plan), user] {
            said.extend(bench.run(mode, declare).reports().into_iter().map(|report| report.outcome.clone()));
        }
    }
    assert!(chattr("-i"));
    assert_eq!(said, vec![Outcome::Failed(immutable); 4]);
}
