//! Modes are numbers, triggers are tasks.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventories: ["../site/dev.yaml", "../site/prod.yaml"],
}

pub fn site(_: &Context, plan: &Plan) {
    plan.directory("/srv/app").mode("0750");
    plan.service("nginx").restart_on("/etc/nginx.conf");
    plan.service("nginx").mode(0o644);
}

fn main() {}
