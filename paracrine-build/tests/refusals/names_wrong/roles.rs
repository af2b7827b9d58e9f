use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.package("Nginx");
    plan.package("nginx=1.22");
    plan.package("nginx").at_least("v1.22");
    plan.user("App User");
    plan.service("app.servce");
    plan.unit("app", "[Service]\nExecStart=/srv/app\n");
    plan.file("/etc/sudoers.d/x", "").mode(0o440).validate("visudo -c");
    plan.file("/etc/x", "").expose(" ");
    plan.command("true").creates("/x").timeout(0);
    plan.user("app").comment("a:b");
    plan.command("").unless("");
}
