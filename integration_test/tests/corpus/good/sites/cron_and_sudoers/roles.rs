use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.package("cron");
    plan.user("backup-user").system();
    plan.file("/etc/cron.d/jobs", template("jobs.j2", context! { hour => cx.env.hour }));
    plan.file("/etc/sudoers.d/ops", local_file("ops")).mode(0o440).validate("visudo -cf {}");
}
