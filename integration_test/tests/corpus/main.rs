#![allow(unreachable_pub, missing_docs)]
mod blind;
mod content;
mod judge;
mod mutation;
mod report;
mod rust;
mod seeds;
mod template;

// mod whole;
mod words;
mod yaml;

use judge::{Said, Verdict, verdict};
use mutation::{Demand, Mutation};
use seeds::{Seed, check_all, is_blind};

seeds::seeds! {
    example ["inventory/dev.yaml", "inventory/prod.yaml"];
    every_field ["inventory/dev.yaml", "inventory/prod.yaml"];
    anchors ["inventory/staging.json", "inventory/live.yaml"];
}

/// A mutation, what was said of it, and what that is worth.
struct Outcome {
    mutation: Mutation,
    said: Vec<Said>,
    verdict: Verdict,
}

impl Outcome {
    fn of(seed: &Seed, mutation: Mutation, said: Vec<Said>) -> Self {
        let files = seed.files();
        let line = |file: &str, number: u32| {
            let (name, text) = files.iter().find(|(name, _)| file == name || file.ends_with(&format!("/{name}")))?;
            let text = if *name == mutation.file { &mutation.text } else { text };
            text.lines().nth(number as usize - 1).map(str::to_owned)
        };
        let verdict = verdict(&mutation, &said, &line);
        Self { mutation, said, verdict }
    }

    fn is_kept(&self) -> bool {
        self.verdict.keeps(&self.mutation.demand)
    }

    /// Only a whole build tells: it is about types, or about names that roles use.
    fn is_for_rustc(&self) -> bool {
        self.mutation.file.ends_with(".rs")
            || self.verdict == Verdict::Types
            || self.verdict == Verdict::Builds && matches!(self.mutation.demand, Demand::Definition | Demand::Within(_))
    }
}

/// All mutations of files that are no Rust, checked.
fn files() -> Vec<Outcome> {
    let mut all = Vec::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = SEEDS
            .iter()
            .map(|seed| {
                scope.spawn(move || {
                    let mutations = seed.mutations().into_iter().filter(|mutation| !mutation.file.ends_with(".rs"));
                    let checked = check_all(seed, mutations.collect());
                    checked.into_iter().map(|(mutation, said)| Outcome::of(seed, mutation, said)).collect::<Vec<_>>()
                })
            })
            .collect();
        for thread in threads {
            all.extend(thread.join().expect("a check does not panic"));
        }
    });
    all
}

#[test]
fn the_sites_are_good_before_they_are_mutated() {
    for seed in SEEDS {
        let folder = tempfile::tempdir().expect("a folder can be made");
        seed.write(folder.path());
        let drawn = (seed.check)(folder.path()).drawn();
        assert!(drawn.is_empty(), "{}:\n{drawn}", seed.name);
    }
}

#[test]
fn every_mutation_of_a_file_that_matters_is_an_error_at_its_line() {
    let outcomes = files();
    report::print(&outcomes);
    let missed: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.is_kept() && !outcome.is_for_rustc()).collect();
    report::assert_none(&missed);
}
