use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["east.yaml", "west.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let names: Vec<&str> = cx.hosts.iter().map(|host| host.name.as_str()).collect();
    plan.file("/etc/hosts.all", text!("{} {}\n", names.join(" "), cx.env.n));
}
