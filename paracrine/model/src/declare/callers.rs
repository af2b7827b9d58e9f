//! How a declaration was reached: `#[track_caller]` tells the line of the role, and not who called that role.

use std::backtrace::Backtrace;

use crate::diagnostic::{Diagnostic, Place};

/// A call on the way to a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Call {
    /// The function that it stands in, without its crate.
    function: String,
    /// Where, if the build script knows its lines.
    place: Option<Place>,
}

/// Adds to a diagnostic about two declarations that stand in one line who led there each time.
pub(super) fn told(diagnostic: Diagnostic, earlier: &Backtrace, later: &Backtrace) -> Diagnostic {
    differing(diagnostic, &calls(&earlier.to_string()), &calls(&later.to_string()))
}

fn differing(diagnostic: Diagnostic, earlier: &[Call], later: &[Call]) -> Diagnostic {
    // The innermost is the line itself; the first that differ are who led there.
    let differ = earlier.iter().zip(later).position(|(one, other)| one != other);
    let Some((first, second)) = differ.and_then(|at| Some((earlier.get(at)?, later.get(at)?))) else {
        return diagnostic;
    };
    match (&first.place, &second.place) {
        (Some(one), Some(other)) => diagnostic
            .related(one.clone(), "first by way of this")
            .related(other.clone(), "then by way of this"),
        _ if first.function == second.function => {
            diagnostic.help(format!("`{}` leads there twice", first.function))
        }
        _ => diagnostic
            .help(format!("first by way of `{}`, then by way of `{}`", first.function, second.function)),
    }
}

/// The calls of a backtrace that are the site's own, the innermost first.
fn calls(backtrace: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut own = false;
    for line in backtrace.lines().map(str::trim) {
        if let Some(at) = line.strip_prefix("at ") {
            if let (true, Some(call)) = (own, calls.last_mut()) {
                call.place = place(at);
            }
            continue;
        }
        let Some((number, name)) = line.split_once(": ") else { continue };
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let krate = name.trim_start_matches('<').split("::").next().unwrap_or_default();
        // From here on it is the build helper that runs the roles.
        if krate == "paracrine_build" && !calls.is_empty() {
            break;
        }
        own = !matches!(krate, "core" | "std" | "alloc" | "paracrine_model" | "paracrine_build" | "test")
            && name.contains("::");
        if own {
            let function = name.split_once("::").map_or(name, |(_, rest)| rest);
            let function = function.trim_end_matches("::{{closure}}").to_owned();
            calls.push(Call { function, place: None });
        }
    }
    calls
}

/// `./roles/web.rs:3:5`
fn place(written: &str) -> Option<Place> {
    let mut parts = written.rsplitn(3, ':');
    let (column, line, file) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
    Some(Place::new(file.strip_prefix("./").unwrap_or(file), line, column, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    const BACKTRACE: &str = "   0: std::backtrace::Backtrace::force_capture
   1: paracrine_model::declare::Plan<R>::declare
   2: build_script_build::roles::conf
             at ./roles.rs:9:10
   3: build_script_build::roles::web::server::{{closure}}
   4: core::ops::function::FnOnce::call_once
   5: paracrine_build::plans::all
   6: build_script_build::main
";

    #[test]
    fn calls_are_the_sites_own() {
        let expected = [
            Call { function: "roles::conf".into(), place: Some(Place::new("roles.rs", 9, 10, 0)) },
            Call { function: "roles::web::server".into(), place: None },
        ];
        assert_eq!(calls(BACKTRACE), expected);
    }

    #[test]
    fn who_led_there_is_told_by_place_or_by_name() {
        let call = |function: &str, line: Option<u32>| Call {
            function: function.to_owned(),
            place: line.map(|line| Place::new("roles.rs", line, 5, 0)),
        };
        let told = |one: &[Call], other: &[Call]| {
            let told = differing(Diagnostic::error(Code::CONFLICT, "m"), one, other);
            let related = told.related.iter().map(|note| format!("{} {}", note.place, note.label));
            related.chain(told.help).collect::<Vec<_>>()
        };
        let helper = call("conf", Some(9));
        assert_eq!(
            told(&[helper.clone(), call("web", Some(2))], &[helper.clone(), call("db", Some(4))]),
            ["roles.rs:2:5 first by way of this", "roles.rs:4:5 then by way of this"]
        );
        assert_eq!(
            told(&[call("conf", None), call("web", None)], &[call("conf", None), call("db", None)]),
            ["first by way of `web`, then by way of `db`"]
        );
        let same = [helper];
        assert_eq!(told(&same, &same), [""; 0]);
    }
}
