use paracrine_build::prelude::*;

use crate::Context;

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/srv/app.json", local_file("app.json"));
    plan.file("/srv/app.yaml", template("app.yaml.j2", context! { port => 80 }));
    plan.file("/srv/app.toml", "[server]\nport = yes\n");
    plan.file("/srv/late.json", text!("{{\"password\": {}, \"port\": 80,}}\n", cx.password)).mode(0o600);
    plan.file("/srv/commented.json", "{\n  // why\n  \"a\": 1\n}\n");
    plan.file("/srv/good.json", "{\n  // why\n  \"a\": 1\n}\n").format(Format::Jsonc);
    plan.file("/srv/app.conf", "[client\nuser = x\n").format(Format::Ini);
    plan.file("/srv/some.json", "whatever").unchecked();
}
