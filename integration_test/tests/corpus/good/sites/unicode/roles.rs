use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.file("/etc/motd", text!("{} {} {} ✓\n", cx.env.greeting, cx.env.strasse, cx.env.town));
    plan.file("/srv/données-été.txt", "à la carte\n");
    plan.user("jose").comment("José Ñandú");
}
