use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.command("make").creates("relative");
    let conf = plan.file("relative", "");
    plan.command("reload").run_on(&conf);
    plan.command("late").run_on(&plan.file("/etc/x", "").mode(0x750));
}
