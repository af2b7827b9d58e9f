use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/a.json", text!("{{\"inner\": {}}}\n", cx.env.json));
    plan.file("/etc/b.conf", template("nginx.j2", context! { json => cx.env.json }));
}
