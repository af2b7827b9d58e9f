//! A name typed wrong: rustc knows the near one.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventories: ["../site/dev.yaml", "../site/prod.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/host", text!("{}\n", cx.env.app_hots));
    plan.file("/etc/weight", text!("{}\n", cx.host.vars.wieght.unwrap_or(1)));
}

fn main() {}
