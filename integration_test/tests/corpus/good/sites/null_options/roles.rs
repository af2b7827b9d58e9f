use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["dev.yaml", "prod.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    if let Some(proxy) = &cx.env.proxy {
        plan.file("/etc/proxy", text!("{proxy}\n"));
    }
    let soft = cx.env.limits.soft.unwrap_or(cx.env.limits.hard);
    let ports: i64 =
        cx.env.list.iter().filter(|item| !item.name.is_empty()).filter_map(|item| item.port).sum();
    plan.file("/etc/limit", text!("{soft} {ports}\n"));
}
