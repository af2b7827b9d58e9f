use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let all = &cx.env.all;
    plan.file(
        "/etc/all",
        text!("{} {} {} {} {}\n", all.cpu, all.memory, all.disk, cx.env.base.cpu, cx.env.more.disk),
    );
}
