use super::*;
use crate::secret::Provider;
use crate::text::Text;

fn secret() -> Late {
    Late::Secret(SecretSource { name: "DB_PASSWORD".into(), provider: Provider::Env("X".into()) })
}

fn signal(name: &str, secret: bool) -> Late {
    Late::Signal(Signal { name: name.into(), host: "db1".into(), secret })
}

/// `a ‹wg_pub of db1› b ‹secret DB_PASSWORD›`
fn both() -> Text {
    let mut text = Text::from("a ");
    text.push_late(signal("wg_pub", false));
    text.push_str(" b ");
    text.push_late(secret());
    text
}

#[test]
fn marks_tell_what_a_value_is_and_never_the_value() {
    assert_eq!(secret().to_string(), "‹secret DB_PASSWORD›");
    assert_eq!(signal("wg_pub", false).to_string(), "‹wg_pub of db1›");
    assert_eq!(signal("wg_key", true).to_string(), "‹secret wg_key of db1›");
    assert_eq!(secret().mark("another"), "‹another secret DB_PASSWORD›");
    assert_eq!(signal("wg_pub", false).mark("another"), "‹another wg_pub of db1›");
    assert_eq!(signal("wg_pub", false).mark_of_unknown(), "‹wg_pub of db1: known after apply›");
    assert_eq!(signal("wg_key", true).mark_of_unknown(), "‹secret wg_key of db1: known after apply›");
}

#[test]
fn marks_of_secrets_are_found_in_text() {
    let found = |text: &str| mark_of_secret(text).map(str::to_owned);
    for late in [secret(), signal("wg_key", true)] {
        for mark in [late.to_string(), late.mark("another"), late.mark("present"), late.mark_of_unknown()] {
            assert_eq!(found(&format!("‹ä› a={mark}\n‹b›")), Some(mark));
        }
    }
    for text in
        ["", "secret x", "‹secret›", "‹secret", "‹ secret›", "‹the top secret thing›", "‹wg_pub of db1›"]
    {
        assert_eq!(found(text), None, "{text}");
    }
}

#[test]
fn a_signal_is_public_unless_it_is_marked() {
    assert!(secret().is_secret());
    assert!(signal("wg_key", true).is_secret());
    assert!(!signal("wg_pub", false).is_secret());
    let text = both();
    assert_eq!(text.secrets().collect::<Vec<_>>(), [&secret()]);
    assert_eq!(text.sources().map(|source| &*source.name).collect::<Vec<_>>(), ["DB_PASSWORD"]);
    assert_eq!(text.lates().count(), 2);
}

#[test]
fn a_text_resolves_when_all_of_it_is_known() {
    let mut values = LateValues::default();
    assert_eq!(both().resolve(&values), Err(Unresolved::Missing(signal("wg_pub", false))));
    values.insert_unknown(signal("wg_pub", false));
    // One that was forgotten is worse than one that is to come.
    assert_eq!(both().resolve(&values), Err(Unresolved::Missing(secret())));
    values.insert(secret(), "hunter2".into());
    assert_eq!(both().resolve(&values), Err(Unresolved::Unknown(signal("wg_pub", false))));
    assert_eq!(both().unknown(&values), [&signal("wg_pub", false)]);
    values.insert(signal("wg_pub", false), "k=".into());
    assert_eq!(both().resolve(&values).as_deref(), Ok("a k= b hunter2"));
    assert!(both().unknown(&values).is_empty());
}

#[test]
fn public_values_are_shown_and_secret_ones_never() {
    let mut values = LateValues::default();
    values.insert(secret(), "hunter2".into());
    assert_eq!(both().shown(&values), "a ‹wg_pub of db1› b ‹secret DB_PASSWORD›");
    values.insert_unknown(signal("wg_pub", false));
    assert_eq!(both().shown(&values), "a ‹wg_pub of db1: known after apply› b ‹secret DB_PASSWORD›");
    values.insert(signal("wg_pub", false), "k=".into());
    assert_eq!(both().shown(&values), "a k= b ‹secret DB_PASSWORD›");
}

#[test]
fn what_arrives_later_is_learnt_and_nothing_is_forgotten() {
    let mut values = LateValues::default();
    values.insert_unknown(signal("wg_pub", false));
    values.insert_unknown(signal("wg_key", true));
    values.insert(secret(), "hunter2".into());
    let mut later = LateValues::default();
    later.insert(signal("wg_pub", false), "k=".into());
    later.insert_unknown(secret());
    values.learn(later);
    assert_eq!(values.get(&signal("wg_pub", false)), Some("k="));
    assert_eq!(values.get(&secret()), Some("hunter2"));
    assert!(values.is_unknown(&signal("wg_key", true)));
    assert!(values.state(&signal("x", false)).is_none());
    let secrets: Vec<_> = values.secrets().map(|(late, value)| (late.name(), value)).collect();
    assert_eq!(secrets, [("DB_PASSWORD".to_owned(), "hunter2")]);
    assert_eq!(
        format!("{values:?}"),
        r#"{"‹secret DB_PASSWORD›", "‹secret wg_key of db1›", "‹wg_pub of db1›"}"#
    );
}
