use paracrine_build::prelude::*;

site! {
    config: "config.yaml",
    inventories: ["inventory.yaml"],
}

pub fn site(cx: &Context, plan: &Plan) {
    plan.unit("app.socket", "[Socket]\nListenStream=8080\n\n[Install]\nWantedBy=sockets.target\n");
    plan.unit("app.service", template("app.service.j2", context! { n => cx.env.n }));
    plan.unit("clean.timer", "[Timer]\nOnBootSec=5min\nOnUnitActiveSec=1d 2h\nRandomizedDelaySec=90\n");
    plan.unit(
        "clean.service",
        "[Service]\nType=oneshot\nExecStart=-/bin/rm -rf /srv/tmp\nExecStart=/bin/true\n",
    );
    plan.unit("watch.path", "[Path]\nPathChanged=/srv/in\n");
    plan.unit("ours.slice", "[Slice]\nMemoryMax=1G\n");
    plan.unit("srv-data.mount", "[Mount]\nWhat=tmpfs\nWhere=/srv/data\nType=tmpfs\n");
    plan.directory("/etc/systemd/system/ssh.service.d");
    plan.file("/etc/systemd/system/ssh.service.d/limits.conf", "[Service]\nLimitNOFILE=65536\n");
}
