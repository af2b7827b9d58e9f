//! A secret cannot be serialised, nor can what holds one: it has no value when building.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventories: ["../site/dev.yaml", "../site/prod.yaml"],
}

#[derive(serde::Serialize)]
pub struct Login {
    user: String,
    password: Secret,
}

pub fn file(cx: &Context) -> Result<String, serde_json::Error> {
    serde_json::to_string(&*cx.env)
}

fn main() {}
