use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["dev.yaml", "prod.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let env = &cx.env;
    let (whole, parts): (i64, f64) = (env.int + env.big + env.neg + env.hex + env.oct, env.dec + env.exp);
    plan.file("/etc/n", text!("{whole} {parts} {} {} {}\n", env.version, env.yes, env.zero));
}
