use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let token = &cx.env.api_token;
    plan.file("/etc/public", text!("{token}\n")).mode(0o644).expose("the token is public in this network");
    plan.unit("hook.service", text!("[Service]\nExecStart=/bin/hook\nEnvironment=T={token}\n"))
        .expose("an old program");
    plan.command(text!("curl -H 'T: {token}' http://localhost"))
        .creates("/srv/done")
        .expose("it ends at once");
    plan.command(text!("printf %s {token} > /root/t")).creates("/root/t");
}
