//! Code for an environment that the config lacks.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventories: ["../site/dev.yaml", "../site/prod.yaml"],
}

pub fn is_staging(cx: &Context) -> bool {
    cx.host.environment == Environment::Staging
}

fn main() {}
