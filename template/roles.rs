//! What hosts should be. Runs when the site is built, for every host of every inventory.

use paracrine_build::prelude::*;

mod web;

site! {
    config: "config.yaml",
    inventories: ["inventory/dev.yaml", "inventory/prod.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.packages(["curl", "ca-certificates"]);
    for role in &cx.host.roles {
        match role {
            Role::Web => web::server(cx, plan),
        }
    }
}
