use paracrine_model::protocol::{Difference, Failure, OldContent};
use paracrine_model::secret::{Provider, SecretSource};
use paracrine_model::text::{Late, LateValues, Text};

use super::{Mask, old_content};

fn secret(name: &str) -> Late {
    Late::Secret(SecretSource { name: name.into(), provider: Provider::Env(name.into()) })
}

fn values(pairs: &[(&str, &str)]) -> LateValues {
    let mut values = LateValues::default();
    for (name, value) in pairs {
        values.insert(secret(name), (*value).into());
    }
    values
}

/// `A={A}` with the secret A in it.
fn text(template: &str) -> Text {
    let mut text = Text::default();
    for (index, part) in template.split(['{', '}']).enumerate() {
        if index % 2 == 0 {
            text.push_str(part);
        } else {
            text.push_late(secret(part));
        }
    }
    text
}

fn shown(old: &str, desired: &str, values: &LateValues) -> String {
    match old_content(old.as_bytes(), Some(&text(desired)), values, false) {
        OldContent::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_are_masked_wherever_they_stand() {
    let mask = Mask::new(&values(&[("DB_PASSWORD", "s3cr3t/p+ss wörd"), ("PIN", "123")]));
    assert_eq!(mask.text("login with s3cr3t/p+ss wörd failed"), "login with ‹secret DB_PASSWORD› failed");
    assert_eq!(mask.text("s3cr3t/p+ss wörds3cr3t/p+ss wörd"), "‹secret DB_PASSWORD›‹secret DB_PASSWORD›");
    assert_eq!(
        mask.text("postgres://app:s3cr3t%2Fp%2Bss%20w%C3%B6rd@db"),
        "postgres://app:‹secret DB_PASSWORD›@db"
    );
    assert_eq!(mask.text("s3cr3t%2fp%2bss%20w%c3%b6rd"), "‹secret DB_PASSWORD›");
    assert_eq!(mask.text("a=s3cr3t%2Fp%2Bss+w%C3%B6rd&b"), "a=‹secret DB_PASSWORD›&b");
    assert_eq!(mask.text("7333637233742f702b73732077c3b67264"), "‹secret DB_PASSWORD›");
    assert_eq!(mask.text("nothing of the kind: 123"), "nothing of the kind: 123");
    assert_eq!(Mask::new(&LateValues::default()).text("anything"), "anything");
}

#[test]
fn values_are_masked_in_base64_alone_and_within_something_longer() {
    let mask = Mask::new(&values(&[("DB_PASSWORD", "hunter2hunter2")]));
    // Of `hunter2hunter2`, `app:hunter2hunter2`, `user:hunter2hunter2` and `admin:hunter2hunter2`.
    for (encoded, masked) in [
        ("aHVudGVyMmh1bnRlcjI=", "‹secret DB_PASSWORD›I="),
        ("YXBwOmh1bnRlcjJodW50ZXIy", "YXBwOm‹secret DB_PASSWORD›"),
        ("dXNlcjpodW50ZXIyaHVudGVyMg==", "dXNlcjp‹secret DB_PASSWORD›g=="),
        ("YWRtaW46aHVudGVyMmh1bnRlcjI=", "YWRtaW46‹secret DB_PASSWORD›I="),
    ] {
        assert_eq!(mask.text(encoded), masked);
    }
}

#[test]
fn values_are_masked_as_json_and_shell_write_them() {
    let mask = Mask::new(&values(&[("KEY", "it's \"quoted\"\nand long")]));
    assert_eq!(mask.text(r#"{"key": "it's \"quoted\"\nand long"}"#), r#"{"key": "‹secret KEY›"}"#);
    assert_eq!(mask.text("'it'\\''s \"quoted\"\nand long'"), "'‹secret KEY›'");
}

#[test]
fn lines_of_long_values_are_masked_one_by_one() {
    let mask =
        Mask::new(&values(&[("TLS_KEY", "-----BEGIN KEY-----\nMIIEvQIBADANBg\nab\n-----END KEY-----\n")]));
    assert_eq!(mask.text("bad line MIIEvQIBADANBg in key"), "bad line ‹secret TLS_KEY› in key");
    assert_eq!(mask.text("grab"), "grab");
}

#[test]
fn where_values_overlap_all_of_them_goes() {
    let mask = Mask::new(&values(&[("A", "abcdef"), ("B", "defghijk"), ("C", "cdef")]));
    assert_eq!(mask.text("-abcdefghijk-"), "-‹secret B›-");
    assert_eq!(mask.text("-abcdef-defghijk-"), "-‹secret A›-‹secret B›-");
}

#[test]
fn everything_that_leaves_the_machine_can_be_masked() {
    let mask = Mask::new(&values(&[("A", "hunter2")]));
    let failure = mask.failure(Failure::new("hunter2").output("hunter2\n").help("hunter2"));
    assert_eq!(failure, Failure::new("‹secret A›").output("‹secret A›\n").help("‹secret A›"));
    let all = [
        Difference::Remove { what: "link to hunter2".into() },
        Difference::Attribute {
            name: "target".into(),
            before: Some("hunter2".into()),
            after: "hunter2".into(),
        },
        Difference::Content { before: OldContent::Text("hunter2".into()) },
        Difference::Action { verb: "run".into(), because: "hunter2".into() },
    ];
    for difference in all {
        assert!(!format!("{:?}", mask.difference(difference)).contains("hunter2"));
    }
}

#[test]
fn what_is_no_text_is_not_shown() {
    let none = LateValues::default();
    let opaque =
        |old: &[u8]| old_content(old, None, &none, false) == OldContent::Opaque { length: old.len() as u64 };
    assert!(opaque(b"\xff"));
    assert!(opaque(b"a\0b"));
    assert!(opaque(b"\x1b[31mred"));
    assert!(opaque("\u{9b}31m".as_bytes()));
    assert!(opaque(&vec![b'a'; 64 * 1024 + 1]));
    assert!(!opaque(&vec![b'a'; 64 * 1024]));
    assert!(!opaque("tab\tand\r\nlines: ü\n".as_bytes()));
}

#[test]
fn a_file_without_secrets_that_all_may_read_is_shown_but_for_values() {
    let values = values(&[("A", "hunter2")]);
    let old = old_content(b"a\nb hunter2\n", None, &values, false);
    assert_eq!(old, OldContent::Text("a\nb ‹secret A›\n".into()));
}

#[test]
fn a_private_file_shows_only_lines_that_it_will_have_again() {
    let desired = Text::from("one\ntwo\n");
    let old = old_content(b"one\nsecret\ntwo\n", Some(&desired), &LateValues::default(), true);
    assert_eq!(old, OldContent::Text("one\n‹hidden line›\ntwo\n".into()));
    let old = old_content(b"one\ntwo", None, &LateValues::default(), true);
    assert_eq!(old, OldContent::Text("‹hidden line›\n‹hidden line›".into()));
}

#[test]
fn a_changed_secret_is_told_from_the_same_one() {
    let values = values(&[("A", "new"), ("B", "same:with:colons"), ("C", "c")]);
    let desired = "# app\nA={A}\nboth={A}:{B}\nC={C}\n";
    assert_eq!(
        shown("# app\nA=old\nboth=old:same:with:colons\nC=c\n", desired, &values),
        "# app\nA=‹another secret A›\nboth=‹another secret A›:‹secret B›\nC=‹secret C›\n"
    );
}

#[test]
fn a_line_that_nobody_knows_is_hidden() {
    let values = values(&[("A", "new")]);
    let desired = "WORKERS=16\nA={A}\n";
    assert_eq!(
        shown("WORKERS=2\nTOKEN=abc\n\nA=\nA=new\n", desired, &values),
        "‹hidden line›\n‹hidden line›\n\n‹hidden line›\nA=‹secret A›\n"
    );
    // A mere blank says nothing about which line it is.
    let pair = self::values(&[("A", "new"), ("B", "new too")]);
    assert_eq!(shown("one two\n", "x\n{A} {B}\n", &pair), "‹hidden line›\n");
}

#[test]
fn a_final_line_break_that_is_missing_stays_missing() {
    let values = values(&[("A", "new")]);
    assert_eq!(shown("A=new", "A={A}\n", &values), "A=‹secret A›");
    assert_eq!(shown("A=old", "A={A}\n", &values), "A=‹another secret A›");
    assert_eq!(shown("", "A={A}\n", &values), "");
    assert_eq!(shown("x", "A={A}\n", &values), "‹hidden line›");
}

#[test]
fn secrets_of_several_lines_are_one_mark() {
    let key = "-----BEGIN-----\nMIIE\nvQIB\n-----END-----";
    let values = values(&[("KEY", key), ("WITH_BREAK", "one\ntwo\n")]);
    let old = "-----BEGIN-----\nother\nlines\nand one more\n-----END-----";
    let whole = "{KEY}\n";
    assert_eq!(shown(&format!("{key}\n"), whole, &values), "‹secret KEY›\n");
    assert_eq!(shown(key, whole, &values), "‹secret KEY›");
    assert_eq!(shown(&format!("{old}\n"), whole, &values), "‹another secret KEY›\n");
    assert_eq!(shown(old, whole, &values), "‹another secret KEY›");
    let within = "a\nkey={KEY}\nb\n";
    assert_eq!(shown(&format!("a\nkey={key}\nb\n"), within, &values), "a\nkey=‹secret KEY›\nb\n");
    assert_eq!(shown(&format!("a\nkey={old}\nb\n"), within, &values), "a\nkey=‹another secret KEY›\nb\n");
    let apart = "a\n{KEY}\nb\n{WITH_BREAK}c\n";
    assert_eq!(
        shown(&format!("a\n{old}\nb\none\ntwo\nc\n"), apart, &values),
        "a\n‹another secret KEY›\nb\n‹secret WITH_BREAK›c\n"
    );
    // Something that was added by hand after the key is not part of it, as far as can be told.
    assert_eq!(
        shown(&format!("a\nkey={key}\nadded\n"), within, &values),
        "a\nkey=‹secret KEY›\n‹hidden line›\n"
    );
}

#[test]
fn hostile_lines_take_no_time() {
    let values = values(&[("A", "a"), ("B", "b"), ("C", "c"), ("D", "d"), ("E", "e")]);
    let began = std::time::Instant::now();
    let old = "a".repeat(60_000);
    shown(&old, "x{A}a{B}a{C}a{D}a{E}ay\n{A}a{B}a{C}a{D}ab\n", &values);
    let old = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n".repeat(1000);
    shown(&old, &"{A}a{B}a{C}a{D}a{E}ab\n".repeat(100), &values);
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn value(&mut self, letters: &[char], lines: usize) -> String {
        let line = |random: &mut Self| -> String {
            let length = 4 + random.below(10);
            (0..length).map(|_| letters[random.below(letters.len())]).collect()
        };
        (0..=self.below(lines)).map(|_| line(self)).collect::<Vec<_>>().join("\n")
    }
}

/// Whatever a file held, and whatever was done to it since: no part of a secret, old or new, is ever shown.
#[test]
fn no_part_of_a_secret_is_ever_shown() {
    // Letters that stand in no literal part and no mark, so that whatever is found came from a value; few of them,
    // so that values resemble each other.
    let letters: Vec<char> = "XYZ#;'\"$%\\9".chars().collect();
    let literals = ["a = ", "b:", "", " ", "\n", "\n\n", "c\n", "</key>\n", "\nport = 80\n", "\u{e4}"];
    let mut random = Random(7);
    let mut recognised = 0;
    for _ in 0..4000 {
        let mut desired = Text::default();
        let (mut new, mut old) = (LateValues::default(), LateValues::default());
        let mut all = Vec::new();
        for index in 0..1 + random.below(8) {
            desired.push_str(literals[random.below(literals.len())]);
            if random.below(2) == 0 {
                let late = secret(&format!("s{}", index % 3));
                if new.get(&late).is_none() {
                    let value = random.value(&letters, 4);
                    let before = if random.below(3) == 0 { value.clone() } else { random.value(&letters, 4) };
                    all.extend([value.clone(), before.clone()]);
                    new.insert(late.clone(), value);
                    old.insert(late.clone(), before);
                }
                desired.push_late(late);
            }
        }
        if all.is_empty() {
            continue;
        }
        // The file as an earlier run left it, perhaps edited since.
        let mut file: Vec<char> = desired.resolve(&old).unwrap().chars().collect();
        for _ in 0..random.below(4) {
            let at = random.below(file.len() + 1);
            match random.below(3) {
                0 => file.insert(at, '\n'),
                1 if at < file.len() => drop(file.remove(at)),
                _ => drop(file.splice(at..at, all[random.below(all.len())].chars()).collect::<Vec<_>>()),
            }
        }
        let file: String = file.into_iter().collect();
        let OldContent::Text(shown) =
            old_content(file.as_bytes(), Some(&desired), &new, random.below(2) == 0)
        else {
            panic!("{file:?} is text");
        };
        recognised += usize::from(shown.contains("another secret"));
        for value in &all {
            let leaked = value.chars().find(|letter| *letter != '\n' && shown.contains(*letter));
            assert_eq!(leaked, None, "of {value:?} in {file:?} there is shown {shown:?}");
        }
    }
    assert!(recognised > 500, "only {recognised} were recognised, so little was tested");
}

/// A file that is as it should be is shown as the desired text is.
#[test]
fn what_is_as_it_should_be_is_shown_as_the_plan_shows_it() {
    let mut random = Random(11);
    let letters: Vec<char> = "XYZ".chars().collect();
    for _ in 0..2000 {
        let mut values = LateValues::default();
        let mut desired = Text::default();
        for index in 0..1 + random.below(6) {
            // Each line is told by its number, as lines that are alike are told by their order only.
            desired.push_str(&format!("{index}="));
            let late = secret(&format!("s{index}"));
            values.insert(late.clone(), random.value(&letters, 3));
            desired.push_late(late);
            desired.push_str("\n");
        }
        let file = desired.resolve(&values).unwrap();
        assert_eq!(
            old_content(file.as_bytes(), Some(&desired), &values, true),
            OldContent::Text(desired.to_string())
        );
    }
}
