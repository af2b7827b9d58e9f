//! The filters, tests and functions of templates: the engine's own, with late values kept out of them.

use std::sync::OnceLock;

use minijinja::value::{Kwargs, Rest, Value, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior};

use super::late;

/// Filters that any value can go through.
pub(super) const FILTERS: [&str; 46] = [
    "safe",
    "escape",
    "e",
    "lower",
    "upper",
    "title",
    "capitalize",
    "replace",
    "length",
    "count",
    "dictsort",
    "items",
    "reverse",
    "trim",
    "join",
    "split",
    "lines",
    "default",
    "d",
    "round",
    "abs",
    "int",
    "float",
    "attr",
    "first",
    "last",
    "min",
    "max",
    "sort",
    "list",
    "string",
    "bool",
    "batch",
    "slice",
    "sum",
    "indent",
    "select",
    "reject",
    "selectattr",
    "rejectattr",
    "map",
    "groupby",
    "unique",
    "zip",
    "format",
    "tojson",
];

/// Filters that only move the items of a list or mapping about, so that late values may be among them.
pub(super) const MOVERS: [&str; 16] = [
    "length",
    "count",
    "dictsort",
    "items",
    "reverse",
    "first",
    "last",
    "list",
    "batch",
    "slice",
    "selectattr",
    "rejectattr",
    "map",
    "groupby",
    "zip",
    "attr",
];

/// Tests.
pub(super) const TESTS: [&str; 41] = [
    "undefined",
    "defined",
    "none",
    "boolean",
    "odd",
    "even",
    "divisibleby",
    "number",
    "integer",
    "int",
    "float",
    "string",
    "sequence",
    "iterable",
    "mapping",
    "startingwith",
    "endingwith",
    "lower",
    "upper",
    "sameas",
    "eq",
    "equalto",
    "==",
    "ne",
    "!=",
    "lt",
    "lessthan",
    "<",
    "le",
    "<=",
    "gt",
    "greaterthan",
    ">",
    "ge",
    ">=",
    "in",
    "true",
    "false",
    "filter",
    "test",
    "escaped",
];

/// Tests that ask whether there is a value, not which: late values may be asked.
pub(super) const EXISTENCE: [&str; 3] = ["undefined", "defined", "none"];

/// Functions.
pub(super) const FUNCTIONS: [&str; 3] = ["range", "dict", "namespace"];

/// The engine as it comes, for calling its own filters and tests.
fn plain() -> &'static Environment<'static> {
    static PLAIN: OnceLock<Environment<'static>> = OnceLock::new();
    PLAIN.get_or_init(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_debug(false);
        environment.set_fuel(Some(FUEL));
        environment
    })
}

/// How many steps a rendering may take, and each filter in it besides: what takes more never ends.
pub(super) const FUEL: u64 = 5_000_000;

/// What a filter makes of a value; `None` where it fails.
pub(super) fn apply(filter: &str, value: &Value, args: &[Value]) -> Option<Value> {
    let mut all = vec![value.clone()];
    all.extend_from_slice(args);
    plain().empty_state().apply_filter(filter, &all).ok()
}

/// An environment without templates.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_fuel(Some(FUEL));
    for name in FILTERS {
        environment.add_filter(name, move |_: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
            let mut args = args.into_values();
            guard(&args, "filter", name, MOVERS.contains(&name))?;
            if matches!(name, "default" | "d") {
                args = by_place(args)?;
            }
            plain().empty_state().apply_filter(name, &args)
        });
    }
    for name in TESTS {
        environment.add_test(name, move |_: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
            let args = args.into_values();
            if !EXISTENCE.contains(&name) {
                guard(&args, "test", name, false)?;
            }
            plain().empty_state().perform_test(name, &args)
        });
    }
    for (name, function) in plain().globals().filter(|(name, _)| FUNCTIONS.contains(name)) {
        environment.add_global(name.to_owned(), function);
    }
    environment
}

/// The arguments of `default` by their places: Jinja has names for them, the engine none.
fn by_place(mut args: Vec<Value>) -> Result<Vec<Value>, Error> {
    let named =
        args.last().filter(|last| !last.is_undefined()).and_then(|last| Kwargs::try_from(last.clone()).ok());
    if let Some(named) = named {
        args.pop();
        let default: Option<Value> = named.get("default_value")?;
        let boolean: Option<Value> = named.get("boolean")?;
        named.assert_all_used()?;
        if args.len() < 2 && (default.is_some() || boolean.is_some()) {
            args.push(default.unwrap_or_else(|| Value::from("")));
        }
        args.extend(boolean);
    }
    Ok(args)
}

/// What an error says of a late value that was given to a filter or test.
pub(super) const LATE: &str = "a late value can only be placed";

fn guard(args: &[Value], what: &str, name: &str, mover: bool) -> Result<(), Error> {
    let refused = args.iter().any(|arg| {
        late::is_captured(arg) || if mover { late::of(arg).is_some() } else { late::within(arg).is_some() }
    });
    if refused {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("{LATE}, but {what} `{name}` would look at it"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_listed_builtins_exist() {
        for name in FILTERS {
            if let Err(error) = plain().empty_state().apply_filter(name, &[]) {
                assert_ne!(error.kind(), ErrorKind::UnknownFilter, "{name}");
            }
        }
        for name in TESTS {
            if let Err(error) = plain().empty_state().perform_test(name, &[]) {
                assert_ne!(error.kind(), ErrorKind::UnknownTest, "{name}");
            }
        }
        let globals: Vec<&str> = plain().globals().map(|(name, _)| name).collect();
        assert!(FUNCTIONS.iter().all(|name| globals.contains(name)));
    }

    fn rendered(template: &str) -> String {
        let environment = environment();
        let values = minijinja::context! {
            list => vec![2, 3, 1],
            hosts => vec![minijinja::context! { name => "b", port => 2 }, minijinja::context! { name => "a", port => 1 }],
            map => minijinja::context! { b => 1, a => 2 },
            text => "Ab,c",
            empty => "",
        };
        match environment.render_str(template, values) {
            Ok(text) => text,
            Err(error) => format!("{error}"),
        }
    }

    #[test]
    fn filters_take_their_arguments_by_name() {
        for (template, text) in [
            ("{{ list|sort(reverse=true)|join(',') }}", "3,2,1"),
            ("{{ hosts|map(attribute='name')|join(d='-') }}", "b-a"),
            ("{{ hosts|sort(attribute='name')|map(attribute='port')|join(',') }}", "1,2"),
            ("{{ hosts|selectattr('port', 'gt', 1)|map(attribute='name')|first }}", "b"),
            ("{{ hosts|rejectattr('port', 'gt', 1)|map(attribute='name')|list }}", "['a']"),
            (
                "{% for key, all in hosts|groupby(attribute='name') %}{{ key }}{{ all|length }}{% endfor %}",
                "a1b1",
            ),
            ("{% for key, value in map|dictsort(by='value', reverse=true) %}{{ key }}{% endfor %}", "ab"),
            ("{{ {'a': [1]}|tojson(indent=2) }}", "{\n  \"a\": [\n    1\n  ]\n}"),
            ("{{ empty|default('x', true) }}{{ empty|default('y', boolean=true) }}", "xy"),
            ("{{ text|replace('A', 'B', count=1) }}", "Bb,c"),
            ("{{ 'a\nb'|indent(width=2, first=true) }}", "  a\n  b"),
            ("{{ [1, 2, 1]|unique|list }}{{ [1, 2]|sum(start=10) }}", "[1, 2]13"),
            ("{% filter indent(width=2) %}a\nb{% endfilter %}", "a\n  b"),
            ("{{ dict(a=1).a }}{% set n = namespace(b=2) %}{{ n.b }}", "12"),
        ] {
            assert_eq!(rendered(template), text, "{template}");
        }
        assert!(
            rendered("{{ list|sort(revers=true) }}").contains("revers"),
            "what it does not have is refused"
        );
    }

    #[test]
    fn what_takes_the_place_of_methods_works() {
        let instead = |method: &str, receiver: &str, args: &[&str]| {
            let written = super::super::scan::instead(method, receiver, args).unwrap();
            rendered(&format!("{{{{ {written} }}}}"))
        };
        for (method, receiver, args, text) in [
            ("items", "map", &[][..], "[('b', 1), ('a', 2)]"),
            ("keys", "map", &[], "['b', 'a']"),
            ("values", "map", &[], "[1, 2]"),
            ("get", "map", &["'c'", "5"], "5"),
            ("get", "map", &["'a'"], "2"),
            ("startswith", "text", &["'Ab'"], "True"),
            ("endswith", "text", &["'x'"], "False"),
            ("upper", "text", &[], "AB,C"),
            ("strip", "' x '", &[], "x"),
            ("split", "text", &["','"], "['Ab', 'c']"),
            ("splitlines", "'a\nb'", &[], "['a', 'b']"),
            ("replace", "text", &["'A'", "'B'"], "Bb,c"),
            ("join", "'-'", &["list"], "2-3-1"),
            ("zfill", "'7'", &["3"], "007"),
            ("ljust", "text", &["6"], "Ab,c  "),
            ("rjust", "text", &["6"], "  Ab,c"),
            ("find", "text", &["'b'"], "True"),
            ("isdigit", "'12'", &[], "True"),
            ("has_key", "map", &["'a'"], "True"),
            ("sort", "list", &[], "[1, 2, 3]"),
        ] {
            assert_eq!(instead(method, receiver, args), text, "{method}");
        }
    }
}
