use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let env = &cx.env;
    let lines = text!(
        "{}\n{}\n{}\n{}\n{}\n",
        env.from_env,
        env.from_file,
        env.from_command,
        env.from_sops,
        env.from_age
    );
    plan.file("/etc/secrets", lines).mode(0o600);
    plan.file(
        "/etc/list",
        template("list.j2", context! { list => env.list, of_host => cx.host.vars.api_token }),
    );
}
