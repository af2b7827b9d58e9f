use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/n", text!("{}\n", cx.env.n));
}
