use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let env = &cx.env;
    plan.file(
        "/etc/k",
        text!("{} {} {} {} {}\n", env.type_of, env.matches, env.self_url, env.kebab_case, env.camel_case),
    );
}
