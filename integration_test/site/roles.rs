//! What the hosts of this site should be.

use paracrine_build::prelude::*;

mod base;
mod db;
mod web;

site! {
    config: "config.yaml",
    inventories: ["inventory/dev.yaml", "inventory/prod.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    base::host(cx, plan);
    for role in &cx.host.roles {
        match role {
            Role::Web => web::server(cx, plan),
            Role::Db => db::server(cx, plan),
        }
    }
}
