//! A site made from the template builds, and its own tests pass.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use integration_test::site::{target_folder, workspace};

#[test]
fn a_site_made_from_the_template_builds_and_passes_its_tests() {
    let target = target_folder().expect("tests lie in a target folder");
    let site = target.join("sites/from-template");
    if site.exists() {
        fs::remove_dir_all(&site).expect("the last one can be removed");
    }
    // As cargo-generate does it: what is in templates/ and files/ is left alone.
    instantiate(&workspace().join("template"), &site, true);
    fs::copy(workspace().join("Cargo.lock"), site.join("Cargo.lock")).expect("the lock file can be copied");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&site).args(["test", "--quiet", "--target-dir"]).arg(&target).stdin(Stdio::null());
    let output = cargo.output().expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
    assert!(!said.contains("warning"), "{said}");
}

fn instantiate(from: &Path, to: &Path, fill_in: bool) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the template can be read") {
        let entry = entry.expect("the template can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            instantiate(
                &entry.path(),
                &to.join(&name),
                fill_in && !["templates", "files"].contains(&name.as_str()),
            );
        } else if name != "cargo-generate.toml" {
            let mut text = fs::read_to_string(entry.path()).expect("templates are text");
            if fill_in {
                text = text.replace("{{project-name}}", "from-template");
                text = text.replace("{{paracrine}}", &workspace().display().to_string());
                assert!(!text.contains("{{"), "{name} has a placeholder that nobody fills in");
            }
            fs::write(to.join(name.trim_end_matches(".liquid")), text).expect("a file can be written");
        }
    }
}
