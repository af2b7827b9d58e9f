//! Schemas for editors.

use crate::cli::args::Schema;
use crate::cli::schema;
use crate::site::Site;
use crate::testing::{TestSite, plain};

fn site(directory: &str) -> Site {
    let embedded = TestSite::new()
        .host("dev", "box", &[], |_| {})
        .schema("config", "{ \"title\": \"c\" }\n")
        .schema("inventory", "{ \"title\": \"i\" }\n")
        .built_in(directory);
    Site::open(embedded, None).unwrap()
}

#[test]
fn schemas_are_written_into_the_site() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("Cargo.toml"), "[package]\nname = \"shop\"\n").unwrap();
    let site = site(&directory.path().display().to_string());
    let write = || plain(&schema::schema(&site, &Schema { stdout: false }).unwrap());
    assert_eq!(
        write(),
        "\
schema/config.json  written
schema/inventory.json  written

Editors with the YAML language server use them where a file begins with this line:
  the config   # yaml-language-server: $schema=schema/config.json
  inventories  # yaml-language-server: $schema=../schema/inventory.json
Its setting for the tags of secrets:
  \"yaml.customTags\": [\"!env\", \"!file\", \"!command\", \"!sops\", \"!age\"]
"
    );
    let read = |name: &str| std::fs::read_to_string(directory.path().join("schema").join(name)).unwrap();
    assert_eq!(read("config.json"), "{ \"title\": \"c\" }\n");
    assert_eq!(read("inventory.json"), "{ \"title\": \"i\" }\n");
    assert!(write().starts_with("schema/config.json  as it was\nschema/inventory.json  as it was\n"));
}

#[test]
fn schemas_are_shown_where_the_site_is_not_here() {
    let site = site("/nowhere/shop");
    let problem = schema::schema(&site, &Schema { stdout: false }).unwrap_err();
    assert_eq!(
        plain(&problem.draw()),
        "error: the files of this site are not here\n  help: run it in the site, or with `--stdout`\n"
    );
    assert_eq!(
        schema::schema(&site, &Schema { stdout: true }).unwrap(),
        "{\n  \"config\": {\n    \"title\": \"c\"\n  },\n  \"inventory\": {\n    \"title\": \"i\"\n  }\n}\n"
    );
}
