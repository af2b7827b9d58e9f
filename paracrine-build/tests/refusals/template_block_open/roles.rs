use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.file("/etc/0.conf", template("if.j2", context! {}));
    plan.file("/etc/1.conf", template("wrong.j2", context! {}));
    plan.file("/etc/2.conf", template("stray.j2", context! {}));
    plan.file("/etc/3.conf", template("comment.j2", context! {}));
    plan.file("/etc/4.conf", template("place.j2", context! {}));
    plan.file("/etc/5.conf", template("raw.j2", context! {}));
    plan.file("/etc/6.conf", template("string.j2", context! {}));
}
