use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    let bad = "# comment\nDescription=x\n[Unit]\nAfetr=network.target\nWantedBy=multi-user.target\n\n[Servic]\nExecStart=/bin/x\n\n\
               [Service]\nUser=app\nRestart=on-failed\nNoNewPrivileges=maybe\nExecStart=bin/app --x \\\n  --y\nExecStop=cd /srv\nSomethingNew=1\njust words\n\
               [Install]\nWantedBy=multi-user.traget\n[X-Ours]\nWhatever=1\n[Timer]\nOnBootSec=1\n[Broken\n";
    plan.unit("bad.service", bad);
    plan.unit("empty.service", "[Unit]\nDescription=x\n");
    plan.unit("twice.service", "[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n");
    plan.unit("reset.service", "[Service]\nUser=nobody\nExecStart=/bin/a\nExecStart=\nExecStart=@-/bin/b c\n");
    plan.unit("once.service", "[Service]\nType=oneshot\nRestart=always\nExecStart=/bin/a\nExecStart=/bin/b\n");
    plan.unit("backup.timer", "[Timer]\nPersistent=true\n");
    plan.unit("app.socket", "[Socket]\nAccept=no\n");
    plan.unit("watch.path", "[Path]\nUnit=x.service\n");
    plan.file("/etc/systemd/system/nginx.service.d/limits.conf", "[Service]\nLimitNOFIL=1024\n");
    plan.unit("app.service", template("app.service.j2", context! { port => 80 }));
    plan.file("/etc/systemd/system/sent.service", local_file("sent.service"));
}
