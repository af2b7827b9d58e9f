use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.directory("/srv/with space");
    plan.file("/srv/with space/quote'\".txt", text!("{}\n", cx.env.n));
    plan.link("/srv/with space/link", "../nowhere at all");
    plan.user("_svc-2");
    plan.package("g++-12");
    plan.service("systemd-fsck@dev-sda1");
    plan.command("echo 'a; b' && true").named("say: «a»").unless("test \"$(id -u)\" = 0");
}
