//! What rustc says of `site!`, `text!` and secrets when they are used wrongly, beside each case in `refused/`; and that right
//! uses compile.
//!
//! The words are those of the toolchain that this workspace is built with. `TRYBUILD=overwrite cargo test -p paracrine-build
//! --test macros` writes them anew.

use std::path::Path;

#[test]
fn macros_refuse_what_is_wrong_in_rustcs_words_and_take_what_is_right() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/macros/refused/*.rs");
    cases.pass("tests/macros/accepted/*.rs");
    // What `site!` draws names its files from the package, which trybuild makes in the target folder.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    if std::env::current_exe().unwrap().starts_with(workspace.join("target")) {
        cases.compile_fail("tests/macros/refused_files/*.rs");
    } else {
        eprintln!("left out, as the target folder lies elsewhere: tests/macros/refused_files");
    }
}
