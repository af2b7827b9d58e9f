use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/usr/local/share/logo", local_file("images/logo.bin")).mode(0o444);
    plan.file("/etc/empty", "");
    plan.file("/etc/n", text!("{}", cx.env.n));
}
