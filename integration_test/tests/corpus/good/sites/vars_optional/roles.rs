use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let vars = &cx.host.vars;
    let weight = vars.weight.unwrap_or(0) + cx.env.n;
    let disks = vars.disks.as_deref().unwrap_or_default().len();
    let rack = vars.place.as_ref().map_or("nowhere", |place| place.rack.as_str());
    plan.file("/etc/vars", text!("{weight} {disks} {rack}\n"));
}
