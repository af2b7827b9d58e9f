//! All errors in the files at once, and none that follow from them.

use paracrine_build::prelude::*;

site! {
    config: "../broken/config.yaml",
    inventories: ["../broken/dev.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/host", text!("{}\n", cx.env.app_host));
    for role in &cx.host.roles {
        match role {
            Role::Web => {}
        }
    }
}

fn main() {}
