use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let all: i64 = cx.env.a.b.c.d.iter().flatten().sum();
    let keys: i64 = cx.env.users.iter().flat_map(|user| &user.keys).map(|key| key.bits).sum();
    for user in &cx.env.users {
        plan.user(&user.name);
    }
    plan.file("/etc/all", text!("{all} {keys}\n"));
}
