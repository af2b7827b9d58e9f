use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.file("/etc/0.conf", template("app.j2", context! { name => "x", ports => vec![80], kind => "tcp", workers => 2 }));
}
