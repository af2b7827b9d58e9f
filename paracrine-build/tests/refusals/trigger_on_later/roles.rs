use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    let nginx = plan.service("nginx").running();
    let conf = plan.file("/etc/nginx/nginx.conf", "events {}\n");
    nginx.restart_on(&conf);
}
