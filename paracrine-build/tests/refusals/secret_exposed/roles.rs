use paracrine_build::prelude::*;

use crate::Context;

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/app.env", text!("P={}\n", cx.password)).mode(0o644);
    plan.file("/etc/public.env", text!("P={}\n", cx.password)).mode(0o644).expose("a test key of the vendor's");
    plan.unit("app.service", text!("[Service]\nExecStart=/srv/app\nEnvironment=P={}\n", cx.password));
    plan.unit("b.service", text!("[Service]\nExecStart=/srv/app --password {}\n", cx.password));
    plan.command(text!("set -e\npsql -c \"ALTER USER app PASSWORD '{}'\"\n", cx.password)).unless("true");
    plan.command(text!("A=1 B={} psql <<END\nALTER USER app PASSWORD '{0}'\nEND\nprintf %s '{0}' | docker login --password-stdin\n", cx.password)).unless("true");
    plan.command(text!("x=$(curl -u a:{} https://example.org)\n", cx.password)).unless("true");
    plan.command(text!("curl -u a:{} https://example.org\n", cx.password)).unless("false").expose("the host has no other users");
}
