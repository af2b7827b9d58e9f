use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.user("a").uid(1500);
    plan.user("b").uid(1500);
    plan.group("c").gid(1500);
    plan.group("d").gid(1500);
    plan.user("e").uid(33);
    plan.group("f").gid(27);
    // A user and a group have numbers of their own, and the same user twice is one.
    plan.user("g").uid(1600);
    plan.group("h").gid(1600);
    plan.user("g").uid(1600);
}
