use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.file("/srv/app/config", "x\n");
    plan.directory("/srv/app");
    plan.service("nginx").running();
    plan.package("nginx");
    plan.service("app@1").running();
    plan.unit("app@.service", "[Service]\nExecStart=/usr/bin/true\n");
    plan.service("ssh").running();
    plan.package("openssh-server");
    plan.file("/srv/x", "").owner("app").group("app");
    plan.user("app").groups(["docker"]);
    plan.package("docker.io");
    plan.command("make").directory("/srv/make").creates("/srv/made");
    plan.directory("/srv/make");
}
