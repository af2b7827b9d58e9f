use paracrine_build::prelude::*;

use crate::Context;

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/app.conf", template("app.conf.j2", context! { password => cx.password, all => [vec![cx.password.clone()]] }));
}
