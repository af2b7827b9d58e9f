use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.group("app").system();
    plan.group("old").absent();
    plan.user("app")
        .system()
        .group("app")
        .home("/srv/app")
        .shell("/usr/sbin/nologin")
        .comment("the application");
    plan.user("gone").absent();
    plan.package("nginx").at_least("1.22.1-9+deb12u1");
    plan.package("apache2").absent();
    plan.packages(["curl", "libstdc++6:amd64"]);
    plan.directory("/srv/app").owner("app").group("app").mode(0o2750);
    plan.directory("/srv/app/data").owner("app").group("app").mode(0o1777);
    let conf =
        plan.file("/srv/app/conf", "x = 1\n").owner("app").group("app").mode(0o640).validate("test -s {}");
    let secret = plan.file("/srv/app/secret", text!("{}\n", cx.env.password_of_app)).owner("app").mode(0o400);
    plan.link("/srv/app/current", "data");
    plan.absent("/srv/app/old");
    let unit = plan.unit("app.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    plan.unit("app@.service", "[Service]\nExecStart=/bin/sleep %i\n");
    plan.service("app").enabled().running().restart_on(&unit).restart_on(&secret).reload_on(&conf);
    plan.service("app@1").running();
    plan.service("apt-daily.timer").disabled().stopped();
    plan.service("exim4").masked();
    let made = plan
        .command("touch /srv/app/made")
        .creates("/srv/app/made")
        .user("app")
        .directory("/srv/app")
        .timeout(5);
    plan.command("true").named("after it was made").run_on(&made).changes_nothing();
    plan.command("sysctl --system").unless("false").only_if("true").changes(["/proc/sys"]);
}
