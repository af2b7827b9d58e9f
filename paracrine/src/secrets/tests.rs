//! Secrets are had once, never shown, and missed with words that help.

use std::collections::BTreeSet;

use super::*;
use crate::testing::{Random, program};

fn source(name: &str, provider: Provider) -> SecretSource {
    SecretSource { name: name.into(), provider }
}

fn from_env(name: &str) -> SecretSource {
    source(name, Provider::Env(name.into()))
}

fn env(name: &str) -> Option<std::ffi::OsString> {
    match name {
        "TOKEN" => Some("p0ison-token\n".into()),
        "EMPTY" => Some("\n".into()),
        "LINES" => Some("one\ntwo\n\n".into()),
        "BYTES" => Some(std::os::unix::ffi::OsStringExt::from_vec(vec![0xff, 0xfe])),
        _ => None,
    }
}

fn providers(site: &std::path::Path) -> Providers {
    Providers { site: Some(site.to_owned()), env }
}

fn value(provider: Provider, site: &std::path::Path) -> Result<String, (String, String)> {
    let secret = source("S", provider);
    match resolve(BTreeSet::from([secret.clone()]), &providers(site)) {
        Ok(resolved) => Ok(resolved.0[&secret].clone()),
        Err(missing) => Err((missing[0].to_string(), missing[0].help.clone())),
    }
}

fn missing(provider: Provider, site: &std::path::Path) -> (String, String) {
    value(provider, site).unwrap_err()
}

fn told(why: &str, help: &str) -> (String, String) {
    (format!("secret S ({why}"), help.to_owned())
}

#[test]
fn values_come_from_the_environment_and_from_files_without_their_last_line_break() {
    let site = tempfile::tempdir().unwrap();
    std::fs::write(site.path().join("password"), "p0ison\r\n").unwrap();
    assert_eq!(value(Provider::Env("TOKEN".into()), site.path()).unwrap(), "p0ison-token");
    assert_eq!(value(Provider::Env("LINES".into()), site.path()).unwrap(), "one\ntwo\n");
    assert_eq!(value(Provider::File("password".into()), site.path()).unwrap(), "p0ison");
}

#[test]
fn commands_run_in_the_site() {
    let site = tempfile::tempdir().unwrap();
    std::fs::write(site.path().join("vault"), "p0ison\n").unwrap();
    assert_eq!(value(Provider::Command("cat vault | tr a-z A-Z".into()), site.path()).unwrap(), "P0ISON");
}

#[test]
fn what_is_missing_is_told_with_what_to_do() {
    let site = tempfile::tempdir().unwrap();
    let site = site.path();
    std::fs::write(site.join("empty"), "\n").unwrap();
    assert_eq!(
        missing(Provider::Env("NOPE".into()), site),
        told(
            "!env NOPE): the environment variable is not set",
            "set NOPE where this runs, as with `export NOPE=…`"
        )
    );
    assert_eq!(
        missing(Provider::Env("EMPTY".into()), site),
        told("!env EMPTY): its value is empty", "give EMPTY a value")
    );
    assert_eq!(
        missing(Provider::Env("BYTES".into()), site),
        told(
            "!env BYTES): its value is not UTF-8",
            "encode binary values, as with base64, and decode them on the host"
        )
    );
    let path = site.join("nope").display().to_string();
    assert_eq!(
        missing(Provider::File("nope".into()), site),
        told(
            "!file nope): the file cannot be read: no such file or directory",
            &format!("put the value into {path}")
        )
    );
    assert_eq!(
        missing(Provider::File("empty".into()), site),
        told("!file empty): its value is empty", "put the value into empty")
    );
    assert_eq!(
        missing(Provider::Command("echo wrong >&2; exit 7".into()), site),
        told(
            "!command \"echo wrong >&2; exit 7\"): the command failed with exit code 7: wrong",
            "run the command by hand to see what it says"
        )
    );
    assert_eq!(
        missing(Provider::Command("true".into()), site),
        told("!command \"true\"): its value is empty", "see that the command prints the value")
    );
}

#[test]
fn without_the_site_its_files_are_not_to_be_had() {
    let secrets = BTreeSet::from([source("S", Provider::File("password".into()))]);
    let missing = resolve(secrets, &Providers { site: None, env }).unwrap_err();
    assert_eq!(
        (missing[0].to_string(), missing[0].help.as_str()),
        (
            "secret S (!file password): its file is relative to the site, and the site is not here"
                .to_owned(),
            "run this in the site's directory"
        )
    );
}

#[test]
fn all_that_is_missing_is_told_at_once_and_in_order() {
    let secrets = BTreeSet::from([from_env("ZED"), from_env("TOKEN"), from_env("ANN")]);
    let missing = resolve(secrets, &Providers { site: None, env }).unwrap_err();
    let names: Vec<_> = missing.iter().map(|missing| missing.source.name.as_str()).collect();
    assert_eq!(names, ["ANN", "ZED"]);
}

#[test]
fn a_provider_is_asked_once_for_all_names() {
    let site = tempfile::tempdir().unwrap();
    let provider = Provider::Command("echo asked >> log; echo p0ison".into());
    let secrets = BTreeSet::from([source("A", provider.clone()), source("B", provider)]);
    resolve(secrets, &providers(site.path())).unwrap();
    assert_eq!(std::fs::read_to_string(site.path().join("log")).unwrap(), "asked\n");
}

#[test]
fn what_a_failing_program_had_of_the_value_is_not_told() {
    let site = tempfile::tempdir().unwrap();
    let command = "echo p0ison; echo got p0ison >&2; echo then broke >&2; exit 1";
    let (why, _) = missing(Provider::Command(command.into()), site.path());
    assert!(why.ends_with("the command failed with exit code 1: then broke"), "{why}");
}

#[test]
fn sops_and_age_are_asked_for_what_is_meant() {
    let site = tempfile::tempdir().unwrap();
    for (name, provider, expected) in [
        (
            "sops",
            Provider::Sops { file: "s.yaml".into(), key: "db.pass\"word".into() },
            r#"decrypt --extract ["db"]["pass\"word"] SITE/s.yaml"#,
        ),
        ("age", Provider::Age("s.age".into()), "--decrypt SITE/s.age"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        program(&directory.path().join(name), "echo \"$@\"\n");
        let mut command = providers(site.path()).command(&provider).unwrap();
        command.env("PATH", format!("{}:/usr/bin:/bin", directory.path().display()));
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.trim_end(), expected.replace("SITE", &site.path().display().to_string()));
    }
}

#[test]
fn a_host_gets_the_secrets_of_its_own_plan() {
    let secrets = BTreeSet::from([from_env("TOKEN"), from_env("LINES")]);
    let resolved = resolve(secrets, &Providers { site: None, env }).unwrap();
    let values = resolved.of(&[Late::Secret(from_env("TOKEN"))]);
    assert_eq!(values.iter().count(), 1);
    assert_eq!(values.get(&Late::Secret(from_env("TOKEN"))), Some("p0ison-token"));
    assert_eq!(format!("{resolved:?}"), r#"{"LINES", "TOKEN"}"#);
}

fn mask(values: &[(&str, &str)]) -> Mask {
    let mut late = LateValues::default();
    for (name, value) in values {
        late.insert(Late::Secret(from_env(name)), (*value).into());
    }
    Mask::new(&late)
}

#[test]
fn values_are_masked_wherever_they_stand() {
    let mask = mask(&[("A", "p0ison"), ("B", "p0ison-longer"), ("SHORT", "abc")]);
    assert_eq!(mask.text("p0ison p0ison-longer p0isonp0ison"), "‹secret A› ‹secret B› ‹secret A›‹secret A›");
    let overlapping = self::mask(&[("A", "abab"), ("B", "babc")]);
    assert_eq!(overlapping.text("xababababcx ababx"), "x‹secret A›x ‹secret A›x");
    assert_eq!(mask.text("abc"), "abc");
    assert_eq!(mask.text(""), "");
}

#[test]
fn lines_of_a_value_are_masked_and_names_are_not() {
    let key = "-----BEGIN KEY-----\n  c2VjcmV0\n-----END KEY-----";
    let mask = mask(&[("KEY", key), ("X", "sesame")]);
    assert_eq!(mask.text("bad line: c2VjcmV0"), "bad line: ‹secret KEY›");
    assert_eq!(mask.text(key), "‹secret KEY›");
    // What stands for a value is not searched for values.
    assert_eq!(mask.text("c2VjcmV0 sesame"), "‹secret KEY› ‹secret X›");
}

#[test]
fn no_text_gets_past_the_masks_whatever_it_is() {
    let values = [("A", "aab"), ("B", "aabaab"), ("C", "baa\nbbbb"), ("D", "abba")];
    let mask = mask(&values);
    let mut random = Random(7);
    for _ in 0..5000 {
        let text: String = (0..40)
            .map(|_| match random.below(8) {
                0 => '\n',
                n if n < 4 => 'a',
                _ => 'b',
            })
            .collect();
        let masked = mask.text(&text);
        for value in ["aabaab", "baa\nbbbb", "abba"] {
            assert!(!masked.contains(value), "{value:?} in {masked:?} of {text:?}");
        }
        if values.iter().all(|(_, value)| !text.contains(value)) {
            assert_eq!(masked, text);
        }
    }
}
