use super::*;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
    # a comment:x:9:9:::\n\
    +nis::::::\n\
    \n\
    app:x:1000:1000:Ann App,,,:/home/app:/bin/sh\n\
    toor:x:0:0::/root:/bin/sh\n\
    few:x:1001\n\
    many:x:1:1:a:b:c:d\n\
    word:x:one:1:a:b:c\n\
    huge:x:4294967296:1:a:b:c\n\
    cut:x:1002:10";
const GROUP: &str =
    "root:x:0:\napp:x:1000:\nadm:x:4:syslog,app\ndocker:x:999:app, other,\nbad:x\n:x:7:\ncut:x:5";

fn accounts(files: &[(&str, &str)]) -> (tempfile::TempDir, Accounts) {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("etc")).unwrap();
    for (name, text) in files {
        std::fs::write(root.path().join("etc").join(name), text).unwrap();
    }
    let accounts = Accounts::new(root.path());
    (root, accounts)
}

#[test]
fn users_and_groups_are_read_and_garbage_is_skipped() {
    let (_root, accounts) = accounts(&[("passwd", PASSWD), ("group", GROUP)]);
    assert_eq!(
        accounts.user("app"),
        Some(User {
            name: "app".into(),
            uid: Some(1000),
            gid: Some(1000),
            group: "app".into(),
            comment: "Ann App,,,".into(),
            home: "/home/app".into(),
            shell: "/bin/sh".into(),
            groups: vec!["adm".into(), "docker".into()],
        })
    );
    for garbage in ["few", "many", "word", "huge", "cut", "nis", "+nis", "# a comment", ""] {
        assert_eq!(accounts.user(garbage), None, "{garbage}");
        assert!(!accounts.knows_user(garbage));
    }
    for garbage in ["bad", "cut", ""] {
        assert_eq!(accounts.group(garbage), None, "{garbage}");
    }
    assert_eq!(accounts.group("docker").unwrap().members, ["app", "other"]);
    assert_eq!((accounts.user_name(0).as_deref(), accounts.user_name(7)), (Some("root"), None));
    assert_eq!((accounts.group_name(999).as_deref(), accounts.group_name(1)), (Some("docker"), None));
    assert_eq!((accounts.uid("toor"), accounts.gid("adm")), (Some(0), Some(4)));
    assert_eq!(accounts.primary_members("root"), ["root", "toor"]);
}

#[test]
fn missing_files_are_no_accounts() {
    let (_root, accounts) = accounts(&[]);
    assert_eq!((accounts.user("root"), accounts.group("root"), accounts.trouble()), (None, None, None));
}

#[test]
fn files_are_read_again_after_a_change_only() {
    let (root, mut accounts) = accounts(&[("passwd", PASSWD), ("group", GROUP)]);
    assert!(!accounts.knows_user("new"));
    std::fs::write(root.path().join("etc/passwd"), "new:x:5:5:::\n").unwrap();
    assert!(!accounts.knows_user("new"));
    accounts.forget();
    assert!(accounts.knows_user("new") && !accounts.knows_user("app"));
    assert_eq!(accounts.user("new").unwrap().group, "5");
}

#[test]
fn predictions_lie_over_the_files() {
    let (_root, mut accounts) = accounts(&[("passwd", PASSWD), ("group", GROUP)]);
    assert!(!accounts.predicts_anything());
    accounts.predict_group(Group { name: "web".into(), ..Group::default() });
    let new =
        User { name: "new".into(), group: "web".into(), groups: vec!["docker".into()], ..User::default() };
    accounts.predict_user(new.clone());
    assert_eq!(accounts.user("new"), Some(new));
    assert_eq!((accounts.uid("new"), accounts.gid("web")), (None, None));
    assert!(accounts.knows_user("new") && accounts.predicts_user("new") && accounts.knows_group("web"));
    assert_eq!(accounts.group("docker").unwrap().members, ["app", "other", "new"]);
    assert_eq!(accounts.primary_members("web"), ["new"]);
    assert!(
        !accounts.predicts_user("app") && !accounts.predicts_group("adm") && accounts.predicts_group("web")
    );

    accounts.predict_no_user("app");
    assert!(!accounts.knows_user("app") && !accounts.predicts_user("app"));
    assert_eq!((accounts.user("app"), accounts.uid("app"), accounts.user_name(1000)), (None, None, None));
    assert!(accounts.primary_members("app").is_empty());
    accounts.predict_no_group("docker");
    assert_eq!(
        (accounts.group("docker"), accounts.gid("docker"), accounts.group_name(999)),
        (None, None, None)
    );
    assert!(accounts.user("new").unwrap().groups.is_empty());

    let moved = User { uid: Some(2000), ..accounts.user("toor").unwrap() };
    accounts.predict_user(moved);
    assert_eq!(
        (accounts.user_name(2000).as_deref(), accounts.user_name(0).as_deref()),
        (Some("toor"), Some("root"))
    );
}

#[test]
fn directories_are_asked_only_where_there_are_any() {
    for (text, asks) in [
        ("", false),
        ("passwd: files systemd\ngroup: files systemd\nhosts: files dns\n", false),
        ("passwd: compat\n# passwd: ldap\n", false),
        ("passwd: files [NOTFOUND=return]\ngroup:files [ !UNAVAIL=return  SUCCESS=merge ] systemd", false),
        ("passwd: files sss\n", true),
        ("group:\tfiles [SUCCESS=merge] winbind # comment\n", true),
        ("initgroups: ldap", true),
        ("shadow: ldap\n", false),
        ("passwd files ldap", false),
    ] {
        assert_eq!(parse::asks_directories(text), asks, "{text:?}");
    }
}
