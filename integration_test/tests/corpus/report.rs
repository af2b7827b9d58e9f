//! How it went, in numbers, and what was missed, in full.

use std::fmt::Write as _;

use crate::judge::Verdict;
use crate::{Outcome, is_blind};

/// Prints how many mutations came to which end, by operator; those at any place apart.
pub(crate) fn print(outcomes: &[Outcome]) {
    for (blind, title) in [(false, "mutations of what matters"), (true, "mutations at any place")] {
        let these: Vec<&Outcome> =
            outcomes.iter().filter(|outcome| is_blind(&outcome.mutation) == blind).collect();
        let mut operators: Vec<&str> = these.iter().map(|outcome| outcome.mutation.operator).collect();
        operators.sort_unstable();
        operators.dedup();
        println!("\n{title}: {}", these.len());
        let heads = Verdict::ALL.map(|verdict| format!("{verdict:?}"));
        println!("{:>24} {}", "", heads.map(|head| format!("{head:>9}")).join(" "));
        for operator in operators.into_iter().chain(["all"]) {
            let count = |verdict: Verdict| {
                let it = |outcome: &&&Outcome| {
                    outcome.verdict == verdict && (operator == "all" || outcome.mutation.operator == operator)
                };
                these.iter().filter(it).count()
            };
            println!(
                "{operator:>24} {}",
                Verdict::ALL.map(|verdict| format!("{:>9}", count(verdict))).join(" ")
            );
        }
        let caught = these
            .iter()
            .filter(|outcome| outcome.verdict < Verdict::Warned || outcome.verdict == Verdict::Elsewhere)
            .count();
        println!("an error: {caught} of {} ({:.1} %)", these.len(), percent(caught, these.len()));
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "these are hundreds")]
    {
        part as f64 * 100.0 / whole.max(1) as f64
    }
}

/// Fails with every mutation that was missed, and what was said instead.
pub(crate) fn assert_none(missed: &[&Outcome]) {
    let mut text = String::new();
    for Outcome { mutation, said, verdict } in missed {
        let _ = writeln!(text, "\n{mutation}  demanded: {:?}; came: {verdict:?}", mutation.demand);
        if said.is_empty() {
            text.push_str("  nothing was said\n");
        }
        for said in said {
            let places: Vec<String> =
                said.places.iter().skip(1).map(|(file, line)| format!("{file}:{line}")).collect();
            let _ = writeln!(text, "  said: {} {}", said.message, places.join(", "));
        }
    }
    assert!(missed.is_empty(), "{} mutations are not caught as they should be:\n{text}", missed.len());
}
