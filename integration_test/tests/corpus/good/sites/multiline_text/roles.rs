use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let env = &cx.env;
    plan.file("/etc/m", text!("{}{}{}{}\n", env.literal, env.folded, env.kept, env.plain));
}
