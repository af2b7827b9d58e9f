use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/text", text!("{}{}\n", cx.env.text, cx.env.quoted));
}
