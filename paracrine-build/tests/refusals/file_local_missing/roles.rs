use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.file("/etc/motd", local_file("mtod"));
    plan.file("/etc/issue", local_file("files/motd"));
    plan.file("/etc/issue.net", local_file("something"));
    plan.file("/etc/motd.d/x", local_file("motd"));
}
