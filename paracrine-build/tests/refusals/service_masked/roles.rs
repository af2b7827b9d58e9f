use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.service("a").enabled().masked();
    plan.service("b").masked().enabled();
    plan.service("c").running().masked();
    plan.service("d").masked().running();
    plan.service("e").masked();
}
