use std::os::unix::fs::{MetadataExt, symlink};

use paracrine_model::content::Content;
use paracrine_model::name::Mode;
use paracrine_model::protocol::{Difference, Failure, OldContent};
use paracrine_model::resource::file::File;
use paracrine_model::text::Text;

use crate::manage::{Comparison, Manage, Turn};
use crate::suite::{Row, Tried, Wrong, odd_names};
use crate::world::paths::suite::{
    Machine, account, attribute, failure, is_root, listen, passes_the_suite, path,
};
use crate::world::{Maker, Reach};

impl Tried for File {
    fn rows() -> Vec<Row> {
        vec![Row {
            what: "with a mode and a validation",
            needs: || true,
            names: odd_names(),
            given: r#"mkdir -p "$ROOT/srv"; rm -rf -- "$ROOT/srv/$NAME""#,
            wanted: |plan, name, root| {
                let valid = format!("test ! -e {root}/srv/invalid && test -s {{}}");
                plan.file(format!("/srv/{name}"), "one\ntwo\n").mode(0o640).validate(&valid);
            },
            witness: r#"if test -e "$ROOT/srv/$NAME"; then stat -c '%F %a %u' "$ROOT/srv/$NAME"; cat "$ROOT/srv/$NAME"; fi"#,
            drifts: &[
                ("another content", r#"echo other >"$ROOT/srv/$NAME""#),
                ("another mode", r#"chmod 4711 "$ROOT/srv/$NAME""#),
                ("removal", r#"rm "$ROOT/srv/$NAME""#),
                ("a link in its place", r#"ln -sfn /etc/passwd "$ROOT/srv/$NAME""#),
            ],
            removed: Some(|plan, name| {
                plan.absent(format!("/srv/{name}"));
            }),
            failure: Wrong {
                made: r#"echo other >"$ROOT/srv/$NAME"; touch "$ROOT/srv/invalid""#,
                says: "is not valid: the validation ended with status 1",
                foreseen: true,
                mended: r#"rm "$ROOT/srv/invalid""#,
            },
        }]
    }
}

fn content(before: &str) -> Difference {
    Difference::Content { before: OldContent::Text(before.into()) }
}

fn chmod(at: &std::path::Path, mode: u32) {
    std::fs::set_permissions(at, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn a_file_passes_the_suite() {
    passes_the_suite(
        |machine, at| machine.file(at, "a line\n"),
        &[
            ("another content", |at| std::fs::write(at, "another line\n").unwrap()),
            ("another content of the same length", |at| std::fs::write(at, "b line\n").unwrap()),
            ("no content", |at| std::fs::write(at, "").unwrap()),
            ("bytes that are no text", |at| std::fs::write(at, [0xff, 0, 1]).unwrap()),
            ("another mode", |at| chmod(at, 0o4711)),
            ("a mode that looks decimal", |at| chmod(at, if is_root() { 0o1204 } else { 0o1614 })),
            ("removal", |at| std::fs::remove_file(at).unwrap()),
            ("a link in its place", |at| {
                std::fs::remove_file(at).unwrap();
                symlink("/etc/passwd", at).unwrap();
            }),
            ("a fifo in its place", |at| {
                std::fs::remove_file(at).unwrap();
                rustix::fs::mknodat(rustix::fs::CWD, at, rustix::fs::FileType::Fifo, 0o644.into(), 0)
                    .unwrap();
            }),
            ("another owner", |at| match is_root() {
                true => std::os::unix::fs::chown(at, Some(4321), Some(4322)).unwrap(),
                false => chmod(at, 0o600),
            }),
        ],
    );
}

#[test]
fn a_file_with_secrets_passes_the_suite() {
    passes_the_suite(
        |machine, at| {
            machine.late_file(at, Text::from("A=1\nPASSWORD=") + machine.password() + Text::from("\n"))
        },
        &[
            ("another password", |at| std::fs::write(at, "A=1\nPASSWORD=old\n").unwrap()),
            ("a mode that lets others read", |at| chmod(at, 0o604)),
        ],
    );
}

#[test]
fn what_differs_is_told_attribute_by_attribute() {
    let machine = Machine::new();
    machine.make("/srv/x", "old\n");
    machine.mode("/srv/x", 0o666);
    let file = machine.file("/srv/x", "new\n");
    assert_eq!(machine.apply(&file).unwrap(), [content("old\n"), attribute("mode", "0666", "0644")]);
    assert_eq!(machine.read("/srv/x"), "new\n");
}

#[test]
fn a_changed_mode_leaves_the_file_itself_in_place() {
    let machine = Machine::new();
    let file = File { mode: Mode::parse(0o4750).unwrap(), ..machine.file("/srv/x", "same") };
    machine.make("/srv/x", "same");
    let before = machine.at("/srv/x").metadata().unwrap().ino();
    assert_eq!(machine.apply(&file).unwrap(), [attribute("mode", "0644", "4750")]);
    assert_eq!(machine.at("/srv/x").metadata().unwrap().ino(), before);
}

#[test]
fn a_file_with_a_second_name_is_replaced_and_the_other_left_alone() {
    let machine = Machine::new();
    machine.make("/srv/other", "same");
    std::fs::hard_link(machine.at("/srv/other"), machine.at("/srv/x")).unwrap();
    let file = File { mode: Mode::PRIVATE, ..machine.file("/srv/x", "same") };
    assert_eq!(machine.apply(&file).unwrap(), [attribute("mode", "0644", "0600")]);
    assert_eq!(machine.at("/srv/other").metadata().unwrap().mode() & 0o7777, 0o644);
}

#[test]
fn owners_are_set_with_setuid_bits() {
    if !given::root() {
        return;
    }
    let machine = Machine::new();
    let file = File {
        owner: account("app"),
        group: account("app"),
        mode: Mode::parse(0o6755).unwrap(),
        ..machine.file("/srv/x", "same")
    };
    machine.apply(&file).unwrap();
    let made = machine.at("/srv/x").metadata().unwrap();
    assert_eq!((made.uid(), made.gid(), made.mode() & 0o7777), (4321, 4322, 0o6755));

    std::os::unix::fs::chown(machine.at("/srv/x"), Some(77), Some(0)).unwrap();
    let found = machine.apply(&file).unwrap();
    assert_eq!(found[..2], [attribute("owner", "77", "app"), attribute("group", "root", "app")]);
    let mended = machine.at("/srv/x").metadata().unwrap();
    assert_eq!((mended.uid(), mended.gid(), mended.mode() & 0o7777), (4321, 4322, 0o6755));
}

#[test]
fn an_owner_that_does_not_exist_is_told_before_anything_is_touched() {
    let machine = Machine::new();
    let file = File { owner: account("nobody-here"), ..machine.file("/srv/x", "") };
    assert_eq!(
        machine.check(&file),
        Err(failure(
            "the user nobody-here does not exist",
            "declare it before, with `plan.user(\"nobody-here\")`, or the package that brings it"
        ))
    );
    let file = File { group: account("nobody-here"), ..machine.file("/srv/x", "") };
    assert_eq!(
        machine.check(&file),
        Err(failure(
            "the group nobody-here does not exist",
            "declare it before, with `plan.group(\"nobody-here\")`, or the package that brings it"
        ))
    );
    // A package that is pending may bring it.
    let mut world = machine.world();
    world.makers.push(crate::world::Maker::Package("postgresql".into()));
    let state = file.observe(&Turn::default(), &mut world).unwrap();
    assert_eq!(
        file.compare(&state, &Turn::default(), &world).unwrap(),
        Comparison::of(vec![Difference::Create])
    );
}

#[test]
fn what_is_no_file_is_replaced_but_never_written_through() {
    let machine = Machine::new();
    machine.make("/srv/elsewhere", "precious");
    symlink("elsewhere", machine.at("/srv/x")).unwrap();
    let found = machine.apply(&machine.file("/srv/x", "new")).unwrap();
    assert_eq!(found, [Difference::Remove { what: "link to elsewhere".into() }, Difference::Create]);
    assert_eq!(machine.read("/srv/elsewhere"), "precious");
    assert!(machine.at("/srv/x").symlink_metadata().unwrap().is_file());

    let _listener = listen(&machine.at("/srv/socket"));
    let found = machine.apply(&machine.file("/srv/socket", "new")).unwrap();
    assert_eq!(found, [Difference::Remove { what: "socket".into() }, Difference::Create]);

    std::fs::create_dir(machine.at("/srv/d")).unwrap();
    assert_eq!(
        machine.check(&machine.file("/srv/d", "new")),
        Err(failure(
            "/srv/d is a directory, which no file replaces",
            "move it away by hand, or give the file another path"
        ))
    );
}

#[test]
fn secrets_arrive_and_are_never_shown() {
    let mut machine = Machine::new();
    let password = machine.secret("DB_PASSWORD", "hunter2hunter2");
    let file = machine.late_file("/srv/env", Text::from("A=1\nPASSWORD=") + password + Text::from("\n"));
    machine.apply(&file).unwrap();
    assert_eq!(machine.read("/srv/env"), "A=1\nPASSWORD=hunter2hunter2\n");

    std::fs::write(machine.at("/srv/env"), "A=1\nPASSWORD=oldoldold\nTOKEN=abcdef\n").unwrap();
    assert_eq!(
        machine.apply(&file).unwrap(),
        [content("A=1\nPASSWORD=‹another secret DB_PASSWORD›\n‹hidden line›\n")]
    );
}

#[test]
fn a_value_that_did_not_arrive_is_a_failure() {
    let mut other = Machine::new();
    let text = other.secret("DB_PASSWORD", "x");
    let machine = Machine::new();
    assert_eq!(
        machine.check(&machine.late_file("/srv/env", text)),
        Err(Failure::new("the value of ‹secret DB_PASSWORD› is not here"))
    );
}

/// `PublicKey = ‹wg_pub of db1›` in a file that all may read.
fn peer(machine: &Machine, key: Text) -> File {
    let text = Text::from("# peers\nPublicKey = ") + key + Text::from("\n");
    File { content: Content::Late(text), ..machine.file("/srv/wg", "") }
}

#[test]
fn a_public_late_value_is_no_secret() {
    let mut machine = Machine::new();
    let key = machine.signal("wg_pub", Some("new="));
    let file = peer(&machine, key);
    machine.make("/srv/wg", "# peers\nPublicKey = old=\n");
    assert_eq!(machine.apply(&file).unwrap(), [content("# peers\nPublicKey = old=\n")]);
    assert_eq!(machine.read("/srv/wg"), "# peers\nPublicKey = new=\n");
}

#[test]
fn what_may_prove_to_be_right_may_change() {
    let mut machine = Machine::new();
    let key = machine.signal("wg_pub", None);
    let file = peer(&machine, key);
    let old = "# peers\nPublicKey = old=\n";
    machine.make("/srv/wg", old);
    let may = Some("‹wg_pub of db1› is known after apply".to_owned());
    assert_eq!(machine.check(&file), Ok(Comparison { differences: vec![content(old)], may: may.clone() }));
    // Too long to be shown, and then too long to be compared.
    for length in [70_000, 1_100_000] {
        let long = format!("# peers\nPublicKey = {}\n", "x".repeat(length));
        machine.make("/srv/wg", &long);
        let differences =
            vec![Difference::Content { before: OldContent::Opaque { length: long.len() as u64 } }];
        assert_eq!(machine.check(&file), Ok(Comparison { differences, may: may.clone() }));
    }
}

#[test]
fn what_no_value_makes_right_changes_for_certain() {
    let mut machine = Machine::new();
    let key = machine.signal("wg_pub", None);
    let file = peer(&machine, key);
    assert_eq!(machine.check(&file), Ok(Comparison::of(vec![Difference::Create])));
    let old = "# peer\nPublicKey = old=\n";
    machine.make("/srv/wg", old);
    assert_eq!(machine.check(&file), Ok(Comparison::of(vec![content(old)])));
    machine.make("/srv/wg", [0xff, 0]);
    let opaque = Difference::Content { before: OldContent::Opaque { length: 2 } };
    assert_eq!(machine.check(&file), Ok(Comparison::of(vec![opaque])));
    // The mode changes whatever the value is.
    let old = "# peers\nPublicKey = old=\n";
    machine.make("/srv/wg", old);
    machine.mode("/srv/wg", 0o664);
    let differences = vec![content(old), attribute("mode", "0664", "0644")];
    assert_eq!(machine.check(&file), Ok(Comparison::of(differences)));
}

#[test]
fn all_values_that_are_waited_for_are_named() {
    let mut machine = Machine::new();
    let both = machine.signal("a", None) + machine.signal("b", None);
    machine.make("/srv/wg", "# peers\nPublicKey = x\n");
    let found = machine.check(&peer(&machine, both)).unwrap();
    assert_eq!(found.may.as_deref(), Some("‹a of db1›, ‹b of db1› are known after apply"));
}

#[test]
fn of_a_private_file_no_value_is_shown_that_is_not_known_to_be_public() {
    let mut machine = Machine::new();
    let (key, port) = (machine.signal("wg_pub", None), machine.signal("port", Some("51820")));
    let text = Text::from("PublicKey = ") + key + Text::from("\nPort = ") + port + Text::from("\n");
    let file = machine.late_file("/srv/wg", text);
    for (old, shown) in [
        ("PublicKey = hunter2\nPort = 51820\n", "PublicKey = ‹present wg_pub of db1›\nPort = 51820\n"),
        (
            "PublicKey = hunter2\nPort = 1\n",
            "PublicKey = ‹present wg_pub of db1›\nPort = ‹another port of db1›\n",
        ),
    ] {
        machine.make("/srv/wg", old);
        machine.mode("/srv/wg", 0o600);
        assert_eq!(machine.check(&file).unwrap().differences, [content(shown)]);
    }
}

#[test]
fn lines_of_files_that_not_everybody_may_read_are_hidden() {
    let machine = Machine::new();
    machine.make("/srv/x", "same\nprecious\n");
    machine.mode("/srv/x", 0o640);
    let file = machine.file("/srv/x", "same\nnew\n");
    assert_eq!(machine.check(&file).unwrap().differences[0], content("same\n‹hidden line›\n"));
    // Nor may they be read where the directory keeps others out.
    machine.mode("/srv/x", 0o644);
    machine.mode("/srv", 0o750);
    assert_eq!(machine.check(&file).unwrap().differences[0], content("same\n‹hidden line›\n"));
    machine.mode("/srv", 0o755);
    assert_eq!(machine.check(&file).unwrap().differences[0], content("same\nprecious\n"));
}

#[test]
fn a_validation_sees_the_new_content_and_keeps_the_old_when_it_fails() {
    let machine = Machine::new();
    machine.make("/srv/it's", "old\n");
    let mut file = machine.file("/srv/it's", "new\n");
    file.validate = Some("echo looking; grep -q good {} || { echo bad content in {} >&2; exit 3; }".into());
    assert_eq!(
        machine.apply(&file),
        Err(Failure::new("the new content of /srv/it's is not valid: the validation ended with status 3")
            .output("looking\nbad content in /srv/it's")
            .help("the old file is still in place"))
    );
    assert_eq!(machine.read("/srv/it's"), "old\n");
    file.content = machine.blobs.keep(b"good\n");
    machine.apply(&file).unwrap();
    assert_eq!(machine.read("/srv/it's"), "good\n");
}

#[test]
fn a_validation_of_what_is_new_promises_no_old_file() {
    let machine = Machine::new();
    let mut file = machine.file("/srv/x", "new\n");
    file.validate = Some("false {}".into());
    let invalid = Failure::new("the new content of /srv/x is not valid: the validation ended with status 1");
    assert_eq!(machine.apply(&file), Err(invalid.clone()));
    assert_eq!(rehearsed(&file, &mut machine.world()), Err(invalid));
    assert!(!machine.at("/srv/x").exists());
}

/// What a check says of the validation.
fn rehearsed(file: &File, world: &mut crate::world::World) -> Result<Option<String>, Failure> {
    let state = file.observe(&Turn::default(), world).unwrap();
    file.rehearse(&state, world)
}

#[test]
fn a_validation_sees_the_same_in_a_check_and_in_an_apply() {
    let machine = Machine::new();
    let seen = machine.at("/seen");
    let told =
        format!("stat -c '%a %u %F' {{}} >{0}; basename {{}} >>{0}; cat {{}} >>{0}; false", seen.display());
    for (content, shown) in [("new\n".to_owned(), "new\n"), ("x".repeat(300_000), "xxx")] {
        let mut file = machine.file("/srv/it's.conf", &content);
        file.mode = Mode::parse(0o640).unwrap();
        file.validate = Some(told.clone());
        let check = rehearsed(&file, &mut machine.world()).unwrap_err();
        let in_check = std::fs::read_to_string(&seen).unwrap();
        assert_eq!(machine.apply(&file), Err(check));
        let in_apply = std::fs::read_to_string(&seen).unwrap();
        let owner = rustix::process::geteuid().as_raw();
        assert!(
            in_check.starts_with(&format!("640 {owner} regular file\nit's.conf\n{shown}")),
            "{in_check:.80}"
        );
        // A long one is looked at where it was written, through a link.
        let same =
            in_check.replacen(&format!("640 {owner} regular file"), &format!("777 {owner} symbolic link"), 1);
        assert!(in_apply == in_check || (content.len() > 4 && in_apply == same), "{in_apply:.80}");
    }
}

#[test]
fn a_validation_that_may_depend_on_what_is_pending_is_doubted_in_a_check() {
    let machine = Machine::new();
    let failing = |content: &str, command: &str| File {
        validate: Some(command.into()),
        ..machine.file("/etc/app/app.conf", content)
    };
    let after = |command: &str, content: &str, predict: &dyn Fn(&mut crate::world::World)| {
        let mut world = machine.world();
        predict(&mut world);
        match rehearsed(&failing(content, command), &mut world) {
            Ok(may) => may.unwrap_or_else(|| "valid".into()),
            Err(failure) => failure.message,
        }
    };
    machine.make("/etc/app/here", "");
    let made = |at: &'static str| {
        let file = machine.file(at, "");
        move |world: &mut crate::world::World| {
            let state = file.observe(&Turn::default(), world).unwrap();
            file.predict(&state, world);
        }
    };
    let invalid = "the new content of /etc/app/app.conf is not valid: the validation ended with status 1";
    let doubted =
        |command: &str, why: &str| format!("its validation `{command}` may answer otherwise then: {why}");
    let nothing = |_: &mut crate::world::World| {};
    let package = |world: &mut crate::world::World| world.makers.push(Maker::Package("app".into()));
    let command = |reach: Reach| {
        move |world: &mut crate::world::World| {
            world.makers.push(Maker::Command { name: "make".into(), reach: reach.clone() });
        }
    };
    let account = |world: &mut crate::world::World| {
        world
            .accounts
            .predict_user(crate::world::accounts::User { name: "app2".into(), ..Default::default() });
    };
    assert_eq!(after("false {}", "", &nothing), invalid);
    assert_eq!(after("true {}", "", &package), "valid");
    assert_eq!(after("false {}", "", &package), doubted("false {}", "package app is installed before it"));
    let anything = command(Reach::Anything);
    assert_eq!(after("false {}", "", &anything), doubted("false {}", "command `make` is run before it"));
    assert_eq!(after("false {}", "", &command(Reach::Only(vec![path("/srv/x")]))), invalid);
    assert_eq!(
        after("false {}", "include /srv/x;", &command(Reach::Only(vec![path("/srv/x")]))),
        doubted("false {}", "command `make` is run before it")
    );
    // Named in the command, in the content, in what was said; whole, by its name or by its directory.
    let other = made("/etc/app/other.conf");
    let changed = "/etc/app/other.conf is changed before it";
    for (tool, content) in [
        ("test -e /etc/app/other.conf && false {}", ""),
        ("false {}", "include other.conf"),
        ("false {}", "include = \"app/*.conf\""),
        ("echo no /etc/app/other.conf; false {}", ""),
    ] {
        assert_eq!(after(tool, content, &other), doubted(tool, changed), "{tool} {content}");
    }
    assert_eq!(after("echo wrong: {}; false {}", "another = 1", &other), invalid);
    assert_eq!(
        after("false {}", "user = app2", &account),
        doubted("false {}", "the account app2 is changed before it")
    );
    assert_eq!(after("false {}", "user = app21", &account), invalid);
}

#[test]
fn a_validation_of_what_is_not_known_yet_waits_for_it() {
    let mut machine = Machine::new();
    let key = machine.signal("wg_pub", None);
    let file = File { validate: Some("false {}".into()), ..machine.late_file("/srv/wg", key) };
    assert_eq!(
        rehearsed(&file, &mut machine.world()),
        Ok(Some("its validation can be run only then: ‹wg_pub of db1› is known after apply".into()))
    );
}

#[test]
fn the_old_content_is_kept_where_only_its_owner_can_read_it() {
    let machine = Machine::new();
    machine.make("/srv/x", "old\n");
    machine.apply(&machine.file("/srv/x", "new\n")).unwrap();
    machine.apply(&machine.file("/srv/x", "newer\n")).unwrap();
    for (run, old) in [("run", "old\n"), ("run.2", "new\n")] {
        let directory = machine.at("/var/lib/paracrine/runs").join(run);
        assert_eq!(directory.metadata().unwrap().mode() & 0o7777, 0o700);
        let contents = directory.join("contents");
        assert_eq!(std::fs::read_to_string(&contents).unwrap(), old);
        assert_eq!(contents.metadata().unwrap().mode() & 0o7777, 0o600);
    }
}

#[test]
fn what_a_killed_run_has_left_is_swept() {
    let machine = Machine::new();
    machine.make("/srv/.x.paracrine-0123456789abcdef", "left");
    machine.make("/srv/.x.paracrine-notours", "not ours");
    let mut world = machine.world();
    let file = machine.file("/srv/x", "new");
    let state = file.observe(&Turn::default(), &mut world).unwrap();
    file.apply(&state, &Turn::default(), &mut world).unwrap();
    let mut names: Vec<_> =
        std::fs::read_dir(machine.at("/srv")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".x.paracrine-notours", "x"]);
}

#[test]
fn a_file_where_nothing_may_be_made_is_a_failure() {
    given::unprivileged(|| {
        let machine = Machine::new();
        machine.make("/srv/d/x", "old");
        machine.mode("/srv/d", 0o555);
        let file = machine.file("/srv/d/x", "new");
        assert_eq!(machine.apply(&file), Err(Failure::new("cannot change /srv/d/x: permission denied")));
        machine.mode("/srv/d", 0o755);
        assert_eq!(machine.read("/srv/d/x"), "old");
    });
}

#[test]
fn a_failure_half_way_leaves_the_old_file_and_nothing_else() {
    let machine = Machine::new();
    machine.make("/srv/d/x", "old");
    let file = machine.file("/srv/d/x", "new");
    // What was a file when it was looked at is a directory when it is replaced.
    let mut world = machine.world();
    let state = file.observe(&Turn::default(), &mut world).unwrap();
    std::fs::remove_file(machine.at("/srv/d/x")).unwrap();
    std::fs::create_dir(machine.at("/srv/d/x")).unwrap();
    assert_eq!(
        file.apply(&state, &Turn::default(), &mut world),
        Err(Failure::new("cannot replace /srv/d/x: is a directory"))
    );
    assert_eq!(std::fs::read_dir(machine.at("/srv/d")).unwrap().count(), 1);
    // What was there is a link when its mode is set.
    std::fs::remove_dir(machine.at("/srv/d/x")).unwrap();
    machine.make("/srv/d/x", "new");
    machine.mode("/srv/d/x", 0o600);
    let mut world = machine.world();
    let state = file.observe(&Turn::default(), &mut world).unwrap();
    machine.make("/srv/victim", "");
    machine.mode("/srv/victim", 0o600);
    std::fs::remove_file(machine.at("/srv/d/x")).unwrap();
    symlink("../victim", machine.at("/srv/d/x")).unwrap();
    assert!(file.apply(&state, &Turn::default(), &mut world).is_err());
    assert_eq!(machine.at("/srv/victim").metadata().unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn the_content_of_a_predicted_file_is_not_invented() {
    let machine = Machine::new();
    let mut world = machine.world();
    let first = machine.file("/srv/x", "first");
    let state = first.observe(&Turn::default(), &mut world).unwrap();
    first.predict(&state, &mut world);
    let second = machine.file("/srv/x", "second");
    let state = second.observe(&Turn::default(), &mut world).unwrap();
    assert_eq!(
        second.compare(&state, &Turn::default(), &world).unwrap().differences,
        [Difference::Content { before: OldContent::Opaque { length: 5 } }]
    );
}

#[test]
fn an_empty_file_is_a_file() {
    let machine = Machine::new();
    assert_eq!(machine.apply(&machine.file("/srv/x", "")).unwrap(), [Difference::Create]);
    let file =
        File { path: path("/srv/x"), content: Content::Late(Text::default()), ..machine.file("/srv/x", "") };
    assert_eq!(machine.check(&file).unwrap(), Comparison::equal());
}

const ACL: &str = "system.posix_acl_access";

/// `user::rw-,user:1234:rw-,group::r--,mask::rw-,other::---` as the kernel has it.
fn list() -> Vec<u8> {
    let none = u32::MAX.to_le_bytes();
    let entry = |tag: u8, permissions: u8, id: [u8; 4]| [&[tag, 0, permissions, 0][..], &id].concat();
    let named = entry(2, 6, 1234_u32.to_le_bytes());
    [vec![2, 0, 0, 0], entry(1, 6, none), named, entry(4, 4, none), entry(16, 6, none), entry(32, 0, none)]
        .concat()
}

/// The list of access of what is there; nothing where only the mode says who may do what.
fn acl(at: &std::path::Path) -> Option<Vec<u8>> {
    let mut value = vec![0; 1000];
    let length = rustix::fs::getxattr(at, ACL, &mut value[..]).ok()?;
    value.truncate(length);
    Some(value)
}

/// Gives what is there a list; `false` where the file system has none.
fn set_acl(at: &std::path::Path, name: &str) -> bool {
    rustix::fs::setxattr(at, name, &list(), rustix::fs::XattrFlags::empty()).is_ok()
}

#[test]
fn a_file_that_is_replaced_keeps_whom_else_it_lets_in() {
    let machine = Machine::new();
    machine.make("/srv/x", "old\n");
    if !given::that(set_acl(&machine.at("/srv/x"), ACL), "a file system with lists of access") {
        return;
    }
    let file = File { mode: Mode::parse(0o660).unwrap(), ..machine.file("/srv/x", "new\n") };
    machine.apply(&file).unwrap();
    assert_eq!((machine.read("/srv/x").as_str(), acl(&machine.at("/srv/x"))), ("new\n", Some(list())));
    // A narrower mode narrows what the list allows.
    let file = File { mode: Mode::parse(0o640).unwrap(), ..machine.file("/srv/x", "newer\n") };
    machine.apply(&file).unwrap();
    assert_eq!(machine.at("/srv/x").metadata().unwrap().mode() & 0o7777, 0o640);
    assert_eq!(acl(&machine.at("/srv/x")).map(|list| list[4 + 3 * 8 + 2]), Some(4));
}

#[test]
fn a_directorys_default_opens_nothing_beyond_its_mode() {
    let machine = Machine::new();
    if !given::that(
        set_acl(&machine.at("/srv"), "system.posix_acl_default"),
        "a file system with lists of access",
    ) {
        return;
    }
    let file = File { mode: Mode::parse(0o640).unwrap(), ..machine.file("/srv/x", "new\n") };
    machine.apply(&file).unwrap();
    machine.apply(&machine.file("/srv/link", "")).unwrap();
    let directory = paracrine_model::resource::directory::Directory {
        path: path("/srv/d"),
        owner: file.owner.clone(),
        group: file.group.clone(),
        mode: Mode::parse(0o750).unwrap(),
    };
    machine.apply(&directory).unwrap();
    for (at, mode) in [("/srv/x", 0o640), ("/srv/d", 0o750)] {
        assert_eq!(machine.at(at).metadata().unwrap().mode() & 0o7777, mode, "{at}");
        assert_eq!(acl(&machine.at(at)), None, "{at}");
    }
}

#[test]
fn capabilities_go_with_the_content_and_are_told() {
    let machine = Machine::new();
    machine.make("/srv/x", "old\n");
    // CAP_NET_BIND_SERVICE, permitted and effective (linux/capability.h).
    let capabilities =
        [0x0200_0001_u32, 1 << 10, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    if !given::root() {
        return;
    }
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(machine.at("/srv/x"), "security.capability", &capabilities, flags).unwrap();
    let same = machine.file("/srv/x", "old\n");
    assert_eq!(machine.check(&same), Ok(Comparison::equal()));
    let file = machine.file("/srv/x", "new\n");
    let lost = attribute("capabilities", "set", "none, as for all new content");
    assert_eq!(machine.check(&file).unwrap().differences, [content("old\n"), lost.clone()]);
    assert_eq!(machine.apply(&file).unwrap(), [content("old\n"), lost]);
    assert_eq!(machine.check(&file), Ok(Comparison::equal()));
}

#[test]
fn what_forbids_another_mode_is_known_before() {
    let machine = Machine::new();
    machine.make("/srv/x", "same\n");
    std::fs::create_dir(machine.at("/srv/d")).unwrap();
    let chattr = |flag: &str, at: &str| {
        let done = std::process::Command::new("chattr").arg(flag).arg(machine.at(at)).output();
        done.is_ok_and(|done| done.status.success())
    };
    if !given::root() || !given::that(chattr("+i", "/srv/x"), "a file system with attributes") {
        return;
    }
    let file = File { mode: Mode::parse(0o600).unwrap(), ..machine.file("/srv/x", "same\n") };
    let found = (machine.check(&file), machine.check(&machine.file("/srv/x", "same\n")));
    assert!(chattr("-i", "/srv/x") && chattr("+i", "/srv/d"));
    let directory = paracrine_model::resource::directory::Directory {
        path: path("/srv/d"),
        owner: file.owner.clone(),
        group: file.group.clone(),
        mode: Mode::parse(0o700).unwrap(),
    };
    let of_directory = machine.check(&directory);
    assert!(chattr("-i", "/srv/d"));
    let immutable =
        |at: &str| failure(&format!("{at} is immutable"), &format!("allow changes first: `chattr -i {at}`"));
    assert_eq!(found, (Err(immutable("/srv/x")), Ok(Comparison::equal())));
    assert_eq!(of_directory, Err(immutable("/srv/d")));
}
