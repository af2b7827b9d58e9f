use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    for role in &cx.host.roles {
        match role {
            Role::Web | Role::Cache => common(plan),
            Role::DbReplica => {
                plan.package("postgresql");
                plan.file("/etc/postgresql.note", text!("{}\n", cx.env.n)).owner("postgres");
            }
        }
    }
    let peers = cx.hosts_with(Role::Web).map(|host| host.ssh_hostname.clone()).collect::<Vec<_>>();
    plan.file("/etc/peers", peers.join("\n") + "\n");
}

fn common(plan: &Plan) {
    plan.package("nginx");
    plan.service("nginx").running();
}
