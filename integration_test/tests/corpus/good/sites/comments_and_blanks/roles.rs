use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/c", text!("{} {} {}\n", cx.env.a, cx.env.b, cx.env.c));
}
