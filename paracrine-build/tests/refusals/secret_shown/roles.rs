use paracrine_build::prelude::*;

use crate::Context;

pub fn site(cx: &Context, plan: &Plan) {
    let shown = text!("{}", cx.password).to_string();
    plan.file("/etc/app.env", format!("P={shown}\n"));
    plan.file("/etc/b.env", template("app.env.j2", context! { shown }));
    plan.file("/etc/c.env", text!("P={}, not {shown}\n", cx.password));
    plan.command("login").unless(format!("login --password {shown}"));
    plan.command(format!("login <<< {shown}")).creates("/run/login");
    let debugged = text!("P={}", cx.password);
    plan.file("/etc/d.env", format!("{debugged:?}\n"));
    plan.file("/etc/e.env", format!("{:?}\n", cx.password.source()));
    plan.file("/etc/f.env", template("app.env.j2", context! { shown => serialized(&debugged) }));
    plan.file(format!("/etc/{shown}"), "in a path\n");
    plan.user("app").comment(format!("{debugged:?}").replace(':', ""));
    plan.link("/etc/g.env", format!("/run/{shown}"));
    // It is what the command is called, which nobody deploys.
    plan.command(text!("printf %s {} > /run/h\n", cx.password)).creates("/run/h");
}
