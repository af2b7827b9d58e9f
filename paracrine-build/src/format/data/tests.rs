use paracrine_model::deployment::Os;
use paracrine_model::diagnostic::Severity;

use super::*;

/// What is said of a file: the line and message of each finding, of warnings with a `~` before it.
fn said(path: &str, text: &str) -> Vec<String> {
    let Some(sort) = reads(path) else { return vec!["nobody reads it".into()] };
    said_of(sort, text)
}

fn said_of(sort: Sort, text: &str) -> Vec<String> {
    let findings = look(text, At { path: "", sort, os: Os::Debian12 }).findings;
    let mark = |severity| if severity == Severity::Error { "" } else { "~" };
    let said = |finding: Finding| {
        format!("{}{}: {}", mark(finding.severity), finding.line.unwrap_or_default(), finding.message)
    };
    findings.into_iter().map(said).collect()
}

#[test]
fn json_that_does_not_parse_is_told_at_its_line() {
    for (text, message) in [
        ("{\"a\": 1,}", "1: this is no JSON: trailing comma"),
        ("{\n  \"a\": 1,\n  \"b\": 2,\n}\n", "3: this is no JSON: trailing comma"),
        ("[1, 2,\n]\n", "1: this is no JSON: trailing comma"),
        ("{\n  \"a\": 1\n  \"b\": 2\n}\n", "2: this is no JSON: expected `,` or `}`"),
        ("{\n  \"a\": [1 2]\n}\n", "2: this is no JSON: expected `,` or `]`"),
        ("{\n  a: 1\n}\n", "2: this is no JSON: key must be a string"),
        ("{\n  'a': 1\n}\n", "2: this is no JSON: key must be a string"),
        ("{\n  \"a\": 'x'\n}\n", "2: this is no JSON: expected value"),
        ("{\n  \"a\": True\n}\n", "2: this is no JSON: expected value"),
        ("{\n  \"a\" 1\n}\n", "2: this is no JSON: expected `:`"),
        ("{\n  \"a\": 1\n", "2: this is no JSON: EOF while parsing an object"),
        (
            "{\"a\": \"x\n\"}",
            "1: this is no JSON: control character (\\u0000-\\u001F) found while parsing a string",
        ),
        ("{\"a\": 1}}", "1: this is no JSON: trailing characters"),
        ("{\"a\": 01}", "1: this is no JSON: invalid number"),
        ("plain words", "1: this is no JSON: expected value"),
        ("# x\n{}\n", "1: this is no JSON: expected value"),
        ("{\n  \"a\": 1, // x\n  \"b\": 2\n}\n", "~2: JSON has no comments"),
        ("/* x */\n{}\n", "~1: JSON has no comments"),
        ("{\"a\": 1, \"a\": 2}", "~1: the key `a` stands twice"),
        ("\u{feff}{}", "~1: the file begins with a byte order mark, which most readers of JSON refuse"),
    ] {
        assert_eq!(said("/etc/x.json", text), [message], "{text}");
    }
}

#[test]
fn json_is_good() {
    for text in [
        "{}",
        "[]",
        "null\n",
        "\"x\"",
        "-1.5e10",
        "{\"a\": {\"b\": [1, true, null, \"\\u00e4 // x\"]}}\n",
        "",
        "\n",
        // Lines of which each is JSON.
        "{\"a\": 1}\n{\"a\": 2}\n",
        // A template of another engine.
        "{{ .Values | toJson }}",
        "{ \"a\": {{ x }} }",
    ] {
        assert_eq!(said("/etc/x.json", text), [""; 0], "{text}");
    }
}

#[test]
fn json_whose_reader_takes_more_is_good() {
    let text = "// x\n{\n  /* y */ \"a\": [1, 2,], // \"z\n  \"b\": \"//\",\n}\n";
    for path in [
        "/srv/app/tsconfig.json",
        "/srv/app/tsconfig.build.json",
        "/home/ann/.vscode/settings.json",
        "/home/ann/.config/Code/User/settings.json",
        "/etc/chromium/policies/managed/x.json",
        "/srv/x.jsonc",
    ] {
        assert_eq!(said(path, text), [""; 0], "{path}");
    }
    assert_eq!(
        said("/srv/app/tsconfig.json", "{\n  \"a\": 1\n  \"b\": 2\n}\n"),
        ["2: this is no JSON: expected `,` or `}`"]
    );
    assert_eq!(said("/srv/x.jsonl", "{}\n\n[1]\n"), [""; 0]);
    assert_eq!(said("/srv/x.ndjson", "{}\n{\n"), ["2: this line is no JSON: EOF while parsing an object"]);
}

#[test]
fn late_values_in_json_are_numbers_or_parts_of_texts() {
    for text in [
        "{\"a\": \u{fdd0}}",
        "{\"a\": \"\u{fdd0}\", \"b\": [\u{fdd0}, \u{fdd0}]}",
        "\u{fdd0}",
        "{\"a\": \u{fdd0}\u{fdd0}\n}",
        // What it will be, nobody knows.
        "{\u{fdd0}}",
        "{\"a\": 1 \u{fdd0}}",
        "{\"a\": 1, \u{fdd0}",
    ] {
        assert_eq!(said("/etc/x.json", text), [""; 0], "{text}");
    }
    assert_eq!(
        said("/etc/x.json", "{\n  \"a\": \u{fdd0}\n  \"b\": 2\n}"),
        ["2: this is no JSON: expected `,` or `}`"]
    );
    assert_eq!(said("/etc/x.json", "{\"a\": \"\u{fdd0}\",}"), ["1: this is no JSON: trailing comma"]);
}

#[test]
fn toml_that_does_not_parse_is_told_at_its_line() {
    for (text, line) in [
        ("a = \n", 1),
        ("[x\n", 1),
        ("[x]\na = 1\na = 2\n", 3),
        ("[x]\n[x]\n", 2),
        ("a = 'x\n", 1),
        ("a = yes\n", 1),
        ("a: 1\n", 1),
        ("x = 1\ny = [1, 2\nz = 3\n", 3),
        ("a = 1 2\n", 1),
        ("just words\n", 1),
    ] {
        let found = look(text, At { path: "", sort: TOML, os: Os::Debian12 }).findings;
        let lines: Vec<_> = found.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [Some(line)], "{text}: {:?}", found.first().map(|finding| &finding.message));
        assert!(found[0].message.starts_with("this is no TOML: "), "{}", found[0].message);
    }
}

#[test]
fn toml_is_good() {
    for text in [
        "",
        "a = 1\n[b]\nc = [\n  1, # x\n  2,\n]\n[[d]]\ne = { f = \"g\" }\n",
        "a = \u{fdd0}\nb = \"\u{fdd0}\"\nc = [\u{fdd0}, 1]\n# \u{fdd0}\nd = '''\n\u{fdd0} = x\n'''\n",
        "\u{fdd0}\n",
        "a = 1\n\u{fdd0}\n",
        "\u{feff}a = 1\n",
        "a = 1979-05-27T07:32:00Z\n",
    ] {
        assert_eq!(said("/etc/x.toml", text), [""; 0], "{text}");
    }
}

#[test]
fn yaml_that_does_not_parse_is_told_at_its_line() {
    for (text, line) in [
        ("a: b: c\n", 1),
        ("a: [1, 2\nb: 3\n", 1),
        ("a: \"x\nb: 1\n", 2),
        ("a:\n  b: 1\n c: 2\n", 3),
        ("a:\n\t- b\n", 2),
        ("- a\nb: 1\n", 2),
        ("a: *nobody\n", 1),
    ] {
        let found = look(text, At { path: "", sort: YAML, os: Os::Debian12 }).findings;
        assert!(found.len() == 1 && found[0].message.starts_with("this is no YAML: "), "{text}");
        assert!(found[0].line.is_some_and(|found| found.abs_diff(line) <= 1), "{text}: {:?}", found[0].line);
    }
}

#[test]
fn yaml_is_good() {
    for text in [
        "",
        "---\na: 1\n---\nb: 2\n...\n",
        "a: !vault |\n  x\nb: !Ref c\nc: !reference [a, b]\n",
        "a: &x {b: 1}\nc:\n  <<: *x\n  d: yes\n",
        "{\"a\": [1, 2]}\n",
        "\u{feff}a: 1\n",
        "a: \u{fdd0}\nb: \"\u{fdd0}\"\nc: [\u{fdd0}]\n\u{fdd0}: d\n",
        "a: 1\n\u{fdd0}\n",
        "a: {{ .Values.x }}\n{{- if .y }}\nb: 1\n{{- end }}\n",
        "{% for x in y %}\n- {{ x }}\n{% endfor %}\n",
        "a: |\n  b\n   c\n  \td\n",
        "? a\n: b\n",
        "on: [push]\njobs:\n  a:\n    steps:\n      - run: echo ${{ x }}\n",
    ] {
        assert_eq!(said("/etc/x.yaml", text), [""; 0], "{text}");
        assert_eq!(said("/etc/x.yml", text), [""; 0], "{text}");
    }
}

#[test]
fn ini_is_looked_at_where_it_is_declared() {
    assert_eq!(said("/etc/x.ini", "x"), ["nobody reads it"]);
    let good = "; x\n# y\nglobal = 1\n[a]\nb = c\n  continued here\nskip-networking\nd: e\n\u{fdd0} f g\n[x \"y\"] ; z\n";
    assert_eq!(said_of(INI, good), [""; 0]);
    assert_eq!(said_of(INI, "[a\nb = c\n"), ["1: `[a` is no section: its `]` is missing"]);
    assert_eq!(said_of(INI, "[a]\nb c d\n"), ["2: `b c d` is neither a section nor a key with a value"]);
}
