use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.file("/srv/app", "x\n");
    plan.file("/srv/app/config", "x\n");
    plan.link("/srv/current", "/srv/releases/1");
    plan.directory("/srv/current/logs/old");
    plan.absent("/srv/old");
    plan.file("/srv/old/x", "x\n");
    plan.absent("/srv/current/cache");
    plan.directory("/srv/fine");
    plan.file("/srv/fine/x", "x\n");
}
