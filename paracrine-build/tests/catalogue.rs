//! The page of all refusals in the documentation, `src/refusals.md`, is made from the catalogue of codes and from the
//! texts that the cases of `tests/refusals/` expect. `UPDATE_EXPECT=1` writes it anew.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use paracrine_build::model::diagnostic::Code;

/// For each code the first problem that a case expects.
fn examples() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refusals");
    let mut cases: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let mut examples = BTreeMap::new();
    for case in cases {
        let Ok(text) = std::fs::read_to_string(case.join("expected.txt")) else {
            continue;
        };
        for problem in text.split("\n\n").filter(|problem| !problem.trim().is_empty()) {
            let Some((_, rest)) = problem.split_once('[') else {
                continue;
            };
            let Some((code, _)) = rest.split_once(']') else {
                continue;
            };
            examples.entry(code.to_owned()).or_insert_with(|| problem.trim_end().to_owned());
        }
    }
    examples
}

fn page() -> String {
    let mut examples = examples();
    let mut page =
        String::from("All that keeps a site from building, and all that it is warned of, by code.\n");
    for (code, _, meaning) in Code::ALL {
        page.push_str(&format!("\n## {code}\n\n{}\n", meaning.trim()));
        if let Some(example) = examples.remove(&code.to_string()) {
            page.push_str(&format!("\n```text\n{example}\n```\n"));
        }
    }
    assert_eq!(examples, BTreeMap::new(), "codes that are not in the catalogue");
    page
}

#[test]
fn the_page_of_refusals_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/refusals.md");
    let page = page();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "src/refusals.md is not what the catalogue says: run with UPDATE_EXPECT=1");
}
