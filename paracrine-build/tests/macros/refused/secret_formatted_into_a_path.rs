//! A secret can only be placed in content: paths, names and guards are plain text.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventories: ["../site/dev.yaml", "../site/prod.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.directory(&cx.env.db_password);
    plan.package(text!("{}", cx.env.db_password));
    plan.command("true").unless(cx.env.db_password);
}

fn main() {}
