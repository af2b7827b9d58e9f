use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let sum: i64 = cx.env.deep.a.b.iter().sum();
    assert!(cx.env.empty.is_empty());
    plan.file("/etc/sum", text!("{sum} {}\n", cx.env.text));
}
