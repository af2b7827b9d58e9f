//! Schemas of values, by the types that the files' own values have.

use paracrine_model::shape::{Fields, Shape};
use paracrine_model::yaml::TagKind;
use serde_json::{Map, Value, json};

/// The dialect of all schemas.
pub(super) const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The fields of a struct by key; roles know them below `path`.
pub(super) fn properties(fields: &Fields, path: &str) -> Map<String, Value> {
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
        Shape::List(item) | Shape::Optional(item) | Shape::Map(item) => holds_secret(item),
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
        Shape::Map(item) => json!({ "type": "object", "additionalProperties": shape(item, path) }),
        Shape::Struct(fields) => json!({
            "type": "object",
            "properties": properties(fields, path),
            "additionalProperties": false,
        }),
        Shape::Optional(some) => json!({ "anyOf": [shape(some, path), { "type": "null" }] }),
    }
}
