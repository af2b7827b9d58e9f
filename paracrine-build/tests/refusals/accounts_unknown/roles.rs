use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.file("/srv/x", "").owner("app").group("www-dta");
    plan.user("deploy").system().groups(["sduo"]);
    plan.file("/srv/y", "").owner("deploy").group("deploy");
    plan.package("postgresql-15");
    plan.directory("/srv/z").owner("postgres").group("ssl-cert");
    plan.command("true").user("wwwdata").creates("/x");
}
