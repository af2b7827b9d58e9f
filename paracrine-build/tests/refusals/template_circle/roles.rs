use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.file("/etc/0.conf", template("a.j2", context! {}));
    plan.file("/etc/1.conf", template("self.j2", context! {}));
    plan.file("/etc/2.conf", template("include.j2", context! {}));
}
