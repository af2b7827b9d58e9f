use paracrine_build::prelude::*;

use crate::Context;

pub fn site(cx: &Context, plan: &Plan) {
    let map = std::collections::BTreeMap::from([("a", &cx.password)]);
    plan.file("/etc/app.conf", template("app.conf.j2", context! { map, password => cx.password }));
    plan.file("/etc/other", template("dynamic.j2", context! { map => [("a", &cx.password)] }));
}
