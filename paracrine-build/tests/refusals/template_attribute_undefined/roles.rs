use paracrine_build::prelude::*;

use crate::Context;

#[derive(ForTemplate)]
struct App {
    host: String,
    port: u16,
}

pub fn site(cx: &Context, plan: &Plan) {
    let app = App { host: cx.app_host.clone(), port: 80 };
    let apps = [&app];
    plan.file("/etc/app.conf", template("app.conf.j2", context! { app, apps }));
}
