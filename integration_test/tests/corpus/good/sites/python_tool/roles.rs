use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory/dev.yaml", "inventory/prod.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/domain", text!("{} {} {}\n", cx.env.domain, cx.env.acme_email, cx.env.wg_subnet));
    plan.file("/etc/smtp", text!("{}\n", cx.env.smtp_password)).mode(0o600);
    plan.file("/etc/wg", text!("{}\n", cx.host.wireguard_ip.map_or(String::new(), |ip| ip.to_string())));
}
