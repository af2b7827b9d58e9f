use paracrine_build::prelude::*;

use crate::Context;

fn greeting(plan: &Plan, text: &str) {
    plan.file("/etc/motd", text);
}

fn web(plan: &Plan) {
    greeting(plan, "web\n");
}

fn db(plan: &Plan) {
    greeting(plan, "db\n");
}

pub fn site(_: &Context, plan: &Plan) {
    web(plan);
    db(plan);
    plan.hostname("web1");
    plan.absent("/etc/hostname");
}
