use std::collections::BTreeSet;

use paracrine_model::deployment;
use paracrine_model::diagnostic::Code;
use paracrine_model::host::Arch;
use paracrine_model::inventory::{KEYS, SERVER_KEYS};
use paracrine_model::source::Source;
use paracrine_model::yaml::{self, Node};

use super::*;

/// The schemas of the site in a folder.
fn schemas(root: &Path, inventories: &[&str]) -> [Value; 2] {
    let mut files = InputFiles::new(root);
    let (deployment, problems) = deployment::load(&mut Sources::new(&mut files), "config.yaml", inventories);
    let deployment = deployment.unwrap_or_else(|| panic!("{problems:?}"));
    all(root, &deployment).map(|(_, text)| serde_json::from_str(&text).unwrap())
}

fn example() -> (&'static Path, [Value; 2]) {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../integration_test/site"));
    (root, schemas(root, &["inventory/dev.yaml", "inventory/prod.yaml"]))
}

/// YAML as a validator sees it: tags are gone.
fn plain(node: &Node) -> Value {
    match &node.value {
        yaml::Value::Null => Value::Null,
        yaml::Value::Bool(value) => json!(value),
        yaml::Value::Int(value) => json!(value),
        yaml::Value::Float(value) => json!(value),
        yaml::Value::Text(value) => json!(value),
        yaml::Value::List(items) => items.iter().map(plain).collect(),
        yaml::Value::Map(map) => {
            Value::Object(map.entries.iter().map(|(key, node)| (key.name.clone(), plain(node))).collect())
        }
    }
}

/// What a schema has against a YAML text.
fn wrong(schema: &Value, text: &str) -> Vec<String> {
    let source = Source::of_text("f.yaml", text.to_owned());
    let node = yaml::parse(&source).0.unwrap();
    let mut wrong = Vec::new();
    validate(schema, schema, &plain(&node), "", &mut wrong);
    wrong
}

/// As much of JSON Schema as these schemas use; any other keyword is refused.
fn validate(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    for (keyword, wanted) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" | "additionalProperties" => {}
            "$ref" => {
                let pointer = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                validate(root, root.pointer(pointer).unwrap(), value, at, wrong);
            }
            "type" => {
                let is = match value {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(number) if number.is_i64() => "integer",
                    Value::Number(_) => "number",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                let fits = |name: &Value| name == is || (name == "number" && is == "integer");
                if !wanted.as_array().map_or_else(|| fits(wanted), |names| names.iter().any(fits)) {
                    wrong.push(format!("{at} is {is}, not {wanted}"));
                }
            }
            "enum" => {
                if !wanted.as_array().unwrap().contains(value) {
                    wrong.push(format!("{at} is {value}, none of {wanted}"));
                }
            }
            "anyOf" => {
                let fits = |schema| {
                    let mut wrong = Vec::new();
                    validate(root, schema, value, at, &mut wrong);
                    wrong.is_empty()
                };
                if !wanted.as_array().unwrap().iter().any(fits) {
                    wrong.push(format!("{at} fits nothing of {wanted}"));
                }
            }
            "properties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    let at = format!("{at}/{key}");
                    match (wanted.get(key), schema.get("additionalProperties")) {
                        (Some(schema), _) => validate(root, schema, value, &at, wrong),
                        (None, Some(Value::Bool(false))) => wrong.push(format!("{at} is not known")),
                        (None, Some(schema)) => validate(root, schema, value, &at, wrong),
                        (None, None) => {}
                    }
                }
            }
            "required" => {
                for key in wanted.as_array().unwrap().iter().filter_map(Value::as_str) {
                    if value.as_object().is_some_and(|map| !map.contains_key(key)) {
                        wrong.push(format!("{at} has no {key}"));
                    }
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    validate(root, wanted, item, &format!("{at}/{index}"), wrong);
                }
            }
            "minItems" => {
                if value.as_array().is_some_and(|items| (items.len() as u64) < wanted.as_u64().unwrap()) {
                    wrong.push(format!("{at} is too short"));
                }
            }
            "uniqueItems" => {
                let items: Vec<_> = value.as_array().into_iter().flatten().map(Value::to_string).collect();
                if items.iter().collect::<BTreeSet<_>>().len() < items.len() {
                    wrong.push(format!("{at} holds something twice"));
                }
            }
            "minimum" | "maximum" => {
                let too_far = |number: i64| match keyword.as_str() {
                    "minimum" => number < wanted.as_i64().unwrap(),
                    _ => number > wanted.as_i64().unwrap(),
                };
                if value.as_i64().is_some_and(too_far) {
                    wrong.push(format!("{at} is out of range"));
                }
            }
            other => panic!("the validator of this test does not know `{other}`"),
        }
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn the_files_of_the_example_conform() {
    let (root, [config, inventory]) = example();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    assert_eq!(wrong(&config, &read("config.yaml")), NOTHING);
    for path in ["inventory/dev.yaml", "inventory/prod.yaml"] {
        assert_eq!(wrong(&inventory, &read(path)), NOTHING, "{path}");
    }
    assert_eq!([&config["$schema"], &inventory["$schema"]], [DRAFT, DRAFT]);
}

#[test]
fn mistakes_in_a_config_are_seen() {
    let (root, [config, _]) = example();
    let text = std::fs::read_to_string(root.join("config.yaml")).unwrap();
    let with = |from: &str, to: &str| wrong(&config, &text.replacen(from, to, 1));
    assert_eq!(with("WORKERS: 2", "WORKERS: two"), [r#"/environments/dev/WORKERS is string, not "integer""#]);
    assert_eq!(
        with("APP_HOST: app.dev", "APP_HSOT: app.dev"),
        ["/environments/dev/APP_HSOT is not known", "/environments/dev has no APP_HOST"]
    );
    assert_eq!(with("[ann, bob]", "ann"), [r#"/common/ADMINS is string, not "array""#]);
    // What may well become right: a further common key, a further environment.
    assert_eq!(with("BACKUP_HOUR: 3", "BACKUP_HOUR: 3\n  NEW: 1"), NOTHING);
    assert_eq!(with("  prod:", "  staging: { WORKERS: 1 }\n  prod:"), NOTHING);
    let secret = &config["$defs"]["values"]["properties"]["DB_PASSWORD"];
    assert_eq!(
        *secret,
        json!({
            "type": "string",
            "description": "`cx.env.db_password` in roles: a secret, by where it is kept: \
                `!env` and the name of an environment variable, `!file` and the path of a file, \
                `!command` and a shell command, `!sops` and `file#key`, `!age` and the path of a file",
        })
    );
}

#[test]
fn mistakes_in_an_inventory_are_seen() {
    let (_, [_, inventory]) = example();
    let with =
        |server: &str| wrong(&inventory, &format!("environment: dev\nservers: [{{ name: a, {server} }}]\n"));
    let whole = "ssh_hostname: a, ssh_port: 22, ssh_user: root, ssh_key: k, wireguard_ip: 10.0.0.1, roles: [web, new], \
                 vars: { weight: 2, other: x }, sudo: false, arch: arm64, os: debian-12, jump: null, host_key: k, count: 1";
    assert_eq!(with(whole), NOTHING);
    assert_eq!(with("ssh_prot: 22"), ["/servers/0/ssh_prot is not known"]);
    assert_eq!(with("ssh_port: 0"), ["/servers/0/ssh_port is out of range"]);
    assert_eq!(with("ssh_port: '22'"), [r#"/servers/0/ssh_port is string, not ["integer","null"]"#]);
    assert_eq!(with("roles: [web, web]"), ["/servers/0/roles holds something twice"]);
    assert_eq!(with("os: debian-2").len(), 1);
    assert_eq!(with("vars: { weight: much }").len(), 1);
    assert_eq!(
        wrong(&inventory, "environment: prd\nservers: []\ndefaults: { host_key: k }\n"),
        [
            "/defaults/host_key is not known",
            r#"/environment is "prd", none of ["dev","prod"]"#,
            "/servers is too short",
        ]
    );
    assert_eq!(
        wrong(&inventory, "data_path: .\nservers: [{}]\n"),
        ["/servers/0 has no name", " has no environment"]
    );
}

#[test]
fn the_keys_of_inventories_are_those_that_are_read() {
    let (_, [_, inventory]) = example();
    let keys = |of: &Value| of["properties"].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let set = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    assert_eq!(keys(&inventory), set(&KEYS));
    assert_eq!(keys(&inventory["$defs"]["Server"]), set(&SERVER_KEYS));
    for key in SERVER_KEYS {
        let text = format!(
            "environment: dev\ndefaults: {{ {key}: null }}\nservers: [{{ name: a, ssh_hostname: b }}]\n"
        );
        let folder = tempfile::tempdir().unwrap();
        let mut files = InputFiles::new(folder.path());
        let found = paracrine_model::inventory::parse(
            &Source::of_text("i.yaml", text),
            &mut Sources::new(&mut files),
        )
        .1;
        let refused = found.iter().any(|problem| problem.code == Code::UNKNOWN_KEY);
        assert_eq!(keys(&inventory["$defs"]["Defaults"]).contains(key), !refused, "{key}");
    }
    assert!(inventory::ARCHES.iter().all(|name| Arch::parse(name).is_some()));
    assert!(Arch::ALL.iter().all(|arch| inventory::ARCHES.contains(&arch.name())));
}

#[test]
fn nested_optional_and_unusual_keys_have_their_types() {
    let folder = tempfile::tempdir().unwrap();
    let config = "\
LOCALE: C
base: &base { RATIO: 1 }
environments:
  dev: { <<: *base, smtp: { host: a, password: !env P, port: null }, list: [{ a: 1 }, { a: 2, b: x }], empty: [], a-b: 1 }
  prod: { RATIO: 0.5, smtp: { host: b, password: !file p, port: 25 }, list: [], empty: [], a-b: 2 }
";
    std::fs::write(folder.path().join("config.yaml"), config).unwrap();
    for name in ["dev", "prod"] {
        let text = format!("environment: {name}\nservers: [{{ name: a, ssh_hostname: 192.0.2.1 }}]\n");
        std::fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let [schema, _] = schemas(folder.path(), &["dev.yaml", "prod.yaml"]);
    assert_eq!(
        wrong(&schema, &config.replace("a-b", "c")).len(),
        4,
        "an unknown and a missing key in each environment"
    );
    assert_eq!(
        wrong(&schema, &config.replace("host: a,", "host: 1,")),
        [r#"/environments/dev/smtp/host is integer, not "string""#]
    );
    let key = |name: &str| schema["$defs"]["values"]["properties"][name].clone();
    assert_eq!(key("RATIO")["type"], "number");
    assert_eq!(
        key("smtp")["properties"]["port"]["anyOf"],
        json!([{ "type": "integer" }, { "type": "null" }])
    );
    assert_eq!(key("smtp")["properties"]["port"]["description"], "`cx.env.smtp.port` in roles");
    assert_eq!(key("empty")["items"], json!({}));
    assert_eq!(schema["properties"]["a-b"]["$ref"], "#/$defs/values/properties/a-b");
    assert_eq!(
        schema["properties"]["environments"]["properties"]["dev"]["required"].as_array().map(Vec::len),
        Some(5)
    );
}
