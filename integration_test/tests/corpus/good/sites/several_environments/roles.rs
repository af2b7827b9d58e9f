use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inv/dev.yaml", "inv/staging-eu.yaml", "inv/prod.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let shown = match cx.host.environment {
        Environment::Dev => "d",
        Environment::StagingEu => "s",
        Environment::Prod => "p",
    };
    plan.file("/etc/env", text!("{shown} {} {}\n", cx.env.n, cx.host.environment.name()));
}
