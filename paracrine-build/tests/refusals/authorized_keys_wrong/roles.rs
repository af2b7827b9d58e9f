use paracrine_build::prelude::*;

use crate::Context;

pub fn site(cx: &Context, plan: &Plan) {
    plan.user("app");
    plan.file("/root/.ssh/authorized_keys", local_file("keys"));
    plan.file("/etc/ssh/authorized_keys.d/root", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n").mode(0o600);
    plan.file("/home/app/.ssh/authorized_keys", "# none\n").owner("daemon").mode(0o666);
    plan.file("/home/app/.ssh/authorized_keys2", text!("command=\"x {}\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMvVa2Xmllx63g7LNNtddSmoYqSmWI22gBaEsbnJv4ND\nssh-ed25519 {0}\nno-pyt ssh-rsa {0}\n", cx.password));
}
