use std::fmt::Write;

use super::*;

fn source(text: &str) -> Source {
    Source::of_text("f.yaml", text.to_owned())
}

/// A value in short: text in quotes, secrets with their tag.
fn show(node: &Node) -> String {
    let tag = node.tag.as_ref().map_or(String::new(), |tag| format!("{} ", tag.kind.name()));
    match &node.value {
        Value::Null if node.is_left_empty() => "nothing".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Text(value) => format!("{tag}{value:?}"),
        Value::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Map(map) => {
            let entries: Vec<String> =
                map.entries.iter().map(|(key, node)| format!("{}: {}", key.name, show(node))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// The value, without any problem.
fn good(text: &str) -> String {
    let (node, diagnostics) = parse(&source(text));
    assert_eq!(diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>(), [""; 0], "{text:?}");
    show(&node.unwrap())
}

/// All problems in short: place, code, message, label, related, help.
fn bad(text: &str) -> String {
    let mut all = String::new();
    for diagnostic in parse(&source(text)).1.iter() {
        let note = diagnostic.primary.as_ref().unwrap();
        let (line, column, length) = (note.place.line, note.place.column, note.place.length);
        write!(all, "{line}:{column}+{length} {} {} ({})", diagnostic.code, diagnostic.message, note.label)
            .unwrap();
        for related in &diagnostic.related {
            write!(all, "; {}:{} {}", related.place.line, related.place.column, related.label).unwrap();
        }
        for help in &diagnostic.help {
            write!(all, "; help: {help}").unwrap();
        }
        all.push('\n');
    }
    all
}

#[test]
fn values_have_the_meaning_of_yaml_1_2() {
    for (text, value) in [
        ("", "nothing"),
        ("# only a comment\n", "nothing"),
        ("---\na: 1\n...\n", "{a: 1}"),
        (
            "a: no\nb: on\nc: 0644\nd: 1_000\ne: 0o644\n",
            r#"{a: "no", b: "on", c: "0644", d: "1_000", e: 420}"#,
        ),
        ("a: '1'\nb: \"true\"\nc: !!str 5\nd: ! 5\n", r#"{a: "1", b: "true", c: "5", d: "5"}"#),
        ("a: 1.10\nb: .5\nc: !!float 3\nd: !!int 4", "{a: 1.1, b: 0.5, c: 3.0, d: 4}"),
        ("a:\nb: ~\nc: null\n", "{a: nothing, b: null, c: null}"),
        ("- \n- a\n", r#"[nothing, "a"]"#),
        ("a: |\n  x\n  y\nb: >\n  x\n  y\n", r#"{a: "x\ny\n", b: "x y\n"}"#),
        (
            "a: !env FOO\nb: !file 'a b'\nc: !command \"pass x\"\nd: !sops f#k\ne: !age f\n",
            r#"{a: !env "FOO", b: !file "a b", c: !command "pass x", d: !sops "f#k", e: !age "f"}"#,
        ),
        ("1: a\n2.50: b\ntrue: c\n", r#"{1: "a", 2.50: "b", true: "c"}"#),
        ("wörld: ü\n日本: 語\n", r#"{wörld: "ü", 日本: "語"}"#),
        ("a: two\n  lines\n", r#"{a: "two lines"}"#),
    ] {
        assert_eq!(good(text), value, "{text:?}");
    }
}

#[test]
fn json_is_yaml() {
    let json = "{\"environment\": \"dev\",\n\t\"servers\": [\n\t\t{\"name\": \"a\\u00e4\\/\", \"port\": 22, \"ip\": null, \"f\": 1e3}\n\t]}";
    assert_eq!(
        good(json),
        r#"{environment: "dev", servers: [{name: "aä/", port: 22, ip: null, f: 1000.0}]}"#
    );
    assert_eq!(good("\u{feff}{\"a\": []}\r\n"), "{a: []}");
}

#[test]
fn aliases_repeat_and_merges_give_way_to_own_keys() {
    assert_eq!(good("a: &x {k: 1}\nb: *x\n"), "{a: {k: 1}, b: {k: 1}}");
    assert_eq!(good("d: &d {k: 1, l: 2}\na:\n  <<: *d\n  k: 3\n"), "{d: {k: 1, l: 2}, a: {k: 3, l: 2}}");
    assert_eq!(
        good("d: &d {k: 1}\ne: &e {k: 2, l: 3}\na: {<<: [*d, *e]}\n"),
        "{d: {k: 1}, e: {k: 2, l: 3}, a: {k: 1, l: 3}}"
    );
    assert_eq!(good("a: {\"<<\": 1}"), "{a: {<<: 1}}");
}

#[test]
fn merged_values_know_where_they_stand_and_who_uses_them() {
    let (node, _) = parse(&source("d: &d\n  k: 1\na:\n  <<: *d\n"));
    let Some(Node { value: Value::Map(top), .. }) = node else { panic!("no mapping") };
    let Value::Map(a) = &top.get("a").unwrap().value else { panic!("no mapping") };
    let (key, value) = a.entry("k").unwrap();
    assert_eq!(key.place, Place::new("f.yaml", 2, 3, 1));
    assert_eq!(value.place, Place::new("f.yaml", 2, 6, 1));
    assert_eq!(value.used, Some(Place::new("f.yaml", 4, 7, 2)));
}

#[test]
fn numbers_keep_their_spelling() {
    let (node, _) = parse(&source("[1.10, 0x1F, +7, true, ~]"));
    let Some(Node { value: Value::List(items), .. }) = node else { panic!("no list") };
    let spellings: Vec<Option<&str>> = items.iter().map(|item| item.spelling.as_deref()).collect();
    assert_eq!(spellings, [Some("1.10"), Some("0x1F"), Some("+7"), Some("true"), Some("~")]);
}

#[test]
fn every_value_has_its_place() {
    let text = "a: xyz # c\nb: [1, {c: 22}]\nd:\n  e: !env FOO\n  f:\n  - g\nh: |\n  text\n";
    let (node, _) = parse(&source(text));
    let mut found = String::new();
    fn walk(name: &str, node: &Node, found: &mut String) {
        writeln!(found, "{name} {}:{}+{}", node.place.line, node.place.column, node.place.length).unwrap();
        match &node.value {
            Value::List(items) => items.iter().for_each(|item| walk("-", item, found)),
            Value::Map(map) => map.entries.iter().for_each(|(key, node)| walk(&key.name, node, found)),
            _ => {}
        }
    }
    walk("top", &node.unwrap(), &mut found);
    assert_eq!(
        found,
        "top 1:1+1\na 1:4+3\nb 2:4+12\n- 2:5+1\n- 2:8+7\nc 2:12+2\nd 4:3+1\ne 4:6+8\nf 6:5+1\n- 6:5+1\nh 8:3+4\n"
    );
}

#[test]
fn what_is_no_yaml_is_said_in_words() {
    for (text, problem) in [
        ("a:\n\tb: 1\n", "2:1+1 P0103 a tab cannot indent YAML (this tab); help: indent with spaces\n"),
        ("a: x\n\tb: 1\n", "2:1+1 P0103 a tab cannot indent YAML (this tab); help: indent with spaces\n"),
        (
            "a: b: c\n",
            "1:5+1 P0103 a value contains `: ` (a second `:` in this line); help: quote the value: `key: \"text: with a colon\"`\n",
        ),
        (
            "a: 1\n b: 2\n",
            "2:3+1 P0103 a key stands where none can be (not at the indentation of the keys above); help: give keys of one \
             mapping the same indentation\n",
        ),
        (
            "a: \"x\nb: 1\n",
            "1:4+2 P0103 a quote is not closed (opened here); help: close it with the same quote\n",
        ),
        ("a: 'x\n", "1:4+2 P0103 a quote is not closed (opened here); help: close it with the same quote\n"),
        (
            "x: [1, 2\ny: 3\n",
            "1:4+1 P0103 `[` is not closed, or a comma is missing after it (opened here); 2:2 cannot be part of it; help: add \
             the closing bracket, or the comma\n",
        ),
        (
            "a: {b: [1, 2]\nc: 3\nd: {e: f}\n",
            "1:4+1 P0103 `{` is not closed, or a comma is missing after it (opened here); 2:1 cannot be part of it; help: add the \
             closing bracket, or the comma\n",
        ),
        (
            "a: [\n- x\n",
            "1:4+1 P0103 `[` is not closed, or a comma is missing after it (opened here); 2:1 cannot be part of it; help: add the \
             closing bracket, or the comma\n",
        ),
        ("a: {b: 1\n", "1:4+1 P0103 `{` is not closed (opened here); help: add the closing bracket\n"),
        (
            "a: ]\n",
            "1:4+1 P0103 a bracket closes nothing (closes nothing); help: remove it, or quote the value\n",
        ),
        ("a: @b\n", "1:4+1 P0103 a value cannot begin with `@` (not expected here); help: quote the value\n"),
        ("a: %b\n", "1:4+1 P0103 a value cannot begin with `%` (not expected here); help: quote the value\n"),
        (
            "k: \"x\" y\n",
            "1:8+1 P0103 text follows a closing quote (not part of the quoted text); help: quote all of the value, or write \
             inner quotes as `\\\"` within `\"`, as `''` within `'`\n",
        ),
        (
            "k: \"\\q\"\n",
            "1:4+4 P0103 an escape that YAML does not have (this escape); help: write a backslash as `\\\\`, or use single \
             quotes, which know no escapes\n",
        ),
        (
            "key: value\nother\nb: 1\n",
            "2:1+5 P0103 expected `key: value` (no `:` after this); help: add the value, or a `#` before a comment\n",
        ),
        (
            "- a\nb: c\n",
            "2:1+1 P0103 the indentation is wrong (fits none of the lines above); help: give keys of one mapping, and dashes of \
             one list, the same indentation\n",
        ),
        (
            "a: -\n",
            "1:4+1 P0103 a list item stands where none can be (this dash); help: begin a list in a line of its own\n",
        ),
        (
            "a: *\n",
            "1:4+1 P0103 `*` and `&` need a name (no name follows); help: quote the value if the character belongs to it\n",
        ),
        (
            "a: *b\n",
            "1:4+2 P0103 nothing is named `&b` (unknown alias); help: define it above, or quote the value\n",
        ),
        (
            "a: &a [*a]\n",
            "1:8+2 P0103 a value contains itself (inside of what it names); help: an alias repeats what stands above it; it \
             cannot stand inside of it\n",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "2:1+3 P0103 a second document in one file (begins here); help: remove the `---`, or use a file for each document\n",
        ),
        (
            "a: 1\n  - b\n",
            "2:3+1 P0103 a list item would be read as text (continues the text above); 1:4 this text; help: begin the list in \
             the line after its key, or quote the text\n",
        ),
        (
            "a: !x!y z\n",
            "1:4+4 P0105 unknown tag (not a tag of Paracrine); help: the tags are `!env`, `!file`, `!command`, `!sops` and `!age`\n",
        ),
    ] {
        assert_eq!(bad(text), problem, "{text:?}");
    }
}

#[test]
fn what_yaml_allows_and_we_do_not_is_said_and_the_rest_is_read() {
    for (text, problem) in [
        (
            "a: 1\nb: 2\na: 3\n",
            "3:1+1 P0104 key `a` stands twice (again here); 1:1 first here; help: remove one of them\n",
        ),
        (
            "d: &d {}\na:\n  <<: *d\n  <<: *d\n",
            "4:3+2 P0104 key `<<` stands twice (again here); 3:3 first here; help: merge several in one: `<<: [*first, *second]`\n",
        ),
        (
            "a: !evn X\n",
            "1:4+4 P0105 unknown tag `!evn` (not a tag of Paracrine); help: did you mean `!env`?\n",
        ),
        (
            "a: !secret X\nb: !!binary aa\n",
            "1:4+7 P0105 unknown tag `!secret` (not a tag of Paracrine); help: the tags are `!env`, `!file`, `!command`, `!sops` \
             and `!age`\n2:4+8 P0105 unknown tag `!!binary` (not a tag of Paracrine); help: the tags are `!env`, `!file`, \
             `!command`, `!sops` and `!age`\n",
        ),
        (
            "a: !env [X]\nb: !file {}\n",
            "1:4+4 P0105 tag `!env` on a list (a secret is one text); help: write the name of an environment variable after it\n\
             2:4+5 P0105 tag `!file` on a mapping (a secret is one text); help: write the path of a file after it\n",
        ),
        (
            "!env a: b\n",
            "1:1+4 P0105 tag `!env` on a key (keys have no tags); help: put the tag before the value\n",
        ),
        (
            "a: !env\n",
            "1:4+4 P0113 `!env` names nothing (nothing follows); help: write the name of an environment variable after it\n",
        ),
        (
            "a: !env ''\n",
            "1:4+4 P0113 `!env` names nothing (nothing follows); help: write the name of an environment variable after it\n",
        ),
        (
            "a: !env A-B\n",
            "1:4+4 P0302 `!env` wants the name of an environment variable (of this secret); help: `A-B` is not one\n",
        ),
        ("a: !sops f\n", "1:4+5 P0302 `!sops` wants `file#key` (of this secret); help: `f` is not one\n"),
        (
            "a: !!int x\n",
            "1:4+7 P0112 tag `!!int` does not fit its value (not of that type); help: remove the tag\n",
        ),
        (
            "a: 9223372036854775808\n",
            "1:4+19 P0112 number `9223372036854775808` does not fit 64 bits (too large); help: quote it if it is text\n",
        ),
        ("? [a]\n: b\n", "1:3+1 P0112 a key is not text (not text); help: write a text as key\n"),
        (": b\n", "1:1+0 P0113 a key is empty (no key here); help: write the key\n"),
        (
            "a:\n  <<: 5\n",
            "2:7+1 P0112 `<<` wants a mapping (not a mapping); help: merge a mapping, or a list of mappings: `<<: *defaults`\n",
        ),
    ] {
        assert_eq!(bad(text), problem, "{text:?}");
        assert!(parse(&source(text)).0.is_some(), "{text:?}");
    }
}

#[test]
fn aliases_do_not_multiply_beyond_bounds() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (this, last) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        writeln!(bomb, "{this}: &{this} [{}]", vec![format!("*{last}"); 9].join(", ")).unwrap();
    }
    let problem = bad(&bomb);
    assert!(problem.contains("P0106 aliases multiply beyond bounds (too much at this alias)"), "{problem}");
    let mut deep = "a0: &a0 [x]\n".to_owned();
    for level in 1..200 {
        writeln!(deep, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    assert!(bad(&deep).contains("P0106"), "{}", bad(&deep));
    // Many hosts that merge the same defaults are no bomb.
    let mut hosts = "d: &d {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6}\nhosts:\n".to_owned();
    for host in 0..5_000 {
        writeln!(hosts, "- {{<<: *d, n: {host}}}").unwrap();
    }
    assert_eq!(bad(&hosts), "");
}

#[test]
fn nesting_has_an_end() {
    let problem = bad(&"[".repeat(100_000));
    assert!(problem.contains("P0103 nested too deeply"), "{problem}");
    let blocks: String = (0..2_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert!(bad(&blocks).contains("P0103 nested too deeply"));
}

/// Numbers that look random and are the same in each run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// A text with a few random edits.
pub(crate) fn mutated(text: &str, random: &mut Random) -> Vec<u8> {
    let pieces = [
        "\t",
        "\r",
        "\r\n",
        "\u{feff}",
        "*a",
        "&a ",
        "<<: *a\n",
        "!env ",
        "!!int ",
        "{",
        "}",
        "[",
        "]",
        "- ",
        ": ",
        "? ",
        "|\n",
        "\"",
        "'",
        "#",
        "---\n",
        "...",
        "%TAG ! x\n",
        "ü",
        "🦀",
        "\u{0}",
        "\\",
        "\u{2028}",
        "null",
        "~",
        "\n\n",
        "  ",
        "99999999999999999999",
        ">-",
        "@",
        "`",
        ",",
        "-",
        "!<x>",
        "\u{85}",
        "'\\u0000'",
        "\"\\ud800\"",
    ];
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        match random.below(5) {
            0 => {
                let end = (at + random.below(8)).min(bytes.len());
                bytes.drain(at..end);
            }
            1 => {
                let from = random.below(bytes.len() + 1);
                let end = (from + random.below(30)).min(bytes.len());
                let copy = bytes[from..end].to_vec();
                bytes.splice(at..at, copy);
            }
            2 => bytes.insert(at, random.below(256) as u8),
            _ => {
                bytes.splice(at..at, pieces[random.below(pieces.len())].bytes());
            }
        }
    }
    bytes
}

#[test]
fn no_input_panics_and_every_place_is_in_the_text() {
    let seeds = [
        "a: &a {b: 1}\nc: *a\nd: [1, 'x', \"y\\n\"]\ne:\n  <<: *a\n  f: !env G\n  h: |\n    t\n",
        "{\"a\": [1, 2, {\"b\": null}], \"c\": \"d\"}",
        "- a\n- b: c\n  d: >-\n    e\n- !file x\n- ? k\n  : v\n",
    ];
    let mut random = Random(42);
    for round in 0..6_000 {
        let bytes = mutated(seeds[round % seeds.len()], &mut random);
        let Ok(source) = Source::new("f.yaml", bytes.clone()) else {
            continue;
        };
        let (_, diagnostics) = parse(&source);
        for diagnostic in diagnostics.iter() {
            for note in diagnostic.primary.iter().chain(&diagnostic.related) {
                let Place { line, column, length, .. } = note.place;
                let text = source.line(line).unwrap_or_default();
                let last = text.chars().count() as u32 + 1;
                let inside = line >= 1 && column >= 1 && column + length <= last.max(column);
                // After a final line break there is a line without text.
                assert!(inside && line <= source.line_count() + 1, "{diagnostic} in {:?}", source.text());
            }
        }
    }
}
