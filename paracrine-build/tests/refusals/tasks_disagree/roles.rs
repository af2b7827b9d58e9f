use paracrine_build::prelude::*;

use crate::Context;

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/motd", "Hello\n").mode(0o644);
    plan.package("nginx");
    plan.file("/etc/motd", "Hello\n").mode(0o600);
    plan.link("/etc/motd", "/run/motd");
    plan.package("nginx").absent();
    plan.file("/etc/conf", "x\n").validate("conf -t {}");
    plan.file("/etc/conf", "x\n").mode(0o600);
    plan.command("true").creates("/x").timeout(60);
    plan.command("true").creates("/x");
    plan.file("/etc/late", text!("PASSWORD={}\n", cx.password));
    plan.file("/etc/late", text!("SECRET={}\n", cx.password));
}
