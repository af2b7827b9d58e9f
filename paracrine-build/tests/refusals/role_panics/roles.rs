use paracrine_build::prelude::*;

use crate::Context;

pub fn site(cx: &Context, plan: &Plan) {
    let number: u16 = cx.app_host.parse().expect("a number");
    plan.package(format!("postgresql-{number}"));
}
