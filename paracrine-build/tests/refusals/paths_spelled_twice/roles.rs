use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.file("/usr/lib/app.conf", "x\n");
    plan.file("/lib/app.conf", "x\n");
    plan.directory("/var/run/app");
    plan.absent("/run/app");
    plan.file("/bin/tool", "x\n");
    plan.file("/usr/bin/tool/x", "x\n");
    plan.file("/var/lock/app/x", "x\n");
    plan.directory("/run/lock/app");
    plan.directory("/usr/lib/fine");
    plan.file("/lib/fine/x", "x\n");
    plan.file("/usr/lib/fine/y", "x\n");
}
