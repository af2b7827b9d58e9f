use paracrine_build::prelude::*;

use crate::Context;

pub fn site(cx: &Context, plan: &Plan) {
    plan.package("nginx");
    let text = template("app.conf.j2", context! { host => cx.app_host, password => cx.password, none => None::<u8> });
    let conf = plan.file("/etc/nginx/app.conf", text).mode(0o600);
    plan.file("/etc/motd", local_file("motd"));
    plan.service("nginx").enabled().running().reload_on(&conf);
}
