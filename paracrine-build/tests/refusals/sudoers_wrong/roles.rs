use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.file("/etc/sudoers.d/ops", local_file("ops")).mode(0o440).validate("visudo -cf {}");
    plan.file("/etc/sudoers.d/ops.conf", "deploy ALL=(ALL) NOPASSWD: ALL\n").mode(0o664);
    plan.file("/etc/sudoers.d/good", local_file("good")).mode(0o440).validate("visudo -cf {}");
}
