use paracrine_build::prelude::*;

use crate::Context;

pub fn site(cx: &Context, plan: &Plan) {
    let shown = text!("{}", cx.password).to_string();
    plan.file("/etc/app.env", format!("P={shown}\n"));
    plan.file("/etc/b.env", template("app.env.j2", context! { shown }));
    plan.file("/etc/c.env", text!("P={}, not {shown}\n", cx.password));
    plan.command("login").unless(format!("login --password {shown}"));
    plan.command(format!("login <<< {shown}")).creates("/run/login");
}
