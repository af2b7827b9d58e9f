use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let env = &cx.env;
    let late = text!("<{}>", env.token);
    plan.file(
        "/etc/page",
        template("page.j2", context! { hosts => env.hosts, table => env.table, token => env.token, late, none => env.none, cx }),
    )
    .mode(0o640);
}
