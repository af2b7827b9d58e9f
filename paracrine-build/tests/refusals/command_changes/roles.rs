use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    let conf = plan.file("/etc/app.conf", "x\n");
    plan.directory("/srv/app");
    plan.command("relative").unless("true").changes(["srv/app"]);
    plan.command("none").unless("true").changes(Vec::<String>::new());
    plan.command("both").unless("true").changes(["/srv/app"]).changes_nothing();
    plan.command("made").changes_nothing().creates("/srv/made");
    plan.command("edit").run_on(&conf).changes(["/srv/app", "/etc/app.conf"]);
    plan.command("edit early").unless("true").changes(["/etc/late.conf"]);
    plan.file("/etc/late.conf", "x\n");
}
