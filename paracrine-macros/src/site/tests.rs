use quote::quote;

use super::*;

fn refused(input: TokenStream) -> String {
    match syn::parse2::<Input>(input) {
        Ok(_) => "nothing".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn arguments_are_config_and_inventories() {
    for (input, message) in [
        (quote!(config: "a", inventories: ["b"]), "nothing"),
        (quote!(inventories: ["b", "c",], config: "a",), "nothing"),
        (
            quote!(inventories: ["b"]),
            "`site!` wants `config`: `site! { config: \"config.yaml\", inventories: \
             [\"inventory/dev.yaml\"] }`",
        ),
        (
            quote!(config: "a"),
            "`site!` wants `inventories`: `site! { config: \"config.yaml\", inventories: \
             [\"inventory/dev.yaml\"] }`",
        ),
        (quote!(konfig: "a"), "`site!` has no `konfig`; did you mean `config`?"),
        (
            quote!(roles: "a"),
            "`site!` has no `roles`; write `site! { config: \"config.yaml\", inventories: [\"inventory/dev.yaml\"] }`",
        ),
        (quote!(config: "a", config: "b"), "`config` stands twice; remove one"),
        (quote!(config: ""), "the path of a file is empty"),
        (
            quote!(config: "a", inventories: []),
            "`site!` wants at least one inventory: `inventories: [\"inventory/dev.yaml\"]`",
        ),
        (quote!(config: "a", inventories: ["b", "b"]), "inventory `b` stands twice; remove one"),
        (quote!(config: "a" inventories: ["b"]), "expected `,`"),
        (quote!(config: a), "expected string literal"),
    ] {
        assert_eq!(refused(input.clone()), message, "{input}");
    }
}

/// A site in the package's own `tests` folder.
fn expanded(config: &str, inventory: &str) -> String {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folders = Folders::new(package.clone(), Some(&package.join("tests/site.rs")));
    let input = syn::parse2::<Input>(quote!(config: #config, inventories: [#inventory])).unwrap();
    expand_in(&input, &folders).to_string()
}

#[test]
fn files_with_errors_become_one_error_and_types_that_agree_with_everything() {
    let tokens = expanded("site/none.yaml", "site/dev.yaml");
    assert_eq!(tokens.matches("compile_error").count(), 1);
    assert!(tokens.contains(
        "an error in the files of this site\\n\\nerror[P0101]: cannot read `tests/site/none.yaml`"
    ));
    for name in ["Context", "Env", "Environment", "Host", "Role", "Vars"] {
        assert!(tokens.contains(&format!("pub type {name} = broken :: {name}")), "{name}: {tokens}");
    }
    // What could be read is watched, so that mending it compiles again.
    assert_eq!(tokens.matches("include_bytes").count(), 1);
}

#[test]
fn generated_items_are_types_without_values() {
    let tokens = expanded("site/config.yaml", "site/dev.yaml");
    syn::parse_str::<syn::File>(&tokens).unwrap();
    assert!(!tokens.contains("app.dev.example.org") && !tokens.contains("10.0.0.1"), "{tokens}");
    assert!(
        tokens.contains("`APP_HOST`: dev tests/site/config.yaml:5:5, prod-eu tests/site/config.yaml:17:5"),
        "{tokens}"
    );
    assert_eq!(tokens.matches("include_bytes").count(), 2);
}
