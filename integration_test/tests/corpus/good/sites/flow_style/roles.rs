use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    for port in &cx.env.ports {
        plan.file(format!("/etc/port.{port}"), text!("{} {}\n", cx.env.host, cx.env.team));
    }
}
