//! Files that are not there.

use paracrine_build::prelude::*;

site! {
    config: "../site/confg.yaml",
    inventories: ["../site/dev.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/host", text!("{}\n", cx.env.app_host));
}

fn main() {}
