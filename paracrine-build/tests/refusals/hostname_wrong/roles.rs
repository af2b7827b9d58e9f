use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.hostname("web_1");
    plan.hostname("web1.example.org");
    plan.hostname("web2.example.org");
    plan.file("/etc/hosts", "127.0.0.1 localhost\n");
}
