use std::fmt::Write;

use super::*;
use crate::source::Source;
use crate::yaml;

/// The type of values in short, and the problems.
fn unified(texts: &[&str], missing: Missing) -> (String, Vec<String>) {
    let maps: Vec<Map> = texts
        .iter()
        .map(|text| match yaml::parse(&Source::of_text("f.yaml", (*text).to_owned())).0.unwrap().value {
            Value::Map(map) => map,
            other => panic!("no mapping: {other:?}"),
        })
        .collect();
    let owners = ["dev", "prod", "test"];
    let members: Vec<Member<'_>> = maps
        .iter()
        .enumerate()
        .map(|(at, map)| Member {
            owner: owners[at].into(),
            place: Place::new("f.yaml", 90 + at as u32, 1, 1),
            map,
        })
        .collect();
    let mut diagnostics = Diagnostics::new();
    let fields = unify(&members, missing, &mut diagnostics);
    let problems = diagnostics.iter().map(|d| {
        let mut shown = d.to_string();
        for related in &d.related {
            write!(shown, "; {} {}", related.place, related.label).unwrap();
        }
        format!("{shown}; {}", d.help.join("; "))
    });
    (show_fields(&fields), problems.collect())
}

fn show_fields(fields: &Fields) -> String {
    let all: Vec<String> =
        fields.0.iter().map(|field| format!("{}: {}", field.name, show(&field.shape))).collect();
    all.join(", ")
}

fn show(shape: &Shape) -> String {
    match shape {
        Shape::Unknown => "?".to_owned(),
        Shape::Bool => "bool".to_owned(),
        Shape::Int => "int".to_owned(),
        Shape::Float => "float".to_owned(),
        Shape::Text => "text".to_owned(),
        Shape::Secret => "secret".to_owned(),
        Shape::List(item) => format!("[{}]", show(item)),
        Shape::Optional(some) => format!("{}?", show(some)),
        Shape::Struct(fields) => format!("{{{}}}", show_fields(fields)),
        Shape::Map(item) => format!("{{*: {}}}", show(item)),
    }
}

fn good(texts: &[&str], missing: Missing) -> String {
    let (shown, problems) = unified(texts, missing);
    assert_eq!(problems, [""; 0], "{texts:?}");
    shown
}

#[test]
fn types_are_those_that_fit_all() {
    for (texts, shape) in [
        (&["{A: 1, b-c: x, dE: true, f: !env X}"][..], "a: int, b_c: text, d_e: bool, f: secret"),
        (&["{a: 1}", "{a: 1.5}"], "a: float"),
        (&["{a: 1}", "{a: null}"], "a: int?"),
        (&["{a: null}", "{a: null}"], "a: ??"),
        (&["{a: []}", "{a: [1, 2]}"], "a: [int]"),
        (&["{a: []}", "{a: []}"], "a: [?]"),
        (&["{a: [1, null, 2.5]}"], "a: [float?]"),
        (&["{a: [[], [x]]}"], "a: [[text]]"),
        (&["{a: [!env X]}", "{a: [!file y]}"], "a: [secret]"),
        (&["{a: {b: 1, c: null}}", "{a: {b: 2, c: x}}"], "a: {b: int, c: text?}"),
        (&["{a: null}", "{a: {b: 2}}"], "a: {b: int}?"),
        (&["{a: [{b: 1}, {b: 2, c: x}]}", "{a: [{d: true}]}"], "a: [{b: int?, c: text?, d: bool?}]"),
    ] {
        assert_eq!(good(texts, Missing::Refused), shape, "{texts:?}");
    }
    assert_eq!(good(&["{a: 1}", "{b: x}", "{}"], Missing::Optional), "a: int?, b: text?");
    assert_eq!(good(&["{a: {x: 1}}", "{a: {y: 1}}"], Missing::Optional), "a: {x: int?, y: int?}");
}

#[test]
fn what_does_not_fit_is_refused_and_the_rest_has_its_type() {
    for (texts, shape, problem) in [
        (
            &["{a: 1, b: 2}", "{b: 2}"][..],
            "a: int, b: int",
            "f.yaml:91:1: error[P0201]: environment `prod` has no `a`; f.yaml:1:2 `dev` has it; add `a:` to it, or `a: null` to \
             make it optional",
        ),
        (
            &["{a: {b: 1, c: 2}}", "{a: {b: 1}}"],
            "a: {b: int, c: int}",
            "f.yaml:1:2: error[P0201]: environment `prod` has no `a.c`; f.yaml:1:12 `dev` has it; add `c:` to it, or `c: null` to \
             make it optional",
        ),
        (
            &["{a: 1}", "{a: '1'}"],
            "a: int",
            "f.yaml:1:5: error[P0202]: `a` is text in `prod`, but a whole number in `dev`; f.yaml:1:5 a whole number; remove the \
             quotes, or quote the other",
        ),
        (
            &["{a: x}", "{a: 1}", "{a: 2}"],
            "a: int",
            "f.yaml:1:5: error[P0202]: `a` is text in `dev`, but a whole number in `prod`; f.yaml:1:5 a whole number; remove the \
             quotes, or quote the other",
        ),
        (
            &["{PW: x}", "{PW: !env X}"],
            "pw: text",
            "f.yaml:1:6: error[P0202]: `PW` is a secret in `prod`, but text in `dev`; f.yaml:1:6 text; a secret is one \
             everywhere; tag the other, too: `!env PW`",
        ),
        (
            &["{PW: !env X}", "{PW: x}"],
            "pw: secret",
            "f.yaml:1:6: error[P0202]: `PW` is text in `prod`, but a secret in `dev`; f.yaml:1:6 a secret; a secret is one \
             everywhere; tag it: `!env PW` or `!file secrets/…`",
        ),
        (
            &["{a: [1]}", "{a: 1}"],
            "a: [int]",
            "f.yaml:1:5: error[P0202]: `a` is a whole number in `prod`, but a list in `dev`; f.yaml:1:5 a list; give it the same \
             type everywhere",
        ),
        (
            &["{a: [1, x]}"],
            "a: [int]",
            "f.yaml:1:9: error[P0202]: items of `a` are both a whole number and text; f.yaml:1:6 a whole number; remove the \
             quotes, or quote the other",
        ),
        (
            &["{APP_HOST: 1, appHost: 2}"],
            "app_host: int",
            "f.yaml:1:15: error[P0203]: `appHost` and `APP_HOST` both become `app_host` in Rust; f.yaml:1:2 becomes `app_host`, \
             too; rename one of them",
        ),
        (
            &["{type: 1}"],
            "",
            "f.yaml:1:2: error[P0204]: `type` cannot become a name in Rust; give it a longer name, such as `type_value`",
        ),
        (
            &["{SELF: 1}"],
            "",
            "f.yaml:1:2: error[P0204]: `SELF` cannot become a name in Rust; give it a longer name, such as `SELF_value`",
        ),
        (
            &["{2fa: 1}"],
            "",
            "f.yaml:1:2: error[P0204]: `2fa` cannot become a name in Rust; begin it with a letter",
        ),
        (
            &["{__: 1}"],
            "",
            "f.yaml:1:2: error[P0204]: `__` cannot become a name in Rust; begin it with a letter",
        ),
        (
            &["{a b: 1}"],
            "",
            "f.yaml:1:2: error[P0204]: `a b` cannot become a name in Rust; use letters of the English alphabet, digits, `_` and \
             `-`",
        ),
        (
            &["{größe: 1}"],
            "",
            "f.yaml:1:2: error[P0204]: `größe` cannot become a name in Rust; use letters of the English alphabet, digits, `_` \
             and `-`",
        ),
    ] {
        assert_eq!(
            unified(texts, Missing::Refused),
            (shape.to_owned(), vec![problem.to_owned()]),
            "{texts:?}"
        );
    }
}

#[test]
fn mappings_keyed_by_data_are_maps() {
    for (texts, shape) in [
        (vec!["S: { net.ipv4.ip_forward: 1, vm.swappiness: 10 }"], "s: {*: int}"),
        (vec!["S: { example.org: /srv/a, localhost: /srv/b }"], "s: {*: text}"),
        (
            vec!["S: { 10.0.0.0/8: { via: a }, 10.0.1.0/24: { via: b, metric: 1 } }"],
            "s: {*: {via: text, metric: int?}}",
        ),
        (vec!["S: { 80: http, 443: https }"], "s: {*: text}"),
        (vec!["S: { a.b: 1 }", "S: { c.d: 2.5 }"], "s: {*: float}"),
        (vec!["S: { a.b: 1 }", "S: {}"], "s: {*: int}"),
        (vec!["S: { a.b: !env X }", "S: { a.b: !env Y }"], "s: {*: secret}"),
        (vec!["S: { \"*.example.org\": 1, ann@example.org: null }"], "s: {*: int?}"),
    ] {
        assert_eq!(good(&texts, Missing::Refused), shape, "{texts:?}");
    }
}

#[test]
fn what_is_wrong_with_a_mapping_keyed_by_data_is_said_once() {
    let (_, problems) = unified(&["S: { a.b: 1, c.d: x }"], Missing::Refused);
    assert_eq!(
        problems,
        [
            "f.yaml:1:19: error[P0202]: values of `S` are both a whole number and text; f.yaml:1:11 a whole number; remove the quotes, or quote the other"
        ]
    );
    // A slip in a struct is no data.
    let (_, problems) = unified(&["S: { host: a, user: b, po.rt: c }"], Missing::Refused);
    assert_eq!(
        problems,
        [
            "f.yaml:1:24: error[P0204]: `po.rt` cannot become a name in Rust; use letters of the English alphabet, digits, `_` and `-`; a mapping whose keys are data has a key of its own, and no other keys: `settings: { \"po.rt\": … }`"
        ]
    );
}

#[test]
fn a_key_mistyped_in_one_environment_is_one_mistake() {
    let (shape, problems) = unified(&["WORKERS: 1", "WORKRES: 2"], Missing::Refused);
    assert_eq!(shape, "workers: int");
    assert_eq!(
        problems,
        [
            "f.yaml:1:1: error[P0201]: environment `prod` has `WORKRES` instead of `WORKERS`; f.yaml:1:1 `dev` has it; did you mean `WORKERS`?"
        ]
    );
    let (_, problems) = unified(&["WORKRES: 1", "WORKERS: 2", "WORKERS: 3"], Missing::Refused);
    assert_eq!(problems.len(), 1, "{problems:?}");
    // These are two things, of which each lacks one.
    let (_, problems) = unified(&["DISK1: 1", "DISK2: 2"], Missing::Refused);
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn items_of_common_lists_are_refused_once() {
    let source = Source::of_text("f.yaml", "L: [1, x]\n".to_owned());
    let Value::Map(map) = yaml::parse(&source).0.unwrap().value else { panic!("no mapping") };
    let member =
        |owner: &str| Member { owner: owner.into(), place: Place::new("f.yaml", 90, 1, 1), map: &map };
    let mut diagnostics = Diagnostics::new();
    unify(&[member("dev"), member("prod")], Missing::Refused, &mut diagnostics);
    let problems: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(problems, ["f.yaml:1:8: error[P0202]: items of `L` are both a whole number and text"]);
}
