use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.directory("/opt/vmagent");
    plan.unit("vmagent.service", "[Service]\nExecStart=/opt/vmagent/run\n");
    plan.service("vmagnet").enabled().running();
    // The package of this name brings it.
    plan.package("nginx");
    plan.unit("nginxx.service", "[Service]\nExecStart=/usr/bin/true\n");
    plan.service("nginx").running();
}
