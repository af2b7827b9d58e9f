use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.link("/etc/a", "/etc/a");
    plan.link("/etc/b", "b");
    plan.link("/etc/c", "c/below");
    plan.link("/etc/d", "/etc/e");
    plan.link("/etc/e", "../etc/f");
    plan.link("/etc/f", "/etc/d");
    // Nothing is wrong with these.
    plan.link("/etc/g", "/etc/h");
    plan.link("/etc/h", "/etc/i");
}
