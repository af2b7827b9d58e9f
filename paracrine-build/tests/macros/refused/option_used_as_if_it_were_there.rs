//! A value that is null somewhere is an `Option`.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventories: ["../site/dev.yaml", "../site/prod.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let proxy: &str = &cx.env.proxy;
    plan.file("/etc/proxy", text!("{proxy} {}\n", cx.host.vars.weight));
}

fn main() {}
