//! JSON Schemas of the site's YAML files, for editors: `my-site schema` writes them.
//!
//! Draft 2020-12. The config's is that of the files as they are: its environments and their keys with their types. The
//! inventories' is the same for every site but for the names of environments, roles and `vars`.

mod field;
mod inventory;
#[cfg(test)]
mod tests;

use std::path::Path;

use paracrine_model::config;
use paracrine_model::deployment::Deployment;
use paracrine_model::source::Sources;
use serde_json::{Map, Value, json};

use crate::input_files::InputFiles;
use field::{DRAFT, properties};

/// The schemas of a site by name.
pub(crate) fn all(root: &Path, deployment: &Deployment) -> [(&'static str, String); 2] {
    let config = config_schema(deployment, &common_keys(root, deployment));
    let inventory = inventory::schema(deployment);
    [("config", text(&config)), ("inventory", text(&inventory))]
}

fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

/// The keys that have values for all environments. The deployment does not tell them from others.
fn common_keys(root: &Path, deployment: &Deployment) -> Vec<String> {
    let mut files = InputFiles::new(root);
    let mut sources = Sources::new(&mut files);
    let config = sources.read(&deployment.config).ok().and_then(|source| config::parse(&source).0);
    config.iter().flat_map(|config| &config.common.entries).map(|(key, _)| key.name.clone()).collect()
}

fn config_schema(deployment: &Deployment, common: &[String]) -> Value {
    let keys = properties(&deployment.env, "cx.env");
    // Also those that may be `null`: an environment says so.
    let needed = deployment.env.0.iter().map(|field| &field.key).filter(|key| !common.contains(key));
    let needed: Vec<&String> = needed.collect();
    let environment = json!({ "$ref": "#/$defs/values", "required": needed });
    let environments: Map<String, Value> =
        deployment.environments.iter().map(|of| (of.name.to_string(), environment.clone())).collect();
    // What stands beside `environments` is for all of them, as what stands in `common`.
    let same: Map<String, Value> = keys.keys().map(|key| (key.clone(), reference(key))).collect();
    let mut top = same.clone();
    top.insert(
        "common".into(),
        json!({
            "description": "Values of all environments; those of an environment win.",
            "type": "object",
            "properties": same,
        }),
    );
    top.insert(
        "environments".into(),
        json!({
            "description": "The environments and their values. A key stands in every environment, with one type.",
            "type": "object",
            "properties": environments,
            "additionalProperties": { "$ref": "#/$defs/values" },
        }),
    );
    json!({
        "$schema": DRAFT,
        "title": format!("{}: environments and their values", deployment.config),
        "type": "object",
        "properties": top,
        "required": ["environments"],
        "$defs": {
            "values": { "type": "object", "properties": keys, "additionalProperties": false },
        },
    })
}

/// What a key is in an environment, elsewhere. Keys are letters, digits, `_` and `-`: nothing has to be escaped.
fn reference(key: &str) -> Value {
    json!({ "$ref": format!("#/$defs/values/properties/{key}") })
}
