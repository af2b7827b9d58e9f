//! Types from the files, used in every way.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventories: ["../site/dev.yaml", "../site/prod.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    let (host, workers): (&str, i64) = (&cx.env.app_host, cx.env.workers);
    let proxy: Option<&str> = cx.env.proxy.as_deref();
    for role in &cx.host.roles {
        match role {
            Role::Web => drop(plan.package("nginx")),
            Role::DbReplica => drop(plan.package("postgresql")),
        }
    }
    match cx.host.environment {
        Environment::Dev | Environment::Prod => {}
    }
    let file =
        plan.file("/etc/host", text!("{host} {workers} {} {}\n", proxy.unwrap_or("-"), cx.env.db_password));
    plan.service("nginx").restart_on(&file).reload_on(&file);
    assert!(cx.hosts_with(Role::Web).count() > 0);
}

fn main() {}
