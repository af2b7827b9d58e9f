use paracrine_build::prelude::*;

use crate::Context;

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/sysctl.d/90-app.conf", local_file("app.conf"));
    plan.file("/etc/sysctl.d/90-app", "vm.swappiness = 10\n");
    plan.file("/etc/sysctl.conf", "= 1\n");
    plan.file("/etc/sysctl.d/late.conf", text!("kernel.domainname = {}\nkernel.core_pattern =\nvm.swapiness = 1\n", cx.password));
}
