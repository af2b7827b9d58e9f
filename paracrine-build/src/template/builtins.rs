//! The filters, tests and functions of templates: the engine's own, with late values kept out of them.

use std::sync::OnceLock;

use minijinja::value::{Rest, Value, ValueOrKwargs};
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
            let args = args.into_values();
            guard(&args, "filter", name, MOVERS.contains(&name))?;
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
}
