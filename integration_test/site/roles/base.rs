//! What every host has.

use super::*;

pub fn host(cx: &Context, plan: &Plan) {
    plan.group("operators");
    for admin in &cx.env.admins {
        plan.user(admin).shell("/bin/bash").groups(["operators"]);
    }
    plan.file(
        "/etc/motd",
        text!("{} of {}, deployed by Paracrine\n", cx.host.name, cx.host.environment.name()),
    );
}
