//! Tests: no field of a resource is passed over where it is shown. Conflicts, `explain` and `plan diff` go over attributes:
//! what is not among them differs without a word.

#![cfg(feature = "build")]

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::content::Content;
use crate::hash::Hash;
use crate::name::{AbsolutePath, AccountName, Mode, PackageName, UnitName, Version};

/// Each resource with something in each of its fields: one that is added does not compile until it is given here.
fn samples() -> Vec<Resource> {
    let path = |path: &str| AbsolutePath::parse(path).unwrap();
    let account = |name: &str| AccountName::parse(name).unwrap();
    let unit = UnitName::parse("app.service").unwrap();
    let content = || Content::Blob { hash: Hash::of(b"x"), length: 1 };
    let why = || Some("meant".to_owned());
    vec![
        absent::Absent { path: path("/a") }.into(),
        apt_package::AptPackage {
            package: PackageName::parse("nginx").unwrap(),
            state: apt_package::PackageState::AtLeast(Version::parse("1.2").unwrap()),
        }
        .into(),
        command::Command {
            name: "make".into(),
            script: Text::from("make"),
            creates: Some(path("/made")),
            unless: Some("false".into()),
            only_if: Some("true".into()),
            user: Some(account("app")),
            directory: Some(path("/srv")),
            timeout: 60,
            changes: Some(vec![path("/a"), path("/b")]),
            exposed: why(),
        }
        .into(),
        directory::Directory {
            path: path("/a"),
            owner: account("app"),
            group: account("web"),
            mode: Mode::FILE,
        }
        .into(),
        file::File {
            path: path("/a"),
            content: content(),
            owner: account("app"),
            group: account("web"),
            mode: Mode::FILE,
            validate: Some("test {}".into()),
            exposed: why(),
            format: Some(crate::format::Format::Unchecked),
        }
        .into(),
        group::Group { group: account("web"), present: true, system: true, gid: Some(7) }.into(),
        hostname::Hostname::parse("web1").unwrap().into(),
        link::Link { path: path("/a"), target: "b".into() }.into(),
        service::Service {
            unit: unit.clone(),
            enabled: Some(true),
            running: Some(true),
            masked: Some(false),
            settled_for: Some(5),
        }
        .into(),
        unit::Unit { unit, path: path("/a"), content: content(), mode: Mode::FILE, exposed: why() }.into(),
        user::User {
            user: account("app"),
            present: true,
            system: true,
            uid: Some(7),
            group: Some(account("web")),
            groups: vec![account("adm"), account("ssl")],
            home: Some(path("/srv")),
            shell: Some(path("/bin/sh")),
            comment: Some("App".into()),
        }
        .into(),
    ]
}

/// A value with one thing in it changed or left out, in every way.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => panic!("a sample has something in each field"),
        Value::Bool(is) => vec![Value::Bool(!is), Value::Null],
        Value::Number(number) => vec![Value::from(number.as_u64().unwrap() ^ 1), Value::Null],
        Value::String(text) => vec![Value::String(format!("{text}x")), Value::Null],
        Value::Array(all) => {
            // Of a hash only the beginning is shown.
            let bytes = all.len() == 32;
            let mut found = Vec::new();
            for at in 0..if bytes { 1 } else { all.len() } {
                found.extend(others(&all[at]).into_iter().map(|other| {
                    let mut all = all.clone();
                    all[at] = other;
                    Value::Array(all)
                }));
            }
            found.push(Value::Array(all[1..].to_vec()));
            found
        }
        Value::Object(fields) => {
            let mut found = Vec::new();
            for (name, value) in fields {
                found.extend(others(value).into_iter().chain([Value::Null]).map(|other| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), other);
                    Value::Object(fields)
                }));
            }
            found
        }
    }
}

/// All that is shown of a resource.
fn shown(resource: &Resource) -> String {
    let claims: Vec<_> = resource.facets().claims.iter().map(ToString::to_string).collect();
    format!("{resource} {claims:?} {:?}", resource.attributes())
}

#[test]
fn what_differs_is_shown() {
    let samples = samples();
    let kinds: BTreeSet<_> = samples.iter().map(Resource::kind).collect();
    assert_eq!(kinds, Resource::KINDS.iter().copied().collect(), "each resource has a sample");
    for sample in samples {
        let whole = serde_json::to_value(&sample).unwrap();
        let mut tried = 0;
        for other in others(&whole) {
            // Some changes make no sense, such as no mode.
            let Ok(other) = serde_json::from_value::<Resource>(other) else { continue };
            if other != sample {
                tried += 1;
                assert_ne!(shown(&other), shown(&sample), "{other:?} is shown like {sample:?}");
            }
        }
        let fields = whole.as_object().unwrap().values().next().unwrap().as_object().unwrap().len();
        assert!(tried >= fields, "{}: {tried} ways for {fields} fields", sample.kind());
    }
}
