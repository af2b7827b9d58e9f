//! Every resource, with every builder method there is.

use paracrine_build::prelude::*;

mod accounts;
mod app;
mod backup;

site! {
    config: "config.yaml",
    inventories: ["inventory/dev.yaml", "inventory/prod.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    accounts::all(cx, plan);
    for role in &cx.host.roles {
        match role {
            Role::App => app::server(cx, plan),
            Role::Backup => backup::jobs(cx, plan),
        }
    }
}
