use paracrine_build::prelude::*;
use serde::{Serialize, Serializer};

use crate::Context;

struct Unfit;

impl Serialize for Unfit {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it is unfit."))
    }
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/a", template("a.j2", context! { unfit => serialized(&Unfit) }));
    plan.file("/etc/b", template("a.j2", context! { host => "\u{fdd0}pLaCe0\u{fdd1}" }));
    plan.file("/etc/c", template("marked.j2", context! { host => cx.app_host }));
    plan.file("/etc/d", template("latin.j2", context! { host => cx.app_host }));
}
