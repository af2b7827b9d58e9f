//! The corpus: good sites, and mutations of them. Every mutation of what matters is an error of the build, at its line.
//!
//! # The mutator
//!
//! It knows nothing of the checks. It works on the text of the files of good sites (`sites/`), line by line, with generic
//! operators: drop or repeat a line, transpose letters, put in an odd character, swap a type, a number for a word, one digit
//! too many, make a path relative, break a reference, drop a bracket. Its choices are always the same.
//!
//! *What matters* is chosen by a grammar of meaningful words, which comes from the documentation: keys of the format and their
//! kinds (`yaml.rs`), what the arguments of builder methods are (`rust.rs`; held to the methods that there are), names and
//! tags in templates (`template.rs`), words of unit files, cron tables and sudo rules (`content.rs`). Left out is what is free:
//! comments, texts, and names that only a host knows (packages, paths, units). As a control, mutations at any place at all
//! are counted too (`blind.rs`); nothing is demanded of them.
//!
//! # What is demanded
//!
//! An error that names the changed line, as its place or as a related one ([`Demand::Line`]); rustc's errors count. Where that
//! cannot be so, the kind of mutation says what is demanded instead:
//!
//! - *An argument on a line below its method*: the line of the method, as that is all that rustc tells a library.
//! - *Brackets, quotes, indentation, colons*: the line or one next to it, as YAML and Rust run on until they cannot
//!   ([`Demand::Near`]); a missing bracket of JSON or Rust or half of a pair of tags: a line that it belongs to.
//! - *Something that others refer to is renamed, retyped or gone* (a value, a role, a variable of Rust, a macro of a template):
//!   the line, or one that uses the word, or the word itself ([`Demand::Definition`]).
//! - *A line is dropped*: a line of what now lacks it ([`Demand::Within`]).
//! - *Names of things that the site does not hold* (accounts of hosts, keys of the machine that deploys) and of variables that
//!   not every host has: a warning is enough ([`Demand::Told`]).
//!
//! # How
//!
//! Files that are no Rust are checked in this process, with the types that the roles have as they are: that is quick.
//! Mutations of roles, and of values whose types or names roles use, are built in one package by a nested cargo, with the
//! feature `corpus` (`whole.rs`). Both print how many came to which end: `cargo test … -- --nocapture`.

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
            let (name, text) =
                files.iter().find(|(name, _)| file == name || file.ends_with(&format!("/{name}")))?;
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
            || self.verdict == Verdict::Builds
                && matches!(self.mutation.demand, Demand::Definition | Demand::Within(_))
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
            check_all(seed, mutations)
                .into_iter()
                .map(move |(mutation, said)| Outcome::of(seed, mutation, said))
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
    let missed: Vec<&Outcome> =
        outcomes.iter().filter(|outcome| !outcome.is_kept() && !outcome.is_for_rustc()).collect();
    report::assert_none(&missed);
    let at_their_lines = outcomes
        .iter()
        .filter(|outcome| outcome.verdict == Verdict::Line && !is_blind(&outcome.mutation))
        .count();
    assert!(at_their_lines >= 150, "the corpus has shrunk: {at_their_lines}");
}

#[cfg(feature = "corpus")]
#[test]
fn every_mutation_that_matters_is_an_error_at_its_line_in_a_whole_build() {
    let mut outcomes = files();
    // Blind ones of values are built too, where the check of files had nothing against them.
    let is_blind_value = |outcome: &Outcome| {
        is_blind(&outcome.mutation)
            && outcome.verdict == Verdict::Builds
            && outcome.mutation.file.ends_with(".yaml")
    };
    let for_rustc = |outcome: &Outcome| outcome.is_for_rustc() || is_blind_value(outcome);
    let roles: Vec<(&Seed, Mutation)> = SEEDS
        .iter()
        .flat_map(|seed| {
            seed.mutations()
                .into_iter()
                .filter(|mutation| mutation.file.ends_with(".rs"))
                .map(move |it| (seed, it))
        })
        .collect();
    let (left, judged): (Vec<Outcome>, Vec<Outcome>) = outcomes.drain(..).partition(for_rustc);
    let seed_of = |name: &str| SEEDS.iter().find(|seed| seed.name == name).expect("it is one of them");
    let mut build: Vec<(&Seed, Mutation)> =
        left.into_iter().map(|outcome| (seed_of(outcome.mutation.site), outcome.mutation)).collect();
    build.extend(roles);
    let said = whole::build(&build.iter().map(|(seed, mutation)| (*seed, mutation)).collect::<Vec<_>>());
    let mut outcomes = judged;
    outcomes.extend(
        build.into_iter().zip(said).map(|((seed, mutation), said)| Outcome::of(seed, mutation, said)),
    );
    report::print(&outcomes);
    let missed: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.is_kept()).collect();
    report::assert_none(&missed);
}

/// The public methods of resources: name, whether it is one of the plan, whether it takes arguments.
fn methods() -> Vec<(String, bool, bool)> {
    let folder = integration_test::site::workspace().join("paracrine/model/src/resource");
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).expect("the model has resources").flatten() {
        let text = std::fs::read_to_string(file.path()).expect("a file of Rust is text");
        let mut on_plan = None;
        for line in text.lines() {
            if line.starts_with("impl") {
                on_plan = match line {
                    "impl Plan {" => Some(true),
                    line if line.starts_with("impl")
                        && line.contains(" Declared<")
                        && !line.contains(" for ") =>
                    {
                        Some(false)
                    }
                    _ => None,
                };
            }
            if let (Some(on_plan), Some(rest)) = (on_plan, line.strip_prefix("    pub fn ")) {
                let name = rest.split(['(', '<']).next().unwrap_or_default();
                found.push((name.to_owned(), on_plan, !rest.contains("(self)")));
            }
        }
    }
    found
}

#[test]
fn every_argument_of_every_method_is_in_the_grammar_and_mutated() {
    let methods = methods();
    assert!(methods.len() > 40, "the methods of resources are not where they were: {methods:?}");
    let mutations: Vec<Mutation> = SEEDS.iter().flat_map(|seed| seed.mutations()).collect();
    for (name, on_plan, takes) in methods {
        let kind = rust::argument(&name, on_plan, 0);
        assert!(kind.is_some(), "`{name}` is not in the table of `rust.rs`");
        if takes && kind != Some(rust::Kind::Other) {
            let spot = format!("{:?} of `{name}`", kind.expect("it is there"));
            let is_mutated = mutations.iter().any(|mutation| mutation.spot == spot && !is_blind(mutation));
            assert!(is_mutated, "no mutation of an argument of `{name}`: use it in `sites/every_field`");
        }
    }
}
