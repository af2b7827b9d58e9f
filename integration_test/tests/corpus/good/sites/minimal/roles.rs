use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(_: &Context, plan: &Plan) {
    plan.package("curl");
}
