use paracrine_build::prelude::*;

use crate::Context;

pub fn site(cx: &Context, plan: &Plan) {
    plan.package("curl");
    if cx.host == "db1" {
        assert_eq!(cx.environment, "dev", "no databases but in dev");
    }
}
