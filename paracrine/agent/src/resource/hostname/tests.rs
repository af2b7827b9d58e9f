use paracrine_model::protocol::Difference;

use super::*;
use crate::suite::{Row, Tried, Wrong};
use crate::world::paths::suite::{Machine, attribute, failure};

impl Tried for Hostname {
    fn rows() -> Vec<Row> {
        vec![Row {
            what: "with other lines beside its own",
            needs: given::root,
            names: ["suite-name", "a", "1", "web1.dev.example.org", "Upper-Case"].map(str::to_owned).into(),
            given: r#"echo old >"$ROOT/etc/hostname"; printf '127.0.0.1\tlocalhost\n10.0.0.7 far # off\n' >"$ROOT/etc/hosts""#,
            wanted: |plan, name, _| {
                plan.hostname(name);
            },
            witness: r#"cat "$ROOT/etc/hostname" "$ROOT/etc/hosts" 2>&1 || true; test "$ROOT" || cat /proc/sys/kernel/hostname"#,
            drifts: &[
                ("another name at boot", r#"echo other >"$ROOT/etc/hostname""#),
                ("no name at boot", r#"rm "$ROOT/etc/hostname""#),
                (
                    "another name for its address",
                    r#"sed -i 's/^127.0.1.1.*/127.0.1.1 other/' "$ROOT/etc/hosts""#,
                ),
                ("no address", r#"sed -i /^127.0.1.1/d "$ROOT/etc/hosts""#),
                ("a second line for its address", r#"echo '127.0.1.1 second' >>"$ROOT/etc/hosts""#),
                (
                    "another live name",
                    r#"if test "$ROOT"; then echo other >"$ROOT/etc/hostname"; else hostname other; fi"#,
                ),
            ],
            removed: None,
            failure: Wrong {
                made: r#"echo other >"$ROOT/etc/hostname"; sed -i /^127.0.1.1/d "$ROOT/etc/hosts"
                    chattr +i "$ROOT/etc/hosts""#,
                says: "/etc/hosts is immutable",
                foreseen: true,
                mended: r#"chattr -i "$ROOT/etc/hosts""#,
            },
        }]
    }
}

fn hostname(name: &str) -> Hostname {
    Hostname::parse(name).unwrap()
}

#[test]
fn what_differs_is_told_and_the_owner_and_mode_of_the_files_stay() {
    let machine = Machine::new();
    machine.make("/etc/hostname", "# ours\n old \n");
    machine.make("/etc/hosts", "127.0.1.1 old.example old\n");
    machine.mode("/etc/hosts", 0o664);
    let found = machine.apply(&hostname("web1.example.org")).unwrap();
    assert_eq!(
        found,
        [
            attribute("at boot", "old", "web1.example.org"),
            attribute("/etc/hosts", "127.0.1.1 old.example old", "127.0.1.1 web1.example.org web1"),
        ]
    );
    assert_eq!(machine.read("/etc/hostname"), "web1.example.org\n");
    assert_eq!(machine.read("/etc/hosts"), "127.0.1.1\tweb1.example.org web1\n");
    let mode = std::os::unix::fs::MetadataExt::mode(&machine.at("/etc/hosts").metadata().unwrap());
    assert_eq!(mode & 0o7777, 0o664);
}

#[test]
fn a_host_without_these_files_gets_them() {
    let machine = Machine::new();
    let found = machine.apply(&hostname("web1")).unwrap();
    let new = |name: &str, after: &str| Difference::Attribute {
        name: name.into(),
        before: None,
        after: after.into(),
    };
    assert_eq!(found, [new("at boot", "web1"), new("/etc/hosts", "127.0.1.1 web1")]);
    assert_eq!(machine.read("/etc/hosts"), "127.0.0.1\tlocalhost\n127.0.1.1\tweb1\n");
}

#[test]
fn all_other_lines_stay_as_they_are_to_the_byte() {
    for (hosts, expected) in [
        ("127.0.0.1 localhost\r\n\n# x\n::1 ip6\n", "127.0.0.1 localhost\r\n127.0.1.1\tw\n\n# x\n::1 ip6\n"),
        ("::1 ip6", "::1 ip6\n127.0.1.1\tw\n"),
        ("::1 ip6\n", "::1 ip6\n127.0.1.1\tw\n"),
        ("a\n 127.0.1.1 x # y\nb\n127.0.1.1 z\nc", "a\n127.0.1.1\tw\nb\nc"),
        ("127.0.1.10 x\n#127.0.1.1 y\n", "127.0.1.10 x\n#127.0.1.1 y\n127.0.1.1\tw\n"),
    ] {
        let made = with_own_line(hosts.as_bytes(), b"127.0.1.1\tw");
        assert_eq!(String::from_utf8(made).unwrap(), expected, "{hosts:?}");
    }
    assert_eq!(with_own_line(b"\xff x\n", b"127.0.1.1\tw"), b"\xff x\n127.0.1.1\tw\n");
}

#[test]
fn a_line_that_says_the_same_otherwise_is_left_alone() {
    let machine = Machine::new();
    machine.make("/etc/hostname", "web1");
    machine.make("/etc/hosts", "  127.0.1.1   web1 # the host itself\n");
    assert_eq!(machine.check(&hostname("web1")), Ok(Comparison::equal()));
}

#[test]
fn a_link_in_the_place_of_a_file_is_not_guessed_at() {
    let machine = Machine::new();
    std::os::unix::fs::symlink("/run/hosts", machine.at("/etc/hosts")).unwrap();
    assert_eq!(
        machine.check(&hostname("web1")),
        Err(failure(
            "/etc/hosts is a link to /run/hosts, not a file",
            "put a file there by hand, and declare the name again"
        ))
    );
}

#[test]
fn a_file_that_is_too_long_to_be_one_of_hosts_is_left_alone() {
    let machine = Machine::new();
    machine.make("/etc/hosts", "");
    std::fs::File::options().write(true).open(machine.at("/etc/hosts")).unwrap().set_len(LIMIT + 1).unwrap();
    assert_eq!(
        machine.check(&hostname("web1")),
        Err(failure("/etc/hosts is too long to be changed: 16777217 bytes", "shorten it by hand"))
    );
}
