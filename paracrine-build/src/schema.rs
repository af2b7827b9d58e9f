//! JSON Schemas of the site's YAML files, for editors: `my-site schema` writes them.
//!
//! Draft 2020-12. The config's is that of the files as they are: its environments and their keys with their types. The
//! inventories' is the same for every site but for the names of environments, roles and `vars`.

mod inventory;
#[cfg(test)]
mod tests;

use std::path::Path;

use paracrine_model::config;
use paracrine_model::deployment::Deployment;
use paracrine_model::shape::{Fields, Shape};
use paracrine_model::source::Sources;
use paracrine_model::yaml::TagKind;
use serde_json::{Map, Value, json};

use crate::disk::Disk;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

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
    let mut disk = Disk::new(root);
    let mut sources = Sources::new(&mut disk);
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

/// The fields of a struct by key; roles know them below `path`.
fn properties(fields: &Fields, path: &str) -> Map<String, Value> {
    let property = |field: &paracrine_model::shape::FieldShape| {
        let path = format!("{path}.{}", field.name);
        let mut schema = shape(&field.shape, &path);
        if let Some(object) = schema.as_object_mut() {
            let mut description = format!("`{path}` in roles");
            if holds_secret(&field.shape) {
                description.push_str(": a secret, by where it is kept: ");
                description.push_str(&tags());
            }
            object.insert("description".into(), description.into());
        }
        (field.key.clone(), schema)
    };
    fields.0.iter().map(property).collect()
}

/// Whether a value is a secret or a list of them. Those in structs are told of where they stand.
fn holds_secret(shape: &Shape) -> bool {
    match shape {
        Shape::Secret => true,
        Shape::List(item) | Shape::Optional(item) => holds_secret(item),
        _ => false,
    }
}

/// The tags of secrets and what stands behind each.
fn tags() -> String {
    TagKind::ALL.map(|tag| format!("`{}` and {}", tag.name(), tag.wants())).join(", ")
}

/// A type. Roles know its value by `path`.
fn shape(of: &Shape, path: &str) -> Value {
    match of {
        Shape::Unknown => json!({}),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Int => json!({ "type": "integer" }),
        Shape::Float => json!({ "type": "number" }),
        // To JSON Schema a tagged value is its text.
        Shape::Text | Shape::Secret => json!({ "type": "string" }),
        Shape::List(item) => json!({ "type": "array", "items": shape(item, path) }),
        Shape::Struct(fields) => json!({
            "type": "object",
            "properties": properties(fields, path),
            "additionalProperties": false,
        }),
        Shape::Optional(some) => json!({ "anyOf": [shape(some, path), { "type": "null" }] }),
    }
}
