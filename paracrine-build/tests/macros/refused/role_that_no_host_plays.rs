//! Code for a role that is in no inventory.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventories: ["../site/dev.yaml", "../site/prod.yaml"],
}

pub fn is_cache(role: Role) -> bool {
    role == Role::Cache
}

fn main() {}
