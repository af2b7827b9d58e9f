#![allow(unreachable_pub, missing_docs)]
mod blind;
mod content;
mod good;
mod judge;
mod mutation;
mod report;
mod rust;
mod seeds;
mod template;

#[cfg(feature = "corpus")]
mod whole;
mod words;
mod yaml;

use judge::{Said, Verdict, verdict};
use mutation::{Demand, Mutation};
use seeds::{Seed, check_all, is_blind};

seeds::seeds! {
    /// The sites that are mutated.
    SEEDS of sites in "sites":
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
    let mut halves: [Vec<(&Seed, Vec<Mutation>)>; 2] = Default::default();
    for seed in SEEDS {
        let mut mutations: Vec<Mutation> = seed.mutations();
        mutations.retain(|mutation| !mutation.file.ends_with(".rs"));
        let second = mutations.split_off(mutations.len() / 2);
        halves[0].push((seed, mutations));
        halves[1].push((seed, second));
    }
    let check = |half: Vec<(&'static Seed, Vec<Mutation>)>| {
        let checked = half.into_iter().flat_map(|(seed, mutations)| {
            check_all(seed, mutations).into_iter().map(move |(mutation, said)| Outcome::of(seed, mutation, said))
        });
        checked.collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let threads = halves.map(|half| scope.spawn(move || check(half)));
        threads.into_iter().flat_map(|thread| thread.join().expect("a check does not panic")).collect()
    })
}

#[test]
fn every_mutation_of_a_file_that_matters_is_an_error_at_its_line() {
    let outcomes = files();
    report::print(&outcomes);
    let missed: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.is_kept() && !outcome.is_for_rustc()).collect();
    report::assert_none(&missed);
    let at_their_lines = outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Line && !is_blind(&outcome.mutation)).count();
    assert!(at_their_lines >= 150, "the corpus has shrunk: {at_their_lines}");
}

#[cfg(feature = "corpus")]
#[test]
fn every_mutation_that_matters_is_an_error_at_its_line_in_a_whole_build() {
    let mut outcomes = files();
    // Blind ones of values are built too, where the check of files had nothing against them.
    let is_blind_value = |outcome: &Outcome| {
        is_blind(&outcome.mutation) && outcome.verdict == Verdict::Builds && outcome.mutation.file.ends_with(".yaml")
    };
    let for_rustc = |outcome: &Outcome| outcome.is_for_rustc() || is_blind_value(outcome);
    let roles: Vec<(&Seed, Mutation)> = SEEDS
        .iter()
        .flat_map(|seed| seed.mutations().into_iter().filter(|mutation| mutation.file.ends_with(".rs")).map(move |it| (seed, it)))
        .collect();
    let (left, judged): (Vec<Outcome>, Vec<Outcome>) = outcomes.drain(..).partition(for_rustc);
    let seed_of = |name: &str| SEEDS.iter().find(|seed| seed.name == name).expect("it is one of them");
    let mut build: Vec<(&Seed, Mutation)> = left.into_iter().map(|outcome| (seed_of(outcome.mutation.site), outcome.mutation)).collect();
    build.extend(roles);
    let said = whole::build(&build.iter().map(|(seed, mutation)| (*seed, mutation)).collect::<Vec<_>>());
    let mut outcomes = judged;
    outcomes.extend(build.into_iter().zip(said).map(|((seed, mutation), said)| Outcome::of(seed, mutation, said)));
    report::print(&outcomes);
    let missed: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.is_kept()).collect();
    report::assert_none(&missed);
}
