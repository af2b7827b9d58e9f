use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/zone", text!("{} {}\n", cx.host.vars.zone, cx.env.n));
}
