use super::*;
use crate::late::Signal;

fn signal(name: &str) -> Late {
    Late::Signal(Signal { name: name.into(), host: "db1".into(), secret: false })
}

/// `A={A}` with the signal A in it.
fn text(template: &str) -> Text {
    let mut text = Text::default();
    for (index, part) in template.split(['{', '}']).enumerate() {
        match index % 2 {
            0 => text.push_str(part),
            _ => text.push_late(signal(part)),
        }
    }
    text
}

fn may_be(template: &str, actual: &str) -> bool {
    text(template).may_be(actual, &LateValues::default())
}

#[test]
fn what_is_literal_has_to_be_there() {
    for (template, actual, may) in [
        ("key = {k}\n", "key = abc=\n", true),
        ("key = {k}\n", "key = \n", true),
        ("key = {k}\n", "key = several\nlines\n", true),
        ("key = {k}\n", "key = abc=", false),
        ("key = {k}\n", "Key = abc=\n", false),
        ("key = {k}\nport = 1\n", "key = abc=\nport = 2\n", false),
        ("{k}", "", true),
        ("{k}", "anything", true),
        ("ab{k}bc", "abc", false),
        ("{a}-{b}", "x-y", true),
        ("{a}-{b}", "xy", false),
        ("a{a}a{b}a", "aa", false),
        ("a{a}a{b}a", "aaa", true),
        ("ä{a}", "äö", true),
        ("", "", true),
        ("", "x", false),
    ] {
        assert_eq!(may_be(template, actual), may, "{template:?} {actual:?}");
    }
}

#[test]
fn one_unknown_value_is_the_same_in_all_places() {
    assert!(may_be("{k}, {k}\n", "abc, abc\n"));
    assert!(!may_be("{k}, {k}\n", "abc, abd\n"));
    assert!(!may_be("{k}{k}", "abc"));
    // Half a letter is no value.
    assert!(!may_be("{k}{k}", "ä"));
    // Of several, at worst too little is promised.
    assert!(may_be("{a}{b}, {a}\n", "abc, abd\n"));
}

#[test]
fn known_values_are_as_literal_as_literals() {
    let mut values = LateValues::default();
    values.insert(signal("a"), "known".into());
    values.insert_unknown(signal("b"));
    let text = text("{a} {b}");
    assert!(text.may_be("known x", &values));
    assert!(!text.may_be("other x", &values));
    values.insert(signal("b"), "too".into());
    assert!(text.may_be("known too", &values));
    assert!(!text.may_be("known to", &values));
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn word(&mut self, longest: usize) -> String {
        (0..self.below(longest + 1)).map(|_| ["a", "b", "ä"][self.below(3)]).collect()
    }
}

/// Whether there are values, found by trying all.
fn exist(spans: &[Span], actual: &str, values: &mut LateValues) -> bool {
    let Some((span, after)) = spans.split_first() else {
        return actual.is_empty();
    };
    let late = match span {
        Span::Literal(text) => {
            return actual.strip_prefix(&**text).is_some_and(|rest| exist(after, rest, values));
        }
        Span::Late(late) => late,
    };
    if let Some(value) = values.get(late) {
        let rest = actual.strip_prefix(value).map(str::to_owned);
        return rest.is_some_and(|rest| exist(after, &rest, values));
    }
    (0..=actual.len()).filter_map(|end| actual.split_at_checked(end)).any(|(value, rest)| {
        let mut values = values.clone();
        values.insert(late.clone(), value.to_owned());
        exist(after, rest, &mut values)
    })
}

/// Where values exist, *changed* is never said; where they do not, it is said, but for several that occur again.
#[test]
fn the_answer_is_that_of_trying_all_values() {
    let mut random = Random(3);
    let mut answers = [0, 0];
    for _ in 0..30_000 {
        let (mut text, mut values) = (Text::default(), LateValues::default());
        let mut names = Vec::new();
        for _ in 0..1 + random.below(6) {
            text.push_str(&random.word(2));
            if random.below(2) == 0 {
                let name = ["x", "y", "z"][random.below(3)];
                names.push(name);
                text.push_late(signal(name));
            }
        }
        for name in &names {
            values.insert(signal(name), random.word(3));
        }
        let actual = if random.below(2) == 0 { text.resolve(&values).unwrap() } else { random.word(8) };
        let said = text.may_be(&actual, &LateValues::default());
        let truth = exist(text.spans(), &actual, &mut LateValues::default());
        let mut distinct = names.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() == names.len() || distinct.len() == 1 {
            assert_eq!(said, truth, "{text} {actual:?}");
            answers[usize::from(said)] += 1;
        } else {
            assert!(said || !truth, "{text} {actual:?}");
        }
    }
    assert!(answers.iter().all(|count| *count > 2000), "{answers:?}");
}
