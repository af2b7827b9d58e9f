use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["dev.yaml", "prod.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/host", text!("{} {} {}\n", cx.env.host, cx.env.ttl, cx.env.again));
}
