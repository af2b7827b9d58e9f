//! Groups and users.

use super::*;

pub fn all(cx: &Context, plan: &Plan) {
    plan.group("operators").system().gid(900);
    plan.group("app").gid(901);
    plan.group("former").absent();
    for admin in &cx.env.admins {
        plan.user(admin).groups(["operators", "adm"]).shell("/bin/bash").comment("one of the team");
    }
    plan.user("app").system().uid(901).group("app").home("/srv/app").shell("/usr/sbin/nologin");
    plan.user("backup").system();
    plan.user("intern").absent();
    plan.file("/etc/sudoers.d/operators", local_file("ops.sudoers")).mode(0o440).validate("visudo -cf {}");
    plan.hostname("app1.example.org");
    plan.file("/etc/motd", text!("{} of {}\n", cx.host.name, cx.host.environment.name()));
    if let Some(zone) = &cx.host.vars.zone {
        plan.file("/etc/zone", text!("{zone} {}\n", cx.env.domain));
    }
}
