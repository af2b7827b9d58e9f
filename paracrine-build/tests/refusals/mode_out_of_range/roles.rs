use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.file("/etc/motd", "Hello\n").mode(0o10644);
    plan.directory("/srv/app").mode(0o70755);
}
