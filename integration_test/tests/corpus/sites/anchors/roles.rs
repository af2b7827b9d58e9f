use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory/staging.json", "inventory/live.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let (env, vars) = (&cx.env, &cx.host.vars);
    for role in &cx.host.roles {
        match role {
            Role::Edge => {
                plan.directory("/etc/edge");
                plan.file(
                    "/etc/edge/note",
                    template(
                        "note.j2",
                        context! { ports => env.ports, depth => env.nested.depth.value, note => env.note },
                    ),
                );
                plan.file("/etc/edge/secret", text!("{}\n", env.secret)).mode(0o600);
            }
        }
    }
    let name = text!("{} {} {} {}\n", env.hostname, env.alias, env.team, env.timeout);
    plan.file("/etc/edge.name", name);
    plan.file("/etc/edge.rank", text!("{}\n", vars.rank));
}
