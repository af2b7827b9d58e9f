use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.service("ssh").enabled();
    plan.service("sshd").disabled();
    plan.unit("app.service", "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\nAlias=web.service\n");
    plan.service("app").enabled().running().settled_for(5);
    plan.service("web").stopped();
    plan.service("named").enabled();
    plan.service("bind9").running();
    plan.service("nfs-server").running().settled_for(0);
    plan.service("nfs-kernel-server").running().settled_for(7200);
}
