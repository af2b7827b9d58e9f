use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.file("/srv/app/conf", "");
    plan.file("/usr/local/app/bin/x", "");
    plan.user("deploy");
    plan.file("/home/deploy/.config/x", "");
    plan.directory("/srv/vmagent");
    plan.file("/srv/vmagnet/x", "");
    plan.directory("/etc/vmagent");
    plan.file("/etc/vmagnet/x", "");
    // These are made by others, or may be.
    plan.file("/etc/nobody/knows", "");
    plan.file("/home/deploy/.profile", "");
    plan.file("/home/somebody/.config/x", "");
    plan.file("/usr/local/bin/x", "");
    plan.file("/usr/local/share/fonts/x", "");
    plan.file("/root/.ssh/authorized_keys", "");
    plan.command("make install").creates("/srv/made");
    plan.file("/srv/made/x", "");
}
