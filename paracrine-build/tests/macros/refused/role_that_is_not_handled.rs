//! A role of an inventory that no code handles.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventories: ["../site/dev.yaml", "../site/prod.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    for role in &cx.host.roles {
        match role {
            Role::Web => {
                plan.package("nginx");
            }
        }
    }
}

fn main() {}
