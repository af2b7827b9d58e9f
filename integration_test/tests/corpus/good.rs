//! Good sites build without a word: no error, no warning. Nor when their files have other line ends, a byte order mark, or
//! blank lines and comments between their lines; and their plans are the same then.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use paracrine_build::model::plan::HostPlan;

use crate::SEEDS;
use crate::seeds::{Seed, put};

crate::seeds::seeds! {
    /// Sites of all kinds. What is special about each is its name.
    GOOD of sites in "good/sites":
    anchors ["dev.yaml", "prod.yaml"];
    byte_order_mark ["inventory.yaml"];
    bytes ["inventory.yaml"];
    comments_and_blanks ["inventory.yaml"];
    cron_and_sudoers ["inventory.yaml"];
    defaults ["inventory.yaml"];
    every_resource ["inventory.yaml"];
    exposed_secrets ["inventory.yaml"];
    flow_style ["inventory.yaml"];
    host_keys ["inventory.yaml"];
    json_config ["inventory.yaml"];
    json_inventory ["inventory.json"];
    jump_hosts ["inventory.yaml"];
    key_styles ["inventory.yaml"];
    literal_braces ["inventory.yaml"];
    merge_of_several ["inventory.yaml"];
    minimal ["inventory.yaml"];
    multiline_text ["inventory.yaml"];
    nested ["inventory.yaml"];
    no_final_line_break ["inventory.yaml"];
    null_options ["dev.yaml", "prod.yaml"];
    numbers ["dev.yaml", "prod.yaml"];
    python_tool ["inventory/dev.yaml", "inventory/prod.yaml"];
    roles_that_share ["inventory.yaml"];
    same_task_twice ["inventory.yaml"];
    secrets ["inventory.yaml"];
    several_environments ["inv/dev.yaml", "inv/staging-eu.yaml", "inv/prod.yaml"];
    template ["inventory/dev.yaml", "inventory/prod.yaml"];
    templates ["inventory.yaml"];
    two_inventories_of_one_environment ["east.yaml", "west.yaml"];
    unicode ["inventory.yaml"];
    units ["inventory.yaml"];
    unusual_names ["inventory.yaml"];
    vars_optional ["inventory.yaml"];
    windows_lines ["inventory.yaml"];
}

/// Set in the process that checks: it has the programs and variables that the sites' secrets need.
const INNER: &str = "PARACRINE_GOOD_SECRET";

/// What is said of the files of the Python tool, and only of those: a secret that is written out, a key that is not there.
const DOCUMENTED: [&str; 2] = ["P0301", "P0408"];

#[test]
fn good_sites_build_without_a_word() {
    assert!(GOOD.len() >= 30, "good sites are missing: there are {}", GOOD.len());
    if std::env::var_os(INNER).is_none() {
        return again_with_what_secrets_need("good::good_sites_build_without_a_word");
    }
    let mut wrong = String::new();
    for seed in GOOD.iter().chain(SEEDS) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        seed.write(folder.path());
        let checked = (seed.check)(folder.path());
        let documented = |code: &str| seed.name == "python_tool" && DOCUMENTED.contains(&code);
        if checked.diagnostics().iter().any(|said| !documented(&said.code.to_string())) {
            wrong.push_str(&format!("\n{} is not good:\n{}\n", seed.name, checked.drawn()));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn good_sites_are_the_same_with_other_line_ends_blank_lines_and_a_byte_order_mark() {
    if std::env::var_os(INNER).is_none() {
        return again_with_what_secrets_need(
            "good::good_sites_are_the_same_with_other_line_ends_blank_lines_and_a_byte_order_mark",
        );
    }
    type Change = fn(&str) -> String;
    let changes: [(&str, Change); 4] = [
        ("CR LF", |text| text.replace("\r\n", "\n").replace('\n', "\r\n")),
        ("a byte order mark", |text| format!("\u{feff}{}", text.trim_start_matches('\u{feff}'))),
        ("a comment at the end", |text| format!("{text}\n# the end\n")),
        ("no line break at the end", |text| text.trim_end().to_owned()),
    ];
    for seed in GOOD.iter().chain(SEEDS).filter(|seed| seed.name != "python_tool") {
        let folder = tempfile::tempdir().expect("a folder can be made");
        seed.write(folder.path());
        let plain = plans(seed, folder.path());
        for (name, change) in changes {
            for (file, text) in seed.files() {
                let json = file.ends_with(".json") || text.starts_with('{') && file.ends_with(".yaml");
                let yaml = file.ends_with(".yaml") && !file.starts_with("secrets/") && !json;
                if yaml || json && !name.contains("comment") {
                    put(&folder.path().join(&file), &change(&text));
                }
            }
            let changed = plans(seed, folder.path());
            assert!(changed == plain, "{} has another plan with {name}", seed.name);
        }
    }
}

fn plans(seed: &Seed, folder: &Path) -> Vec<HostPlan> {
    let checked = (seed.check)(folder);
    let site = checked.plan().filter(|_| checked.diagnostics().is_empty());
    let site = site.unwrap_or_else(|| panic!("{} is not good:\n{}", seed.name, checked.drawn()));
    site.hosts().map(|host| host.plan().clone()).collect()
}

/// Runs a test again, in a process that has `sops` and `age`, and a secret in a variable.
fn again_with_what_secrets_need(test: &str) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for program in ["sops", "age"] {
        let path = folder.path().join(program);
        put(&path, "#!/bin/sh\nexit 1\n");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode can be set");
    }
    let mut path = folder.path().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let output = Command::new(std::env::current_exe().expect("this test is a program"))
        .args(["--exact", test, "--nocapture"])
        .env("PATH", path)
        .env(INNER, "good-variable-5e")
        .output()
        .expect("it can be started");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
