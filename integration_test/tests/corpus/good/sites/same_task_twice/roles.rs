use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    for _ in 0..3 {
        plan.package("curl");
        plan.directory("/srv/x").mode(0o750);
        plan.file("/srv/x/n", text!("{}\n", cx.env.n));
    }
}
