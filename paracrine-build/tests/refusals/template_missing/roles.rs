use paracrine_build::prelude::*;

use crate::Context;

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/app.conf", template("ap.conf.j2", context! { host => cx.app_host }));
    plan.file("/etc/other", template("something/else.j2", context! {}));
    plan.file("/etc/good", template("app.conf.j2", context! {}));
}
